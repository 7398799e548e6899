# bench.cmake - what `acre bench` needs beside the command: pattern programs, runner, tables, jobs.
#
# In a build tree all of it is in bench/ below the command; installed, in libexec/acre/bench. Programs
# are built by the target bench_programs and installed if they have been.
# SPDX-License-Identifier: MIT
set(ACRE_BENCH_PROGRAMS
    runner/run_once.c
    patterns/aligned.c patterns/batch.c patterns/bignum.c patterns/churn.c patterns/fifty.c
    patterns/idle.c patterns/idle_threads.c patterns/large.c patterns/logic.c patterns/mixed_lifo.c
    patterns/mixed_sizes.c patterns/nbody.c patterns/pair.c patterns/phase.c patterns/processes.c
    patterns/producer.c patterns/ring.c patterns/rss.c patterns/scatter.c patterns/server.c
    patterns/sharing.c patterns/sparse.c patterns/strings.c patterns/swap.c patterns/threads.c
    patterns/transfer.c patterns/tree.c patterns/vectors.c limits/fill_limit.c
    limits/give_back.c limits/latency.c limits/thread_memory.c)
if(CMAKE_CXX_COMPILER)
    list(APPEND ACRE_BENCH_PROGRAMS patterns/objects.cc)
endif()
set(ACRE_BENCH_FILES patterns.txt jobs.txt)
file(GLOB ACRE_BENCH_SCRIPTS CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/bench
    ${PROJECT_SOURCE_DIR}/bench/runner/*.py ${PROJECT_SOURCE_DIR}/bench/runner/*.css
    ${PROJECT_SOURCE_DIR}/bench/jobs/*)
set(ACRE_BENCH_DIR ${CMAKE_INSTALL_LIBEXECDIR}/acre/bench)

add_custom_target(bench_programs)
foreach(source ${ACRE_BENCH_PROGRAMS})
    get_filename_component(name ${source} NAME_WE)
    acre_program(bench_${name} bench/${source} bench)
    add_dependencies(bench_programs bench_${name})
    if(PROJECT_IS_TOP_LEVEL AND source MATCHES "^(patterns|runner)/")
        install(PROGRAMS $<TARGET_FILE:bench_${name}> DESTINATION ${ACRE_BENCH_DIR} OPTIONAL)
    endif()
endforeach()
foreach(file ${ACRE_BENCH_FILES} ${ACRE_BENCH_SCRIPTS})
    configure_file(bench/${file} bench/${file} COPYONLY)
    get_filename_component(directory ${file} DIRECTORY)
    if(PROJECT_IS_TOP_LEVEL)
        install(FILES bench/${file} DESTINATION ${ACRE_BENCH_DIR}/${directory})
    endif()
endforeach()
