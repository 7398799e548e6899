# kernel.cmake - the reference kernel with its tests, as an image that QEMU boots. It is built by the compiler
# that builds the library, for the same processor, with the flags that kernels use; scripts/build_kernel.sh
# builds it with a compiler for another.
# SPDX-License-Identifier: MIT

set(ACRE_MACHINE ports/kernel_${CMAKE_SYSTEM_PROCESSOR})
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    set(ACRE_MACHINE_SOURCES ports/kernel_x86_64/interrupts.c ports/kernel_x86_64/mapping.c
        ports/kernel_x86_64/memory.c)
    set(ACRE_MACHINE_SUITES mapped) # the others have no machine_mapping yet
    set(ACRE_MACHINE_OPTIONS -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fcf-protection=none)
    set(ACRE_MACHINE_LINK ports/kernel_x86_64/link.ld)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|riscv64)$")
    set(ACRE_MACHINE_SOURCES ports/kernel_common/memory.c ports/kernel_common/tree.c ports/kernel_common/virt.c)
    set(ACRE_MACHINE_LINK ports/kernel_common/link.ld)
    set(ACRE_MACHINE_OPTIONS_aarch64 -mgeneral-regs-only -mno-outline-atomics)
    set(ACRE_MACHINE_OPTIONS_riscv64 -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany)
    set(ACRE_MACHINE_OPTIONS ${ACRE_MACHINE_OPTIONS_${CMAKE_SYSTEM_PROCESSOR}})
    set(ACRE_IMAGE_AT_aarch64 0x40200000)
    set(ACRE_IMAGE_AT_riscv64 0x80200000)
    set(ACRE_IMAGE_AT -Wl,--defsym=IMAGE_AT=${ACRE_IMAGE_AT_${CMAKE_SYSTEM_PROCESSOR}})
else()
    return()
endif()
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE ACRE_COMPILER_HEADERS OUTPUT_STRIP_TRAILING_WHITESPACE)

set(ACRE_PORT_KERNEL ports/kernel/commits.c ports/kernel/committed.c ports/kernel/pages_frames.c
    ports/kernel/pages_mapped.c ports/kernel/pages_range.c ports/kernel/tables.c ports/kernel/units.c)
set(ACRE_KERNEL
    ${ACRE_MACHINE}/boot.S ${ACRE_MACHINE}/machine.c ${ACRE_MACHINE}/processor.c
    ports/kernel_common/cpus.c ${ACRE_MACHINE_SOURCES}
    kernel/cpus.c kernel/kmalloc.c kernel/main.c kernel/memory.c kernel/say.c)

# How every object of a kernel is compiled: nothing of a system, only the compiler's own headers.
function(acre_kernel_options target)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF C_VISIBILITY_PRESET default)
    target_compile_options(${target} PRIVATE ${ACRE_WARNINGS} -fno-pic -ffreestanding
        ${ACRE_MACHINE_OPTIONS} -fno-stack-protector -fno-asynchronous-unwind-tables
        $<$<COMPILE_LANGUAGE:C>:-nostdinc -isystem ${ACRE_COMPILER_HEADERS}>)
    target_compile_definitions(${target} PRIVATE ACRE_PORT_CPU_HEADER="acre_cpu.h")
    target_include_directories(${target} PRIVATE . include ports/kernel_common ${ACRE_MACHINE})
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
        ${ACRE_IMAGE_AT} -Wl,-T,${PROJECT_SOURCE_DIR}/${ACRE_MACHINE_LINK})
    set_target_properties(${target} PROPERTIES SUFFIX .elf
        LINK_DEPENDS ${PROJECT_SOURCE_DIR}/${ACRE_MACHINE_LINK})
    if(ACRE_TESTS)
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL OFF)
    endif()
endfunction()

foreach(name frames range ${ACRE_MACHINE_SUITES} heap interrupts stress short)
    acre_kernel_suite(kernel_suite_${name} ${name} tests/kernel/${name}.c)
    list(APPEND ACRE_KERNEL_SUITES $<TARGET_OBJECTS:kernel_suite_${name}>)
endforeach()
acre_kernel_image(test_kernel ${ACRE_KERNEL} tests/kernel/job.c tests/kernel/guest.c
    tests/kernel/measure.c tests/t.c $<TARGET_OBJECTS:kernel_core> ${ACRE_KERNEL_SUITES})

# The unit tests as kernel code, over the sim port.
file(GLOB ACRE_UNITS CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} tests/unit/*_test.c)
list(FILTER ACRE_UNITS EXCLUDE REGEX "rt_posts_test") # threads
set(ACRE_UNIT_POOLS ${ACRE_POOLS})
if(CMAKE_CROSSCOMPILING) # base, frames and heap, which is what kernels have of acre first
    list(FILTER ACRE_UNITS EXCLUDE REGEX
        "(budget|cache|fit|handles|partitions|pool|pool_split|region|rt|rt_special|rt_tight|table)_test")
    set(ACRE_UNIT_POOLS)
endif()
set(units "")
foreach(source ${ACRE_UNITS})
    get_filename_component(name ${source} NAME_WE)
    string(APPEND units "UNIT(${name})\n")
    acre_kernel_suite(kernel_unit_${name} ${name} ${source})
    list(APPEND ACRE_UNIT_OBJECTS kernel_unit_${name})
endforeach()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/units.txt CONTENT "${units}" @ONLY)
add_library(kernel_sim OBJECT EXCLUDE_FROM_ALL ${ACRE_CORE} ${ACRE_UNIT_POOLS} ${ACRE_FRAMES} ports/sim/pages_sim.c
    ports/sim/port_sim.c tests/unit/fixture.c)
acre_kernel_options(kernel_sim)
foreach(target kernel_sim ${ACRE_UNIT_OBJECTS})
    target_compile_definitions(${target} PRIVATE ACRE_DEBUG=1)
    if(CMAKE_CROSSCOMPILING)
        target_compile_options(${target} PRIVATE -O1 -g0) # half the time to compile, and for a test only
    endif()
    target_include_directories(${target} PRIVATE src ports/sim tests tests/kernel/libc)
    list(APPEND ACRE_UNIT_FILES $<TARGET_OBJECTS:${target}>)
endforeach()
list(REMOVE_ITEM ACRE_KERNEL kernel/kmalloc.c kernel/main.c kernel/memory.c)
acre_kernel_image(unit_kernel ${ACRE_KERNEL} tests/kernel/units.c tests/kernel/libc/libc.c tests/t.c
    ${ACRE_UNIT_FILES})
target_compile_definitions(unit_kernel PRIVATE ACRE_UNITS="${PROJECT_BINARY_DIR}/units.txt")
