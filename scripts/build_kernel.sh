#!/bin/sh
# Builds the reference kernel for another processor than this machine's, with a cross compiler.
#
#   build_kernel.sh BUILD_DIR PROCESSOR [TARGET...]
#
# PROCESSOR is aarch64, riscv64 or x86_64; TARGETs are test_kernel (the default) and unit_kernel. The images
# are then in BUILD_DIR/kernel_PROCESSOR. Status 77, and a line that says why, without the compiler.
# SPDX-License-Identifier: MIT
set -eu

if [ $# -lt 2 ]; then
    echo 'build_kernel.sh: type: build_kernel.sh BUILD_DIR PROCESSOR [TARGET...]' >&2
    exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1/kernel_$2 processor=$2
shift 2
[ $# -ne 0 ] || set -- test_kernel
compiler=$processor-linux-gnu-gcc
if ! command -v "$compiler" >/dev/null 2>&1; then
    package=$(echo "$processor" | tr _ -)
    echo "build_kernel.sh: skipped: no $compiler (on Debian: package gcc-$package-linux-gnu)"
    exit 77
fi
mkdir -p "$build"
log=$build/build.log
# The compiler may have no C library: then it links no program to see whether it works, and CMake is told what
# it would look for in one.
if ! {
    cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DACRE_TESTS=ON -DACRE_WERROR=ON \
        -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$processor" -DCMAKE_C_COMPILER="$compiler" \
        -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
        -DCMAKE_HAVE_LIBC_PTHREAD=1 &&
        cmake --build "$build" --parallel 2 --target "$@"
} >"$log" 2>&1; then
    tail -n 30 "$log"
    exit 1
fi
