#!/bin/sh
# The test kernel on each machine with each number of processors, and in little and much memory. One line
# a run; all of the console when one fails.
# usage: machines.sh IMAGE [MACHINES [PROCESSORS]]     default: 'q35 pc microvm' '1 2 4 8'
# SPDX-License-Identifier: MIT
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0
run() { # machine, processors, memory, further arguments
    machine=$1 cpus=$2 memory=$3
    shift 3
    status=0
    start=$(date +%s%N)
    sh "$here/../../scripts/run_kernel.sh" "$image" -M "$machine" -c "$cpus" -m "$memory" "$@" >"$out" 2>&1 ||
        status=$?
    took=$((($(date +%s%N) - start) / 1000000))
    if [ $status -eq 77 ]; then
        cat "$out"
        exit 77
    fi
    # That it passed is not enough: all its processors must have taken part.
    if [ $status -ne 0 ] || ! grep -q "^processors: $cpus\$" "$out"; then
        cat "$out"
        echo "not ok - $machine, $cpus processors, $memory${*:+ $*}"
        failed=1
        return
    fi
    echo "ok - $machine, $cpus processors, $memory${*:+ $*}: $(grep -c '^ok ' "$out") cases in $took ms"
}

image=$1 machines=${2:-q35 pc microvm} processors=${3:-1 2 4 8}
for each in $machines; do
    for number in $processors; do
        run "$each" "$number" 512M
    done
done
run "${machines%% *}" 1 512M -i interrupts
run "${machines%% *}" 2 96M
[ "$machines" = virt ] || run q35 2 3G # a third of it above 4 GiB
exit $failed
