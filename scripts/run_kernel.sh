#!/bin/sh
# Boots a kernel image in QEMU and passes its console on.
#
#   run_kernel.sh IMAGE [-M MACHINE] [-c CPUS] [-m MEMORY] [-t SECONDS] [-i] [WORDS...]
#
# MACHINE is q35 (the default), pc or microvm; WORDS are the kernel's command line. -i counts
# instructions as time (QEMU's -icount shift=0), on one processor. Always emulated (TCG), so that it
# needs no right to virtualise, and ends after SECONDS (60) whatever happens.
#
# Status 0 if the kernel ended by itself with success and its last line says PASS, else 1; 77 without
# QEMU. A machine that resets makes QEMU end with 0, so that alone means nothing.
# SPDX-License-Identifier: MIT
set -eu

passed=33 # what isa-debug-exit makes of the kernel's word

usage() {
    echo 'run_kernel.sh: type: run_kernel.sh IMAGE [-M MACHINE] [-c CPUS] [-m MEMORY] [-t SECONDS] [-i] [WORDS...]' >&2
    exit 2
}

[ $# -ge 1 ] || usage
image=$1
shift
machine=q35 cpus=4 memory=512M seconds=60 accelerator=tcg,thread=multi count=''
while getopts M:c:m:t:i option; do
    case $option in
        M) machine=$OPTARG ;;
        c) cpus=$OPTARG ;;
        m) memory=$OPTARG ;;
        t) seconds=$OPTARG ;;
        i) count=yes ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
if [ ! -f "$image" ]; then
    echo "run_kernel.sh: no $image" >&2
    exit 1
fi
qemu=${ACRE_QEMU:-qemu-system-x86_64}
if ! command -v "$qemu" >/dev/null 2>&1; then
    echo "run_kernel.sh: skipped: no $qemu (on Debian: package qemu-system-x86)"
    exit 77
fi
words=$*
set --
if [ -n "$count" ]; then
    # Without erms and fsrm, string instructions count by eight bytes, not by one.
    accelerator=tcg,thread=single cpus=1
    set -- -icount shift=0,sleep=off -cpu max,-erms,-fsrm
else
    set -- -cpu max
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 1' HUP INT TERM
{
    status=0
    timeout -k 5 "$seconds" "$qemu" -accel "$accelerator" "$@" -M "$machine" -m "$memory" -smp "$cpus" \
        -display none -vga none -nodefaults -no-user-config -no-reboot -serial stdio -monitor none \
        -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel "$image" -append "$words" \
        </dev/null || status=$?
    echo "status $status"
} | tee "$out" | grep -v '^status '
case $(tail -n 1 "$out") in
    "status $passed") tail -n 2 "$out" | grep -q '^PASS' && exit 0 ;;
    'status 124' | 'status 137') echo "run_kernel.sh: ended after $seconds s" ;;
    'status 0') echo 'run_kernel.sh: the machine reset' ;;
    *) ;;
esac
exit 1
