# surroundings: programs on acre where the system gives little, refuses, or is another. Part of the tests.
# SPDX-License-Identifier: MIT

file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${TESTS}/surroundings ${TESTS}/surroundings/*.c)
foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    acre_program(surroundings_${name} tests/surroundings/${source} tests/surroundings)
    if(NOT name MATCHES "^(guest|pages)$")
        acre_test(surroundings/${name} sh ${TESTS}/run_preloaded.sh ${PROJECT_BINARY_DIR}
            $<TARGET_FILE:surroundings_${name}>)
    endif()
endforeach()
# With what tests/aarch64/run.sh has built.
acre_test(surroundings/pages python3 -B ${TESTS}/surroundings/pages.py ${PROJECT_BINARY_DIR})
set_tests_properties(aarch64/run PROPERTIES FIXTURES_SETUP aarch64)
set_tests_properties(surroundings/pages PROPERTIES FIXTURES_REQUIRED aarch64)
acre_test(surroundings/guest python3 -B ${TESTS}/surroundings/guest.py ${PROJECT_BINARY_DIR})
acre_test(surroundings/start_limited sh ${TESTS}/surroundings/start_limited.sh ${PROJECT_BINARY_DIR})
