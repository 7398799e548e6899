#!/bin/sh
# start_order.sh - a library that allocates in its constructor and destructor works on either side
# of acre in the preload list, and as a library of the program, whose constructor runs before
# acre's.
# usage: start_order.sh BUILD_DIR
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

early=$work/libearly.so
compile -fPIC -shared -o "$early" "$parts/early_library.c" -pthread
compile -o "$work/plain" "$parts/forking_program.c" -pthread
compile -o "$work/linked" "$parts/forking_program.c" -Wl,--no-as-needed "$early" \
    -Wl,-rpath,"$work" -pthread

for binding in rseq thread; do
    for preload in "$library:$early" "$early:$library"; do
        for program in /bin/true "/bin/ls /" "$work/plain"; do
            # shellcheck disable=SC2086 # a program and its argument
            quietly timeout 15 env LD_PRELOAD="$preload" ACRE_CONF="slots=$binding" \
                EARLY_LIBRARY_FD=9 $program 9>"$work/word"
            grep -qx 'early_library: done' "$work/word" ||
                failed "slots=$binding: no word from the library's destructor: $preload $program"
        done
    done
    quietly timeout 15 env LD_PRELOAD="$library" ACRE_CONF="slots=$binding" "$work/linked"
done
exit $result
