# archive.cmake - libacre.a, made of the objects of the target acre_objects, and libacre_pools.a.
#
# It holds one object, so that a program gets all of malloc's names from it or none: were some to come
# from libc.a, they would be defined twice. Internal names are made local, for a program may have
# functions of the same names. Names that libc.a does not define together with malloc are weak: a
# program may bring its own. The operators of C++ are left to its runtime, whose own call malloc.
# SPDX-License-Identifier: MIT
set(ACRE_OBJECT ${PROJECT_BINARY_DIR}/acre.o)
set(ACRE_WEAK cfree free_aligned_sized free_sized malloc_good_size malloc_size reallocarray reallocf)
list(TRANSFORM ACRE_WEAK PREPEND --weaken-symbol=)

add_custom_command(OUTPUT ${ACRE_OBJECT}
    COMMAND ${CMAKE_C_COMPILER} -nostdlib -r -o ${ACRE_OBJECT} $<TARGET_OBJECTS:acre_objects>
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${ACRE_WEAK} ${ACRE_OBJECT}
    DEPENDS acre_objects $<TARGET_OBJECTS:acre_objects>
    COMMENT "Joining the objects of libacre.a" COMMAND_EXPAND_LISTS VERBATIM)
set_source_files_properties(${ACRE_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

add_library(acre_static STATIC ${ACRE_OBJECT})
add_library(acre::static ALIAS acre_static)
set_target_properties(acre_static PROPERTIES OUTPUT_NAME acre EXPORT_NAME static LINKER_LANGUAGE C)
target_include_directories(acre_static INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(acre_static INTERFACE Threads::Threads)
# A program of which only later libraries call malloc would get libc's.
target_link_options(acre_static INTERFACE LINKER:-u,malloc)

# lib<target>.a of one object, made of those of another target, with internal names made local, and of
# further sources that need nothing internal.
function(acre_archive target objects)
    set(joined ${PROJECT_BINARY_DIR}/${target}.o)
    add_custom_command(OUTPUT ${joined}
        COMMAND ${CMAKE_C_COMPILER} -nostdlib -r -o ${joined} $<TARGET_OBJECTS:${objects}>
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${joined}
        DEPENDS ${objects} $<TARGET_OBJECTS:${objects}>
        COMMENT "Joining the objects of lib${target}.a" COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties(${joined} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    add_library(${target} STATIC ${joined} ${ARGN})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} INTERFACE Threads::Threads)
endfunction()
