#!/bin/sh
# The test kernel, broken on purpose in each way that it knows: it must say FAIL, or be found out, and
# the script that runs it must not take that for success.
# usage: can_fail.sh IMAGE [WORD...]     WORD: see break= in job.c; default: all of them
# SPDX-License-Identifier: MIT
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
image=$1
failed=0
shift
[ $# -ne 0 ] || set -- expect exception free hang stuck reset
words=$*

expect() { # word, what the console must say, further arguments
    word=break=$1 line=$2
    case " $words " in
        *" $1 "*) ;;
        *) return 0 ;;
    esac
    shift 2
    status=0
    sh "$here/../../scripts/run_kernel.sh" "$image" -c 2 "$@" "$word" >"$out" 2>&1 || status=$?
    [ $status -ne 77 ] || {
        cat "$out"
        exit 77
    }
    if [ $status -eq 1 ] && grep -q "$line" "$out" && ! grep -q '^PASS' "$out"; then
        echo "ok - $word"
    else
        cat "$out"
        echo "not ok - $word: status $status, or no line '$line'"
        failed=1
    fi
}

expect expect '^not ok 1 - this_case_fails'
expect exception '^FAIL: an exception'
expect free '^acre: double free: .*, block of 112 bytes'
expect hang '^FAIL: a test did not end in time'
expect stuck 'ended after 2 s' -t 2
expect reset 'the machine reset'
status=0
ACRE_QEMU=no-such-program sh "$here/../../scripts/run_kernel.sh" "$image" >"$out" 2>&1 || status=$?
if [ $status -eq 77 ] && [ "$(wc -l <"$out")" -eq 1 ]; then
    echo 'ok - without QEMU one line says so'
else
    cat "$out"
    echo 'not ok - without QEMU'
    failed=1
fi
exit $failed
