#!/bin/sh
# compilers.sh - gcc and clang compile C and C++ on acre into the same bytes as on the system's
# malloc.
# usage: compilers.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# A file of many functions, so that the compilers have some work to do.
{
    echo '#include <string.h>'
    i=0
    while [ "$i" -lt 200 ]; do
        echo "struct s$i { int a[$((i % 7 + 1))]; char b[$((i + 1))]; };"
        echo "int f$i(struct s$i *s, int n); int f$i(struct s$i *s, int n) {"
        echo "  int sum = $i; for (int k = 0; k < n; k++) { sum += s->a[k % $((i % 7 + 1))] * k;"
        echo "  if (sum % $((i + 2)) == 0) memset(s->b, sum, sizeof s->b); } return sum; }"
        i=$((i + 1))
    done
} >"$work/many.c"

# compile_both NAME SOURCE COMPILER OPTION...: the object files must be equal.
compile_both() {
    name=$1
    source=$2
    shift 2
    # One output name for both, for some compilers write it into the object.
    on_system "$@" -c "$source" -o "$work/object.o" 2>"$work/err" || {
        echo "note: $name does not compile on the system's malloc either"
        return
    }
    mv "$work/object.o" "$work/system.o"
    on_acre "$@" -c "$source" -o "$work/object.o" 2>"$work/err" || {
        failed "$name: exit status $? on acre"
        head -n 5 "$work/err"
        return
    }
    cmp -s "$work/object.o" "$work/system.o" || failed "$name: the objects differ"
}

found=0
for compiler in gcc clang; do
    if ! command -v "$compiler" >/dev/null; then
        echo "note: $compiler is not installed"
        continue
    fi
    found=1
    compile_both "$compiler, C" "$work/many.c" "$compiler" -O2 -g -std=c11
    compile_both "$compiler, C" "$tests/conform/zeroed.c" "$compiler" -O3 -std=gnu11 -D_GNU_SOURCE
done
for compiler in g++ clang++; do
    if ! command -v "$compiler" >/dev/null; then
        echo "note: $compiler is not installed"
        continue
    fi
    compile_both "$compiler, C++" "$tests/conform/operators.cc" "$compiler" -O2 -std=c++17
done
[ "$found" -eq 1 ] || skip "there is no compiler"
finish
