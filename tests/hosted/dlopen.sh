#!/bin/sh
# dlopen.sh - libraries that allocate are opened and closed by a program on acre.
# usage: dlopen.sh BUILD_DIR
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

compile -fPIC -shared -o "$work/plugin.so" "$parts/plugin.c"
compile -o "$work/program" "$parts/dlopen_program.c" -pthread -ldl
for binding in rseq thread; do
    quietly timeout 60 env LD_PRELOAD="$library" ACRE_CONF="slots=$binding" \
        "$work/program" "$work/plugin.so"
done
exit $result
