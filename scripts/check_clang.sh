#!/bin/sh
# check_clang.sh - the library and the command build with clang without a warning, and programs run on
# what it built. The rest of the tests uses the compiler that the build was configured with.
# usage: check_clang.sh BUILD_DIR     builds below BUILD_DIR/with_clang; 77 where there is no clang
# SPDX-License-Identifier: MIT
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_DIR" >&2
    exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1/with_clang
command -v clang >/dev/null || {
    echo 'skip: no clang'
    exit 77
}
mkdir -p "$build"
if ! { cmake -S "$root" -B "$build" -DCMAKE_C_COMPILER=clang -DACRE_WERROR=ON &&
    cmake --build "$build" --parallel 2; } >"$build/log" 2>&1; then
    tail -n 30 "$build/log"
    exit 1
fi
for binding in rseq thread; do
    for program in /bin/true '/bin/ls -l /' 'cc --version'; do
        # shellcheck disable=SC2086 # a program and its arguments
        "$build/acre" run --slots=$binding -- $program >"$build/out" 2>&1 || {
            echo "FAILED $program, slots=$binding"
            cat "$build/out"
            exit 1
        }
    done
done
python3 "$root/scripts/measure_hits.py" "$build/libacre.so" --check
echo 'ok   clang'
