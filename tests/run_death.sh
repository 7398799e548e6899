#!/bin/sh
# run_death.sh - runs one death test under each binding of slots.
# usage: run_death.sh BUILD_DIR SOURCE PROGRAM
#
# The program must die by SIGABRT and leave exactly one line on standard error. That line has the
# form of every message of acre, names one of the addresses that the program printed, and holds each
# phrase that the source quotes in its Expect line; a bar separates phrases of which one suffices.
# SPDX-License-Identifier: MIT
set -u

if [ $# -ne 3 ]; then
    echo "usage: $0 BUILD_DIR SOURCE PROGRAM" >&2
    exit 2
fi
library=$(cd "$1" && pwd)/libacre.so
source=$2
program=$3
if [ ! -e "$library" ]; then
    echo "$0: there is no $library" >&2
    exit 2
fi
# shellcheck disable=SC3045 # dash and bash both have it.
ulimit -c 0
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

what='double free|invalid free|invalid realloc|realloc of a freed block|invalid usable_size'
what="$what|usable_size of a freed block|wrong size on free|corrupted free block"
what="$what|block written past its end"
form="^acre: ($what): 0x[0-9a-f]+( \(block of [0-9]+ bytes\))?\$"

# The kernel fills concurrency ids when it says (auxiliary value 27) that the area is large enough.
has_rseq() {
    bytes=$(LD_SHOW_AUXV=1 /bin/true |
        sed -n -e 's/^AT_[^:]*(0x1b): *//p' -e 's/^AT_RSEQ_FEATURE_SIZE: *//p')
    [ "$((${bytes:-0}))" -ge 28 ]
}

failed() {
    echo "$program: slots=$binding: $1"
    sed 's/^/    stderr: /' "$work/err"
    result=1
}

check_message() {
    if [ "$(wc -l <"$work/err")" -ne 1 ]; then
        failed "expected exactly one line"
        return
    fi
    if ! grep -Eq "$form" "$work/err"; then
        failed "the line has not the form of a message"
        return
    fi
    address=$(grep -o '0x[0-9a-f]*' "$work/err" | head -n 1)
    if ! grep -Fqx "$address" "$work/out"; then
        failed "the message names none of: $(tr '\n' ' ' <"$work/out")"
    fi
    grep '^// Expect:' "$source" | grep -o '"[^"]*"' | tr -d '"' >"$work/phrases"
    while read -r phrase; do
        printf '%s\n' "$phrase" | tr '|' '\n' >"$work/alternatives"
        grep -Fq -f "$work/alternatives" "$work/err" || failed "did not say: $phrase"
    done <"$work/phrases"
}

grep -q '^// Expect: "' "$source" || {
    echo "$source: has no Expect line"
    exit 1
}
result=0
for binding in ${ACRE_TEST_BINDINGS:-rseq thread}; do
    if [ "$binding" = rseq ] && ! has_rseq; then
        echo "skipped slots=rseq: this kernel has no concurrency ids"
        continue
    fi
    # The outer redirection hides the shell's remark that a child was aborted; the subshell keeps
    # that remark out of the program's own standard error.
    {
        (
            exec timeout -k 2 30 env LD_PRELOAD="$library" ACRE_CONF="slots=$binding" "$program" \
                >"$work/out" 2>"$work/err"
        )
        code=$?
    } 2>/dev/null
    case $code in
    134) check_message ;;
    98) failed "could not prepare its misuse" ;;
    99) failed "survived its misuse" ;;
    *) failed "exit status $code, expected SIGABRT (134)" ;;
    esac
done
exit $result
