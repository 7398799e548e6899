#!/bin/sh
# static.sh - programs linked with acre run on it: statically with libacre.a, as a static PIE, with
# libacre.so as a library of the program, in C and in C++.
# usage: static.sh BUILD_DIR
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

archive=$build/libacre.a
include="-I$root/include"

# Runs a program of ours under both bindings; it must say which one it has.
run_linked() {
    for binding in rseq thread; do
        quietly timeout 30 env ACRE_CONF="slots=$binding" "$@"
        if ! grep -q '^acre .*, binding' "$work/out"; then
            failed "slots=$binding: $1 did not say what it runs on"
        fi
    done
}

check_warnings() {
    if [ -s "$work/warnings" ]; then
        failed "$1: the linker has something to say"
        cat "$work/warnings"
    fi
}

compile "$include" -static -o "$work/static_c" "$parts/static_program.c" "$archive" -pthread \
    2>"$work/warnings"
check_warnings "C -static"
run_linked "$work/static_c"
compile "$include" -static-pie -fPIE -o "$work/static_pie" "$parts/static_program.c" "$archive" \
    -pthread 2>"$work/warnings"
check_warnings "C -static-pie"
run_linked "$work/static_pie"
compile "$include" -o "$work/archive_c" "$parts/static_program.c" "$archive" -pthread
run_linked "$work/archive_c"
compile "$include" -o "$work/shared_c" "$parts/static_program.c" "$library" \
    -Wl,-rpath,"$build" -pthread
run_linked "$work/shared_c"

if command -v "${CXX:-c++}" >/dev/null; then
    for kind in -static ''; do
        # shellcheck disable=SC2086 # no option, or one
        ${CXX:-c++} -std=c++17 -O1 "$include" $kind -o "$work/cxx$kind" \
            "$parts/static_program.cc" "$archive" -pthread 2>"$work/warnings" ||
            failed "C++ does not link: $kind"
        check_warnings "C++ $kind"
        run_linked "$work/cxx$kind"
    done
else
    echo "skipped: no C++ compiler"
fi
exit $result
