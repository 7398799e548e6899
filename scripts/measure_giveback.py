#!/usr/bin/env python3
"""Does memory that was freed go back to the system, although the program never calls malloc again?

A program fills memory, frees nearly all of it in one of several ways, and waits (bench/limits/give_back.c);
its resident memory is read every half second. What the program's own table holds counts as live. In
`cycle` memory is filled and freed again and again: it must not be given back in between, only after.

SPDX-License-Identifier: MIT
"""
import argparse
import sys

import measure_common as common

MIB = 1024 * 1024
MODES = ("newest", "oldest", "small", "large", "threads", "scattered")
TIMES_MS = (500, 1000, 1500, 2000, 3000)
LIVE_SHARE_MOST = 1.1
MORE_BYTES_MOST = 16 * MIB
SCATTERED_SHARE_MOST = 0.25
CYCLE_FAULTS_MOST = 100  # a round; without give-back it is none, with it at each round some 16 000
JUDGED = "acre"


def measure(program, mode, mib, allocator):
    return common.fields(common.run([program, mode, mib], allocator))


def judge_mode(verdicts, allocator, mode, result):
    live_bytes = result["live_bytes"] + result["table_bytes"]
    after_bytes = result["kib_2000"] * 1024
    what = f"{allocator.name}: {mode}, after 2 s"
    if mode == "scattered":
        verdicts.at_most(f"{what}, share of the peak", after_bytes / (result["peak_kib"] * 1024),
                         SCATTERED_SHARE_MOST)
    else:
        most = live_bytes * LIVE_SHARE_MOST + MORE_BYTES_MOST
        verdicts.at_most(f"{what}, MiB", after_bytes / MIB, most / MIB)


def row_of(mode, allocator, result):
    return [f"{mode} {allocator.name}", *(f"{result[key] / 1024:.0f}" for key in
            ("peak_kib", *(f"kib_{ms}" for ms in TIMES_MS))),
            f"{result['live_bytes'] / MIB:.0f}", f"{result['table_bytes'] / MIB:.0f}"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has libacre.so and bench/")
    parser.add_argument("--mib", type=int, default=1024, help="how much is filled (default 1024)")
    parser.add_argument("--only", nargs="+", choices=(*MODES, "cycle"), default=(*MODES, "cycle"))
    parser.add_argument("--peers", action="store_true", help="the system's malloc and others, too")
    parser.add_argument("--check", action="store_true", help="exit status 1 if anything failed")
    return parser.parse_args()


def main():
    args = parse_arguments()
    program = common.pattern_program(args.build_dir, "give_back")
    allocators = common.acre_allocators(common.acre_library(args.build_dir, required=True))
    if args.peers:
        allocators += [common.Allocator("glibc"), *common.installed_peers()]
    verdicts = common.Verdicts()
    rows = []
    for mode in args.only:
        for allocator in allocators:
            result = measure(program, mode, args.mib, allocator)
            judged = allocator.name.startswith(JUDGED)
            if mode == "cycle":
                faults = result["faults"] / result["rounds"]
                print(f"      {allocator.name}: cycle: {result['rounds']:.0f} rounds, {faults:.0f} page "
                      f"faults a round, {result['kib_2000'] / 1024:.0f} MiB 2 s later")
                if judged:
                    verdicts.at_most(f"{allocator.name}: cycle, page faults a round", faults,
                                     CYCLE_FAULTS_MOST)
                continue
            rows.append(row_of(mode, allocator, result))
            if judged:
                judge_mode(verdicts, allocator, mode, result)
    print()
    common.print_table(rows, ["MiB", "peak", *(f"{ms} ms" for ms in TIMES_MS), "live", "table"])
    return verdicts.status(args.check)


if __name__ == "__main__":
    sys.exit(main())
