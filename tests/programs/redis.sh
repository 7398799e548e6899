#!/bin/sh
# redis.sh - redis-server on acre serves redis-benchmark, saves from a forked child, and loads what
# it saved. It listens on a socket in a directory of its own, so that no port is taken.
# usage: redis.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need redis-server redis-cli redis-benchmark
socket=$work/redis.sock
server=

client() {
    timeout 20 redis-cli -s "$socket" "$@" 2>&1
}

# The server must not outlive this script.
# shellcheck disable=SC2317 # the trap calls it
stop_server() {
    if [ -n "$server" ]; then
        kill -9 "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    fi
    rm -rf "$work"
}
trap stop_server EXIT
trap 'exit 1' INT TERM

start_server() {
    timeout -k 5 60 env LD_PRELOAD="$library" ACRE_CONF="$conf" redis-server --port 0 \
        --unixsocket "$socket" --dir "$work" --save '' --io-threads 2 --daemonize no \
        >"$work/log" 2>&1 8>>"$work/stats" &
    server=$!
    tries=0
    until [ "$(client ping)" = PONG ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            failed "the server does not answer"
            tail -n 20 "$work/log"
            finish
        fi
        sleep 0.1
    done
}

end_server() {
    client shutdown nosave >/dev/null
    wait "$server"
    code=$?
    server=
    [ "$code" -eq 0 ] || {
        failed "the server ends with status $code"
        tail -n 20 "$work/log"
    }
}

start_server
timeout 40 redis-benchmark -s "$socket" -q -n 20000 -c 20 -P 8 -d 100 -r 5000 \
    -t set,get,incr,lpush,rpop,sadd,hset,zadd,mset >"$work/benchmark" 2>&1 ||
    failed "the benchmark ends with status $?"
timeout 40 redis-benchmark -s "$socket" -q -n 500 -c 5 -d 200000 -r 20 -t set,get \
    >>"$work/benchmark" 2>&1 || failed "the benchmark of large values ends with status $?"
client eval 'for i = 1, 3000 do redis.call("hset", "h" .. i, "f", string.rep("v", i)) end' 0 \
    >/dev/null
before=$(client debug digest)
client bgsave >/dev/null
tries=0
until client info persistence | grep -q 'rdb_bgsave_in_progress:0'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || break
    sleep 0.1
done
client info persistence | grep -q 'rdb_last_bgsave_status:ok' || failed "bgsave fails"
end_server

start_server
after=$(client debug digest)
{ [ -n "$before" ] && [ "$before" = "$after" ]; } || failed "loaded: $after, saved: $before"
client memory doctor >/dev/null
client flushall >/dev/null
end_server
finish
