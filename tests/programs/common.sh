# common.sh - what the tests with real programs share; sourced, with the path of libacre.so as $1.
#
# ACRE_CONF of the environment is passed on, so that a caller chooses the binding of slots. Every
# run on acre writes its statistics to descriptor 8: a program that leaves none did not run on acre,
# and then nothing was tested.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
set -u

if [ $# -ne 1 ] || [ ! -e "$1" ]; then
    echo "usage: $0 LIBACRE_SO" >&2
    exit 2
fi
library=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
conf=${ACRE_CONF:+$ACRE_CONF,}stats=json,stats_fd=8
unset ACRE_CONF
# shellcheck disable=SC2034 # for the scripts that source this
tests=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC3045 # dash and bash both have it.
ulimit -c 0
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
result=0
LC_ALL=C
export LC_ALL

skip() {
    echo "skipped: $1"
    exit 77
}

need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

failed() {
    echo "$0: $1"
    result=1
}

on_system() {
    timeout -k 5 60 "$@"
}

on_acre() {
    timeout -k 5 60 env LD_PRELOAD="$library" ACRE_CONF="$conf" "$@" 8>>"$work/stats"
}

# same NAME COMMAND...: the command must do the same on both allocators: status, output, messages.
same() {
    name=$1
    shift
    on_system "$@" >"$work/system.out" 2>"$work/system.err"
    system_code=$?
    on_acre "$@" >"$work/acre.out" 2>"$work/acre.err"
    acre_code=$?
    [ "$acre_code" -eq "$system_code" ] ||
        failed "$name: exit status $acre_code on acre, $system_code on the system's malloc"
    for stream in out err; do
        if ! cmp -s "$work/system.$stream" "$work/acre.$stream"; then
            failed "$name: standard $stream differs"
            diff "$work/system.$stream" "$work/acre.$stream" | head -n 10
        fi
    done
}

# Every script ends with this.
finish() {
    grep -q '"acre"' "$work/stats" 2>/dev/null || failed "nothing ran on acre"
    [ "$result" -ne 0 ] || echo "$(basename "$0"): ok, $(wc -l <"$work/stats") processes on acre"
    exit "$result"
}
