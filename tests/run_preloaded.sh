#!/bin/sh
# run_preloaded.sh - runs a test program on acre, once under each binding of slots.
# usage: run_preloaded.sh BUILD_DIR PROGRAM [ARGUMENT...]
#
# ACRE_TEST_BINDINGS   the bindings to run, "rseq thread" unless set
# ACRE_TEST_TIMEOUT    seconds for one run, 120 unless set
#
# Fails when a run fails or does not end. A program that exits with 77 was skipped.
# SPDX-License-Identifier: MIT
set -u

if [ $# -lt 2 ]; then
    echo "usage: $0 BUILD_DIR PROGRAM [ARGUMENT...]" >&2
    exit 2
fi
library=$(cd "$1" && pwd)/libacre.so
shift
if [ ! -e "$library" ]; then
    echo "$0: there is no $library" >&2
    exit 2
fi
# shellcheck disable=SC3045 # dash and bash both have it.
ulimit -c 0

result=0
for binding in ${ACRE_TEST_BINDINGS:-rseq thread}; do
    echo "## slots=$binding"
    # The preload is set inside timeout, so that timeout itself runs on the system's malloc.
    timeout -k 5 "${ACRE_TEST_TIMEOUT:-120}" env \
        LD_PRELOAD="$library" ACRE_CONF="slots=$binding" ACRE_TEST_BINDING="$binding" "$@"
    code=$?
    case $code in
    0 | 77) ;;
    124 | 137)
        echo "$1: slots=$binding: did not end in time"
        result=1
        ;;
    *)
        echo "$1: slots=$binding: exit status $code"
        result=1
        ;;
    esac
done
exit $result
