#!/bin/sh
# tools.sh - everyday tools work on acre: sort with threads, awk, tar, xz with threads, openssl, a
# shell.
# usage: tools.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

awk 'BEGIN { x = 42; for (i = 0; i < 60000; i++) { x = (x * 1103515245 + 12345) % 2147483648;
    print x, i } }' >"$work/numbers"
same sort sort --parallel=4 -S 20M -n "$work/numbers"
same 'sort by second key' sort -k2,2r -u "$work/numbers"
# shellcheck disable=SC2016 # awk expands
same awk awk '{ count[$1 % 5000] += $2 } END { for (i = 0; i < 5000; i++) print i, count[i] }' \
    "$work/numbers"
# shellcheck disable=SC2016 # the inner shell expands
same sh sh -c 'x=; for i in $(seq 1 3000); do x="$x$i"; done; echo ${#x}
    set -- $(seq 1 20000); echo $#'
same grep grep -cE '(12|34)+5.*[67]$' "$work/numbers"
same tar tar -C "$tests" --sort=name --mtime=@0 -cf - conform
if command -v xz >/dev/null; then
    same xz xz -T2 -6 -c "$work/numbers"
else
    echo "note: xz is not installed"
fi
if command -v openssl >/dev/null; then
    same openssl openssl dgst -sha256 "$work/numbers"
    on_acre openssl genrsa -out "$work/key" 2048 2>/dev/null || failed "openssl genrsa fails"
    on_acre openssl speed -seconds 1 -multi 2 sha256 >/dev/null 2>&1 || failed "openssl speed fails"
else
    echo "note: openssl is not installed"
fi
finish
