#!/bin/sh
# Runs one of tests/fuzz under clang's fuzzer, with the address and undefined behaviour sanitizers.
#
#   fuzz.sh NAME SECONDS [CORPUS]     NAME: fit, handles, pool, region or rt
#
# What it finds is left in the current directory as crash-*; `build/tests/fuzz/NAME FILE` repeats it.
# SPDX-License-Identifier: MIT
set -eu

if [ $# -lt 2 ] || [ ! -f "tests/fuzz/$1.c" ]; then
    echo 'fuzz.sh: type: fuzz.sh fit|handles|pool|region|rt SECONDS [CORPUS], at the top of the tree' >&2
    exit 2
fi
name=$1 seconds=$2
shift 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM
sources=$(find src/pools src/base src/heap -name '*.c')
# The sources are a list of words.
# shellcheck disable=SC2086
clang -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DACRE_DEBUG=1 -D_GNU_SOURCE \
    -Iinclude -Isrc -Iports/sim -Itests "tests/fuzz/$name.c" $sources ports/sim/pages_sim.c ports/sim/port_sim.c \
    -o "$out/$name"
"$out/$name" -max_total_time="$seconds" -max_len=2000 "$@"
