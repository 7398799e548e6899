#!/bin/sh
# The job of `make run`: compiles acre's own sources with the system's C compiler, on acre and beside
# it on the system's malloc (and on every other allocator that is found), and prints the comparison.
#
#   run_job.sh BUILD_DIR            the comparison; BUILD_DIR holds the acre command
#   run_job.sh --compile OUT_DIR    the job itself, once, whatever malloc it finds itself on
#
# ACRE_RUN_REPEAT: how often each allocator does the job (default 3). CC: the compiler (default cc).
# SPDX-License-Identifier: MIT
set -eu

compiler=${CC:-cc}
repeat=${ACRE_RUN_REPEAT:-3}
case $0 in
    /*) self=$0 ;;
    *) self=$PWD/$0 ;;
esac
top=$(dirname "$self")/..

sources() {
    find "$top/src/heap" "$top/src/front" "$top/ports/linux" -name '*.c' | sort
}

compile() { # directory for what is compiled
    for file in $(sources); do
        $compiler -std=gnu11 -w -O2 -I "$top/include" -I "$top/src" -I "$top/ports/linux" \
            -c "$file" -o "$1/object.o" || exit 1
    done
}

case "${1:-}" in
    '' | -h | --help)
        echo 'run_job.sh: type: run_job.sh BUILD_DIR' >&2
        exit 2
        ;;
    --compile)
        compile "$2"
        exit
        ;;
esac

acre=$1/acre
if [ ! -x "$acre" ]; then
    echo "run_job.sh: no $acre: type make first" >&2
    exit 1
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM

echo "acre runs the C compiler ($compiler): $(sources | wc -l) of acre's own sources, one after the other;" \
    "the same job on every allocator found here, $repeat of it in turn. ACRE_RUN_REPEAT=1 is the shortest."
"$acre" run --compare --repeat "$repeat" -- sh "$self" --compile "$out"
echo "Each row is this same job, and the compiler was not changed for it; try your own program:" \
    'make run CMD="PROGRAM ARGS".'
