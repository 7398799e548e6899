#!/usr/bin/env python3
"""What threads cost in memory: idle ones, ones that have ended, and what those that sleep keep from others.

An idle thread is measured as the memory of many, less that of one, for each; and less what it is where
threads do not use malloc at all, which is the C library's part (bench/limits/thread_memory.c).

SPDX-License-Identifier: MIT
"""
import argparse
import sys

import measure_common as common

KIB = 1024
IDLE_KIB_MOST = {"acre-rseq": 0.5, "acre-thread": 32}  # beyond a thread that does not use malloc
MUCH_KIB_MOST = {"acre-rseq": 2}  # after 1 MiB was used and freed: what many at once needed
OWN_KIB = 1 * KIB  # what the heap takes once, spread over the threads: with few of them it counts
ENDED_KIB_MOST = 2 * KIB
BLOCKED_MIB, FREER_ROUNDS, FREER_MIB = 256, 50, 16
TABLE_SHARE = 8 / 1000  # of what is allocated, in the program's own table
MORE_KIB = 16 * KIB


def measure(program, allocator, *words):
    return common.fields(common.run([program, *words], allocator))


def idle_kib(program, allocator, mode, count):
    """For each thread."""
    one = measure(program, allocator, mode, 1)["kib"]
    return (measure(program, allocator, mode, count)["kib"] - one) / (count - 1)


def judge(verdicts, program, allocator, args):
    name = allocator.name
    bare = idle_kib(program, allocator, "bare", args.threads)
    few = idle_kib(program, allocator, "few", args.threads)
    much = idle_kib(program, allocator, "much", args.threads)
    ended = measure(program, allocator, "ended", args.ended)["kib"]
    blocked = measure(program, allocator, "blocked", BLOCKED_MIB)
    freer = measure(program, allocator, "freer", FREER_ROUNDS)["kib"]
    row = [name, *(f"{value:.1f}" for value in (bare, few, much, ended)),
           *(f"{value / KIB:.0f}" for value in (blocked["kib"], blocked["freed_kib"], freer))]
    if name not in IDLE_KIB_MOST:
        return row
    verdicts.at_most(f"{name}: an idle thread, of {args.threads}, after a few blocks, KiB", few - bare,
                     IDLE_KIB_MOST[name] + OWN_KIB / args.threads)
    if name in MUCH_KIB_MOST:
        verdicts.at_most(f"{name}: the same after 1 MiB, KiB", much - bare,
                         MUCH_KIB_MOST[name])
    verdicts.at_most(f"{name}: growth by {args.ended} threads that ended, KiB", ended, ENDED_KIB_MOST)
    live_kib = BLOCKED_MIB * KIB * (1 + TABLE_SHARE)
    verdicts.at_most(f"{name}: {BLOCKED_MIB} MiB again after a thread that sleeps had them, MiB",
                     blocked["kib"] / KIB, (live_kib * 1.1 + MORE_KIB) / KIB)
    verdicts.at_most(f"{name}: all of it freed, MiB", blocked["freed_kib"] / KIB,
                     (BLOCKED_MIB * KIB * TABLE_SHARE + MORE_KIB) / KIB)
    verdicts.at_most(f"{name}: {FREER_ROUNDS} times {FREER_MIB} MiB freed by a thread that only frees, MiB",
                     freer / KIB, 1.1 * FREER_MIB + MORE_KIB / KIB)
    return row


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has libacre.so and bench/")
    parser.add_argument("--threads", type=int, default=10000, help="idle at once (default 10000)")
    parser.add_argument("--ended", type=int, default=1000000,
                        help="one after another (default 1000000)")
    parser.add_argument("--peers", action="store_true", help="the system's malloc and others, too")
    parser.add_argument("--check", action="store_true", help="exit status 1 if anything failed")
    return parser.parse_args()


def main():
    args = parse_arguments()
    program = common.pattern_program(args.build_dir, "thread_memory")
    allocators = common.acre_allocators(common.acre_library(args.build_dir, required=True))
    if args.peers:
        allocators += [common.Allocator("glibc"), *common.installed_peers()]
    verdicts = common.Verdicts()
    rows = [judge(verdicts, program, allocator, args) for allocator in allocators]
    print()
    common.print_table(rows, ["KiB a thread", "bare", "few", "much", "ended, all", "blocked MiB",
                              "freed MiB", "freer MiB"])
    return verdicts.status(args.check)


if __name__ == "__main__":
    sys.exit(main())
