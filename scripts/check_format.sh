#!/bin/sh
# Checks that the C sources are laid out as .clang-format says, or lays them out.
#
#   check_format.sh [--root DIR]             prints what differs; status 1 if anything does
#   check_format.sh [--root DIR] --write     rewrites the files
#
# Releases of clang-format differ in detail, so only version 14 is asked. Without it: status 77,
# which ctest shows as skipped.
# SPDX-License-Identifier: MIT
set -eu

root=.
write=''
while [ $# -gt 0 ]; do
    case $1 in
        --root) root=$2 && shift ;;
        --write) write=yes ;;
        *) echo "check_format.sh: unknown argument '$1'" >&2 && exit 2 ;;
    esac
    shift
done
cd "$root"

for format in clang-format-14 clang-format ''; do
    if [ -z "$format" ]; then
        echo 'skip: clang-format 14 is not here (on Debian 12: package clang-format)'
        exit 77
    fi
    "$format" --version 2>/dev/null | grep -q 'version 14\.' && break
done

sources() {
    for tree in include src ports kernel tools bench examples tests; do
        [ ! -d "$tree" ] || find "$tree" -type f \
            \( -name '*.c' -o -name '*.h' -o -name '*.cc' -o -name '*.cpp' \)
    done | sort
}

if [ -n "$write" ]; then
    sources | xargs "$format" -i
    exit
fi
wrong=0
for file in $(sources); do
    if ! "$format" "$file" | diff -u --label "$file" --label "$file, laid out" "$file" -; then
        wrong=$((wrong + 1))
    fi
done
echo "format: $(sources | wc -l) files, $wrong to lay out (type: make format)"
[ $wrong -eq 0 ]
