#!/bin/sh
# Boots a kernel image in QEMU and passes its console on.
#
#   run_kernel.sh IMAGE [-M MACHINE] [-c CPUS] [-m MEMORY] [-t SECONDS] [-i] [WORDS...]
#
# QEMU is the one for the processor that the image is for. MACHINE is one of its: q35 (the default), pc or microvm
# on x86-64, virt on aarch64 and riscv64. WORDS are the kernel's command line. -i counts instructions as time (QEMU's -icount shift=0), on one
# processor. Always emulated (TCG), so that it needs no right to virtualise, and ends after SECONDS (60)
# whatever happens.
#
# Status 0 if the kernel ended by itself with success and its last line says PASS, else 1; 77 without
# QEMU. A machine that resets makes QEMU end with 0, so that alone means nothing.
# SPDX-License-Identifier: MIT
set -eu

passed=33 # what the kernel has QEMU end with

usage() {
    echo 'run_kernel.sh: type: run_kernel.sh IMAGE [-M MACHINE] [-c CPUS] [-m MEMORY] [-t SECONDS] [-i] [WORDS...]' >&2
    exit 2
}

[ $# -ge 1 ] || usage
image=$1
shift
machine='' cpus=4 memory=512M seconds=60 accelerator=tcg,thread=multi count=''
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
words=$*
case $(od -A n -t u2 -j 18 -N 2 "$image" | tr -d ' ') in # an ELF file's machine
    62)
        processor=x86_64 package=qemu-system-x86
        set -- -M "${machine:-q35}" -vga none -device isa-debug-exit,iobase=0xf4,iosize=0x04
        ;;
    183)
        processor=aarch64 package=qemu-system-arm
        set -- -M "${machine:-virt}" -semihosting
        ;;
    243)
        processor=riscv64 package=qemu-system-misc
        set -- -M "${machine:-virt}" -bios default
        ;;
    *)
        echo "run_kernel.sh: $image is for no machine that is known here" >&2
        exit 1
        ;;
esac
qemu=${ACRE_QEMU:-qemu-system-$processor}
if ! command -v "$qemu" >/dev/null 2>&1; then
    echo "run_kernel.sh: skipped: no $qemu (on Debian: package $package)"
    exit 77
fi
if [ -n "$count" ]; then
    accelerator=tcg,thread=single cpus=1
    set -- "$@" -icount shift=0,sleep=off
fi
case $processor$count in
    riscv64*) ;; # it has no cpu of that name
    # Without erms and fsrm, string instructions count by eight bytes, not by one.
    x86_64yes) set -- "$@" -cpu max,-erms,-fsrm ;;
    *) set -- "$@" -cpu max ;;
esac
out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 1' HUP INT TERM
{
    status=0
    timeout -k 5 "$seconds" "$qemu" -accel "$accelerator" "$@" -m "$memory" -smp "$cpus" \
        -display none -nodefaults -no-user-config -no-reboot -serial stdio -monitor none \
        -kernel "$image" -append "$words" </dev/null || status=$?
    echo "status $status"
} | sed '/^OpenSBI v/,/^Boot HART MEDELEG/d' | tee "$out" | grep -v '^status ' # the firmware's words
case $(tail -n 1 "$out") in
    "status $passed") tail -n 2 "$out" | grep -q '^PASS' && exit 0 ;;
    'status 124' | 'status 137') echo "run_kernel.sh: ended after $seconds s" ;;
    'status 0') echo 'run_kernel.sh: the machine reset' ;;
    *) ;;
esac
exit 1
