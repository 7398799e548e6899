#!/bin/sh
# readme_test.sh BUILD_DIR - the example in README.md compiles without a warning, and does what the
# text beside it says.
# SPDX-License-Identifier: MIT
set -eu
build=$(cd "$1" && pwd)
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

usual() {
    awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$top/README.md" >example.c
}

compiles() {
    [ -s example.c ] && "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$top/include" \
        example.c -o example -L "$build" -lacre -Wl,-rpath,"$build"
}

# 64 MiB hold some 65 000 blocks of 1000 bytes, and less when acre's own bookkeeping is counted.
runs() {
    compiles && ./example >said && cat said &&
        awk '{ good = $1 > 55000 && $1 < 67109 && $4 <= 67108864 } END { exit !good }' said
}

fresh
accepts 'the example' runs
finish
