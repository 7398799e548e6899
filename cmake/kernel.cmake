# kernel.cmake - the reference kernel with its tests, as an image that QEMU boots. For x86-64 hosts: it is
# built by the compiler that builds the library, with the flags that kernels use.
# SPDX-License-Identifier: MIT

if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    return()
endif()
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE ACRE_COMPILER_HEADERS OUTPUT_STRIP_TRAILING_WHITESPACE)

set(ACRE_PORT_KERNEL ports/kernel/commits.c ports/kernel/committed.c ports/kernel/pages_frames.c
    ports/kernel/pages_mapped.c ports/kernel/pages_range.c ports/kernel/tables.c ports/kernel/units.c)
set(ACRE_KERNEL
    ports/kernel_x86_64/boot.S ports/kernel_x86_64/cpus.c ports/kernel_x86_64/interrupts.c
    ports/kernel_x86_64/machine.c ports/kernel_x86_64/mapping.c ports/kernel_x86_64/memory.c
    kernel/cpus.c kernel/kmalloc.c kernel/main.c kernel/memory.c kernel/say.c)

# How every object of a kernel is compiled: nothing of a system, only the compiler's own headers.
function(acre_kernel_options target)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF C_VISIBILITY_PRESET default)
    target_compile_options(${target} PRIVATE ${ACRE_WARNINGS} -fno-pic -ffreestanding -mno-red-zone
        -mgeneral-regs-only -mcmodel=kernel -fno-stack-protector -fcf-protection=none
        -fno-asynchronous-unwind-tables
        $<$<COMPILE_LANGUAGE:C>:-nostdinc -isystem ${ACRE_COMPILER_HEADERS}>)
    target_compile_definitions(${target} PRIVATE ACRE_PORT_CPU_HEADER="acre_cpu.h")
    target_include_directories(${target} PRIVATE . include ports/kernel_x86_64)
endfunction()

# A test file as part of an image: its entry point gets a name of its own.
function(acre_kernel_suite target name)
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${ARGN})
    acre_kernel_options(${target})
    target_compile_definitions(${target} PRIVATE t_main=t_main_${name})
    target_include_directories(${target} PRIVATE tests tests/kernel)
endfunction()

add_library(kernel_core OBJECT EXCLUDE_FROM_ALL ${ACRE_CORE} ${ACRE_FRAMES} ${ACRE_PORT_KERNEL})
acre_kernel_options(kernel_core)
target_include_directories(kernel_core PRIVATE src ports/kernel)

function(acre_kernel_image target)
    add_executable(${target} EXCLUDE_FROM_ALL ${ARGN})
    acre_kernel_options(${target})
    target_include_directories(${target} PRIVATE tests tests/kernel)
    target_link_options(${target} PRIVATE -nostdlib -static -no-pie -Wl,--build-id=none
        -Wl,-z,noexecstack,-z,max-page-size=4096
        -Wl,-T,${PROJECT_SOURCE_DIR}/ports/kernel_x86_64/link.ld)
    set_target_properties(${target} PROPERTIES SUFFIX .elf
        LINK_DEPENDS ${PROJECT_SOURCE_DIR}/ports/kernel_x86_64/link.ld)
    if(ACRE_TESTS)
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL OFF)
    endif()
endfunction()

foreach(name frames range mapped heap stress short)
    acre_kernel_suite(kernel_suite_${name} ${name} tests/kernel/${name}.c)
    list(APPEND ACRE_KERNEL_SUITES $<TARGET_OBJECTS:kernel_suite_${name}>)
endforeach()
acre_kernel_image(test_kernel ${ACRE_KERNEL} tests/kernel/job.c tests/kernel/guest.c
    tests/kernel/measure.c tests/t.c $<TARGET_OBJECTS:kernel_core> ${ACRE_KERNEL_SUITES})

# The unit tests as kernel code, over the sim port.
file(GLOB ACRE_UNITS CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} tests/unit/*_test.c)
list(FILTER ACRE_UNITS EXCLUDE REGEX "rt_posts_test") # threads
set(units "")
foreach(source ${ACRE_UNITS})
    get_filename_component(name ${source} NAME_WE)
    string(APPEND units "UNIT(${name})\n")
    acre_kernel_suite(kernel_unit_${name} ${name} ${source})
    list(APPEND ACRE_UNIT_OBJECTS kernel_unit_${name})
endforeach()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/units.txt CONTENT "${units}" @ONLY)
add_library(kernel_sim OBJECT EXCLUDE_FROM_ALL ${ACRE_CORE} ${ACRE_POOLS} ${ACRE_FRAMES} ports/sim/pages_sim.c
    ports/sim/port_sim.c tests/unit/fixture.c)
acre_kernel_options(kernel_sim)
foreach(target kernel_sim ${ACRE_UNIT_OBJECTS})
    target_compile_definitions(${target} PRIVATE ACRE_DEBUG=1)
    target_include_directories(${target} PRIVATE src ports/sim tests tests/kernel/libc)
    list(APPEND ACRE_UNIT_FILES $<TARGET_OBJECTS:${target}>)
endforeach()
list(REMOVE_ITEM ACRE_KERNEL kernel/kmalloc.c kernel/main.c kernel/memory.c)
acre_kernel_image(unit_kernel ${ACRE_KERNEL} tests/kernel/units.c tests/kernel/libc/libc.c tests/t.c
    ${ACRE_UNIT_FILES})
target_compile_definitions(unit_kernel PRIVATE ACRE_UNITS="${PROJECT_BINARY_DIR}/units.txt")
