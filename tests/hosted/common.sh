# common.sh - what the scripts of hosted tests share; sourced, with the build directory as $1.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
set -u

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_DIR" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
# shellcheck disable=SC2034 # for the scripts that source this
library=$build/libacre.so
tests=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC2034
root=$(cd "$tests/.." && pwd)
# shellcheck disable=SC2034
parts=$tests/hosted/parts
# shellcheck disable=SC3045 # dash and bash both have it.
ulimit -c 0
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
result=0

failed() {
    echo "$0: $1"
    # shellcheck disable=SC2034 # for the scripts that source this
    result=1
}

# Runs a command that must end by itself with status 0 and say nothing on standard error.
quietly() {
    "$@" >"$work/out" 2>"$work/err"
    code=$?
    [ "$code" -eq 0 ] || failed "exit status $code: $*"
    if [ -s "$work/err" ]; then
        failed "unexpected on standard error: $*"
        sed 's/^/    /' "$work/err"
    fi
}

compile() {
    # shellcheck disable=SC2086 # options are words
    ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -fno-builtin ${CFLAGS:-} "$@" || {
        echo "$0: does not compile: $*"
        cat "$work"/warnings 2>/dev/null
        exit 1
    }
}
