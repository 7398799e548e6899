#!/usr/bin/env python3
"""How long single calls of malloc and free take while memory comes and goes (bench/limits/latency.c).

Allocators take turns within a round; each number is the median of the rounds, so that a moment in which the
machine did something else does not count. `own` is the time of the thread's own clock, which does not run
while others have the processor: what the allocator and the kernel do in the call.

SPDX-License-Identifier: MIT
"""
import argparse
import random
import statistics
import sys

import measure_common as common

CALLS = ("malloc", "free")
KEYS = ("p50_ns", "p9999_ns", "own_p9999_ns", "max_ns", "own_max_ns")
OWN_MAX_NS = 1000000  # no call may take longer by itself
GLIBC_SHARE_MOST = 1.5  # on a busy machine


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has libacre.so and bench/")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=4, help="a run (default 4)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="others beside the system's malloc, too")
    parser.add_argument("--seed", type=int, default=1, help="for the order of the runs")
    parser.add_argument("--check", action="store_true", help="exit status 1 if anything failed")
    return parser.parse_args()


def measure(program, allocators, args):
    """[allocator][key]: the median of the rounds."""
    found = {allocator.name: [] for allocator in allocators}
    generator = random.Random(args.seed)
    for _ in range(args.rounds):
        for allocator in generator.sample(allocators, len(allocators)):
            text = common.run([program, args.threads, args.seconds], allocator)
            found[allocator.name].append(common.fields(text))
    return {name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            for name, runs in found.items()}


def main():
    args = parse_arguments()
    program = common.pattern_program(args.build_dir, "latency")
    allocators = [common.Allocator("glibc"), *(common.installed_peers() if args.peers else []),
                  *common.acre_allocators(common.acre_library(args.build_dir, required=True))]
    found = measure(program, allocators, args)
    rows = [[f"{call} {name}", *(f"{result[f'{call}_{key}'] / 1000:.2f}" for key in KEYS)]
            for call in CALLS for name, result in found.items()]
    common.print_table(rows, ["microseconds", "median", "p99.99", "own p99.99", "max", "own max"])
    print()
    verdicts = common.Verdicts()
    for name in (allocator.name for allocator in allocators if allocator.name.startswith("acre-")):
        for call in CALLS:
            verdicts.at_most(f"{name}: the longest {call}, own time, ms",
                             found[name][f"{call}_own_max_ns"] / 1e6, OWN_MAX_NS / 1e6)
            verdicts.at_most(f"{name}: {call} p99.99, own time, of glibc's",
                             found[name][f"{call}_own_p9999_ns"] / found["glibc"][f"{call}_own_p9999_ns"],
                             GLIBC_SHARE_MOST)
    return verdicts.status(args.check)


if __name__ == "__main__":
    sys.exit(main())
