#!/bin/sh
# redis.sh - redis-server on the allocator that is measured, redis-benchmark and the rest not on it.
#
# A job of acre bench, which sets BENCH_PRELOAD (the library, or nothing), SCRATCH (a directory) and
# ACRE_BENCH_PERCENT. Prints the wall time of the requests, and the CPU time, peak memory and page
# faults of the server alone. The server listens on a socket in SCRATCH, so that no port is taken.
# SPDX-License-Identifier: MIT
set -eu

requests=$((400 * ${ACRE_BENCH_PERCENT:-100}))
socket=$SCRATCH/redis.sock
tick=$(getconf CLK_TCK)

LD_PRELOAD=${BENCH_PRELOAD:-} redis-server --port 0 --unixsocket "$socket" --dir "$SCRATCH" \
    --save '' --daemonize no >"$SCRATCH/log" 2>&1 &
server=$!
trap 'kill -9 $server 2>/dev/null || true' EXIT

tries=0
until [ -S "$socket" ] && redis-cli -s "$socket" ping >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 400 ] || ! kill -0 $server 2>/dev/null; then
        tail -n 1 "$SCRATCH/log" >&2
        exit 1
    fi
    sleep 0.01
done
if [ -n "${BENCH_PRELOAD:-}" ] && ! grep -q "$(basename "$BENCH_PRELOAD")" /proc/$server/maps; then
    echo 'the server does not run on the library' >&2
    exit 1
fi

load() { # requests, bytes of a value, keys, names of the tests
    redis-benchmark -s "$socket" -q -n "$1" -c 20 -P 16 -d "$2" -r "$3" -t "$4" >>"$SCRATCH/benchmark" 2>&1
}
start=$(date +%s%N)
load $requests 100 10000 set,get,incr,lpush,rpop,sadd,hset,zadd
load $((requests / 4)) 1500 20000 set,get
load $((requests / 100 + 1)) 60000 50 set,get
end=$(date +%s%N)

keys=$(redis-cli -s "$socket" dbsize)
peak_kib=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' /proc/$server/status)
# What follows the name in parentheses: state is the first, faults 8 and 10, times 12 and 13. Times
# there are in hundredths of a second; the scheduler's are in nanoseconds, where it tells them.
# shellcheck disable=SC2046 # numbers
set -- $(sed 's/.*) //' /proc/$server/stat)
faults=$(($8 + ${10}))
cpu_ns=$(((${12} + ${13}) * 1000000000 / tick))
if [ -r /proc/$server/schedstat ]; then
    cpu_ns=$(cat /proc/$server/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }')
fi
redis-cli -s "$socket" shutdown nosave >/dev/null 2>&1 || true
wait $server
trap - EXIT
[ "$keys" -gt 100 ]
awk -v ns=$((end - start)) -v cpu_ns="$cpu_ns" -v kib="$peak_kib" -v faults=$faults \
    'BEGIN { printf "redis wall_seconds=%.6f cpu_seconds=%.6f memory_kib=%d page_faults=%d checksum=1\n",
        ns / 1e9, cpu_ns / 1e9, kib, faults }'
