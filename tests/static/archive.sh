#!/bin/sh
# archive.sh - libacre.a takes the place of the C library's malloc in a static program, as a whole,
# and leaves every other name to the program.
# usage: archive.sh BUILD_DIR
# SPDX-License-Identifier: MIT
set -u

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_DIR" >&2
    exit 2
fi
archive=$(cd "$1" && pwd)/libacre.a
parts=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$parts/../.." && pwd)
cc=${CC:-cc}
cxx=${CXX:-c++}
options="-O1 -fno-builtin -I$root/include"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
result=0

ok() {
    echo "ok     $1"
}
failed() { # what; a file to show
    echo "FAILED $1"
    [ $# -lt 2 ] || sed 's/^/    /' "$2" | head -n 20
    result=1
}

# The names of symbols.txt without C++ operators: those stay the C++ runtime's.
grep -Ev '^(#|$|_Z)' "$root/scripts/symbols.txt" | LC_ALL=C sort >names
nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort >defined
if cmp -s names defined; then
    ok 'it defines the names of symbols.txt but C++, and no other'
else
    diff names defined >difference
    failed 'it should define the names of symbols.txt but C++, and no other' difference
fi

# A program that names one function of the family gets acre, and the C library's malloc stays out: if
# one name were missing, the linker would take it from there and find the others twice.
while read -r name; do
    echo "void $name(void); int main(void) { $name(); return 0; }" >one.c
    # shellcheck disable=SC2086 # options are words
    $cc $options -w -static -Wl,-t,-t -o one one.c "$archive" >trace 2>&1 ||
        failed "a program that names only $name does not link" trace
    if grep -q 'libc\.a.*[()]malloc\.o' trace; then
        failed "$name pulls in the C library's malloc"
    fi
    grep -q 'libacre\.a.*[()]acre\.o' trace || failed "$name is not taken from libacre.a"
done <names
[ $result -ne 0 ] || ok 'each of its names alone brings all of them'

# Runs a linked program under both bindings.
run() { # program, what
    for binding in rseq thread; do
        if ! ACRE_CONF=slots=$binding timeout 60 "./$1" >out 2>err; then
            failed "slots=$binding: $2" err
        elif ! grep -q "^acre .*, binding $binding\$" out && ! grep -q 'no restartable' err; then
            failed "slots=$binding: $2: it has another binding" out
        fi
    done
}
link_and_run() { # what, options of the linker
    what=$1
    shift
    # shellcheck disable=SC2086 # options are words
    if $cc $options -o program "$parts/takeover.c" "$@" -pthread >out 2>&1; then
        before=$result
        run program "$what"
        [ "$result" -ne "$before" ] || ok "$what"
    else
        failed "$what does not link" out
    fi
}
link_and_run 'a static program' -static "$archive"
link_and_run 'a static program that is position-independent' -static-pie -fPIE "$archive"
link_and_run 'a static program with the whole archive' \
    -static -Wl,--whole-archive "$archive" -Wl,--no-whole-archive
link_and_run 'a static program without unused sections' -static -Wl,--gc-sections "$archive"
link_and_run 'a dynamic program with the archive in it' "$archive"

# A program may have functions of the same names as acre's internal ones, and its own version of what
# the C library's malloc does not have.
nm "$archive" | awk 'NF == 3 && $2 ~ /^[tdb]$/ && $3 ~ /^[a-z_][a-z0-9_]*$/ { print $3 }' |
    LC_ALL=C sort -u >internal
for name in $(cat internal) reallocarray free_sized free_aligned_sized cfree \
    malloc_size malloc_good_size reallocf; do
    echo "int $name(void); int $name(void) { return 1; }"
done >names.c
if [ "$(wc -l <internal)" -lt 50 ]; then
    failed 'no internal names were found'
fi
before=$result
for how in -static '-static -Wl,--whole-archive' ''; do
    # shellcheck disable=SC2086 # options are words
    $cc $options -w -o program names.c "$parts/takeover.c" $how "$archive" -Wl,--no-whole-archive \
        -pthread >out 2>&1 || failed "internal names collide with a program's ($how)" out
    run program "with names of its own ($how)"
done
[ "$result" -ne "$before" ] || ok "a program may use the $(wc -l <internal) internal names"

if command -v "$cxx" >/dev/null; then
    for how in -static '-static-pie -fPIE' ''; do
        # shellcheck disable=SC2086 # options are words
        if ! $cxx -std=c++17 -O1 $how -Wl,-u,malloc -o program "$parts/only_new.cc" "$archive" \
            >out 2>&1; then
            failed "C++ does not link ($how)" out
        elif ! ./program >out 2>&1; then
            failed "C++ ($how)" out
        else
            ok "C++ that never names malloc ($how)"
        fi
    done
else
    echo '# skipped: there is no C++ compiler'
fi
exit $result
