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
run() { # machine, processors, memory
    status=0
    start=$(date +%s%N)
    sh "$here/../../scripts/run_kernel.sh" "$image" -M "$1" -c "$2" -m "$3" >"$out" 2>&1 || status=$?
    took=$((($(date +%s%N) - start) / 1000000))
    if [ $status -eq 77 ]; then
        cat "$out"
        exit 77
    fi
    # That it passed is not enough: all its processors must have taken part.
    if [ $status -ne 0 ] || ! grep -q "^processors: $2\$" "$out"; then
        cat "$out"
        echo "not ok - $1, $2 processors, $3"
        failed=1
        return
    fi
    echo "ok - $1, $2 processors, $3: $(grep -c '^ok ' "$out") cases in $took ms"
}

image=$1 machines=${2:-q35 pc microvm} processors=${3:-1 2 4 8}
for machine in $machines; do
    for cpus in $processors; do
        run "$machine" "$cpus" 512M
    done
done
run "${machines%% *}" 2 96M
run "${machines%% *}" 2 3G # on a PC, a third of it above 4 GiB
exit $failed
