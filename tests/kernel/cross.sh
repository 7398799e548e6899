#!/bin/sh
# The reference kernel for another processor than this machine's: built by a cross compiler, the test kernel
# on 1, 2 and 4 processors and broken on purpose, and the unit tests of base, heap and frames.
# usage: cross.sh BUILD_DIR PROCESSOR
# It builds in BUILD_DIR/kernel_PROCESSOR. Exits with 77 where the compiler or the emulator is missing.
# SPDX-License-Identifier: MIT
set -eu

here=$(cd "$(dirname "$0")" && pwd)
scripts=$here/../../scripts
images=$1/kernel_$2

sh "$scripts/build_kernel.sh" "$1" "$2" test_kernel unit_kernel
sh "$here/machines.sh" "$images/test_kernel.elf" virt '1 2 4'
if [ "$2" = aarch64 ]; then # entered at level 2
    sh "$scripts/run_kernel.sh" "$images/test_kernel.elf" -M virt,virtualization=on -c 2
fi
sh "$here/can_fail.sh" "$images/test_kernel.elf" expect exception free reset
sh "$scripts/run_kernel.sh" "$images/unit_kernel.elf" -c 1 -m 3G -t 150
