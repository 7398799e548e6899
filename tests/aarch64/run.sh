#!/bin/sh
# run.sh - acre on 64-bit Arm, built by a cross compiler and run by qemu's user emulation: programs on
# a preloaded libacre.so, and the restartable sequences with interrupts at every instruction.
# usage: run.sh BUILD_DIR
#
# It builds below BUILD_DIR/aarch64. The emulation has no restartable sequences of its own, so this
# also tests that the process then chooses the thread binding, and says so when asked for the other.
# Exits with 77 where the tools are missing.
# SPDX-License-Identifier: MIT
set -u

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_DIR" >&2
    exit 2
fi
tests=$(cd "$(dirname "$0")/.." && pwd)
root=$(cd "$tests/.." && pwd)
compiler=aarch64-linux-gnu-gcc
system=/usr/aarch64-linux-gnu
conform='names aligned resized sized_free too_large errno_kept zeroed'

skip() {
    echo "# skipped: $1"
    exit 77
}
for tool in $compiler qemu-aarch64 cmake; do
    command -v "$tool" >/dev/null || skip "there is no $tool"
done
[ -e $system/include/stdio.h ] || skip "there is no C library for it in $system"

mkdir -p "$1/aarch64" && cd "$1/aarch64" || exit 1
result=0
failed() {
    echo "FAILED $1"
    result=1
}

build() {
    cmake -S "$root" -B . -DACRE_TESTS=ON -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=$compiler &&
        cmake --build . --parallel 2 --target acre_shared acre_static \
            rseq_commits_test rseq_hits_test
}
if ! build >build.log 2>&1; then
    tail -n 30 build.log
    exit 1
fi

emulate() { # environment for the program: NAME=VALUE or -; program
    set_in=${1#-}
    shift
    timeout -k 5 120 qemu-aarch64 -L $system ${set_in:+-E "$set_in"} "$@"
}

for test in rseq_commits_test rseq_hits_test; do
    emulate - ./$test || failed $test
done

compile() { # name, sources and options
    name=$1
    shift
    $compiler -std=gnu11 -D_GNU_SOURCE -O1 -fno-builtin -I"$root/include" -o "$name" "$@" -pthread ||
        failed "$name does not compile"
}
for test in $conform; do
    compile "$test" "$tests/conform/$test.c"
done
compile threads "$tests/aarch64/threads.c"

# conform_main checks the binding. The first run leaves the choice to the process.
ACRE_TEST_BINDING=thread
export ACRE_TEST_BINDING
for test in $conform; do
    emulate "LD_PRELOAD=$PWD/libacre.so" "./$test" || failed "$test"
done
# The emulator ends with an assertion of its own when a child of a process with threads makes one: no helper.
ACRE_CONF=giveback=0
export ACRE_CONF
emulate "LD_PRELOAD=$PWD/libacre.so" ./threads || failed threads
unset ACRE_CONF
ACRE_CONF=slots=thread,giveback=0 emulate "LD_PRELOAD=$PWD/libacre.so" ./threads || failed 'threads, slots=thread'

compile static_program "$tests/static/takeover.c" -static libacre.a
emulate - ./static_program no-fork || failed 'a static program'

# Asked for what is not there.
ACRE_CONF=slots=rseq emulate "LD_PRELOAD=$PWD/libacre.so" ./names >/dev/null 2>err ||
    failed 'names, slots=rseq'
if [ "$(cat err)" != "acre: ACRE_CONF: slots=rseq: this system has no restartable sequences\
 with concurrency ids; using thread" ]; then
    failed 'slots=rseq is not refused in one line:'
    cat err
fi
exit $result
