#!/usr/bin/env python3
"""Counts the instructions that one malloc and one free really execute, under valgrind's callgrind.

The pattern `pair` runs with N and with 2 N pairs; the difference, by function and divided by N, is
what a pair costs: everything that happens once cancels out. Valgrind has no restartable sequences,
so acre runs in its thread binding. measure_hits.py counts the same path (and the other binding)
from the disassembly; the two must agree.

SPDX-License-Identifier: MIT
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

import measure_common as common
import measure_hits as hits

COST_LINE = re.compile(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+(.*)$")
OPERATIONS = ("malloc", "free")
RARE = 0.1  # instructions a pair that something done once in thousands of pairs may add
# Once in 85 pairs of 48 bytes malloc takes the list that free has gathered meanwhile.
REFILL = 4.0


def count_by_function(program, pairs, allocator, folder):
    """Instructions by function, without the program's own."""
    valgrind = common.need_tool("valgrind", "valgrind")
    annotate = common.need_tool("callgrind_annotate", "valgrind")
    out_file = pathlib.Path(folder) / f"callgrind.{allocator.name}.{pairs}"
    command = [valgrind, "--tool=callgrind", "-q", f"--callgrind-out-file={out_file}", program]
    done = subprocess.run([*command, str(pairs)], env=allocator.environment(), text=True,
                          capture_output=True, check=False)
    if done.returncode != 0 or not out_file.exists():
        raise RuntimeError(f"valgrind on {allocator.name}: status {done.returncode}: {done.stderr}")
    listing = subprocess.run([annotate, "--threshold=100", "--auto=no", out_file], text=True,
                             capture_output=True, check=True)
    return parse_listing(listing.stdout, program.name)


def parse_listing(listing, program_name):
    """Lines are `count (share%)  file:function [object]`.

    The object is missing where a function's code came from a second file by inlining, and unknown
    for code outside .text: functions are told apart by name, and the program's own are left out.
    """
    counts = collections.Counter()
    for line in listing.splitlines():
        found = COST_LINE.match(line)
        if not found or found.group(2) == "PROGRAM TOTALS":
            continue
        place, _, rest = found.group(2).partition(" [")
        function = place.split(":", 1)[1].split("'")[0]
        if pathlib.Path(rest.rstrip("]")).name != program_name and function != "main":
            counts[function] += int(found.group(1).replace(",", ""))
    return counts


def operation_of(function):
    """A function's share goes to malloc or free when its name says so."""
    for operation in OPERATIONS:
        if re.fullmatch(rf"(hit_)?{operation}(_thread|_rseq)?(\.\w+)*", function):
            return operation
    return "other"


def measure(program, allocator, pairs, folder):
    """Instructions per pair: of malloc, of free, of all else outside the program."""
    once = count_by_function(program, pairs, allocator, folder)
    twice = count_by_function(program, 2 * pairs, allocator, folder)
    result = {"malloc": 0.0, "free": 0.0, "other": 0.0}
    for function in twice:
        result[operation_of(function)] += (twice[function] - once[function]) / pairs
    return result


def allocators(args):
    library = common.acre_library(args.build_dir, required=not args.peers)
    found = [common.Allocator("acre-thread", library, "slots=thread")] if library else []
    if args.peers:
        found += [common.Allocator("glibc"), *common.installed_peers()]
    return found


def judge(results, static_counts):
    verdicts = common.Verdicts()
    print()
    for operation in OPERATIONS:
        executed = results["acre-thread"][operation]
        limit = hits.LIMITS[operation, "thread"]
        verdicts.at_most(f"instructions of {operation}, executed", round(executed, 1), limit)
        expected = static_counts[operation, "thread"]
        agrees = not isinstance(expected, str) and abs(hits.count(expected) - executed) < RARE
        shown = expected if isinstance(expected, str) else f"{hits.count(expected)}"
        verdicts.true(f"{operation}'s disassembly agrees", agrees, shown)
    verdicts.at_most("instructions elsewhere", round(results["acre-thread"]["other"], 2), REFILL)
    return verdicts


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has libacre.so and bench/pair")
    parser.add_argument("--pairs", type=int, default=20000, help="N (default 20000)")
    parser.add_argument("--peers", action="store_true", help="the system's malloc and peers too")
    parser.add_argument("--check", action="store_true", help="exit status 1 if too many")
    return parser.parse_args()


def main():
    args = parse_arguments()
    program = common.pattern_program(args.build_dir, "pair")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for allocator in allocators(args):
            try:
                results[allocator.name] = measure(program, allocator, args.pairs, folder)
            except RuntimeError as error:
                common.fail(str(error))
    common.print_table([[name, *(f"{result[key]:.2f}" for key in ("malloc", "free", "other"))]
                        for name, result in results.items()],
                       ["instructions of a pair", "malloc", "free", "elsewhere"])
    if "acre-thread" not in results:
        return common.Verdicts().status(False)
    library = common.acre_library(args.build_dir, required=True)
    return judge(results, hits.measure(library)).status(args.check)


if __name__ == "__main__":
    sys.exit(main())
