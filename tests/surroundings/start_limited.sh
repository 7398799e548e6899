#!/bin/sh
# start_limited.sh - programs start and work under `ulimit -v 32768`: 32 MiB of addresses.
# usage: start_limited.sh BUILD_DIR
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=../hosted/common.sh
. "$(dirname "$0")/../hosted/common.sh"

# Runs a program on acre under a limit of $1 KiB.
limited() (
    limit=$1
    shift
    # shellcheck disable=SC3045 # dash and bash both have it.
    ulimit -v "$limit" && exec timeout 30 env LD_PRELOAD="$library" ACRE_CONF="slots=$binding" "$@"
)

for binding in rseq thread; do
    quietly limited 32768 /bin/true
    quietly limited 32768 /bin/ls -l /
    # shellcheck disable=SC2016 # the inner shell expands
    quietly limited 32768 /bin/sh -c 'for word in a b c; do echo "$word"; done | sort'
    quietly limited 32768 awk 'BEGIN { for (i = 0; i < 20000; i++) a[i] = i; exit a[7] != 7 }'

    # For the reader of the log: the smallest limit at which a program still starts.
    limit=32768
    while limited $((limit - 1024)) /bin/true >"$work/out" 2>&1 && [ ! -s "$work/out" ]; do
        limit=$((limit - 1024))
    done
    echo "slots=$binding: /bin/true starts under ulimit -v $limit"
done
exit $result
