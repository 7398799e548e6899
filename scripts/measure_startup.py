#!/usr/bin/env python3
"""What acre costs a short program: anonymous memory, time of exec, TLS, text, libraries.

Memory is read by the program itself at its end. Times are medians of many starts that alternate
between the allocators, so that load on the machine meets all of them alike.

SPDX-License-Identifier: MIT
"""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

import measure_common as common

ANONYMOUS_LIMIT_KIB = 200
EXEC_LIMIT_MS = 0.15
TLS_LIMIT_BYTES = 64
TEXT_LIMIT_BYTES = 96 * 1024
ALLOWED_LIBRARIES = re.compile(r"libc\.so\.6|ld-linux[\w-]*\.so\.\d+")
# Number, name, type, address, offset, bytes, bytes of an entry, flags.
SECTION_LINE = re.compile(r"\s*\[\s*\d+\]\s+\S+\s+\S+\s+[0-9a-f]+ [0-9a-f]+ (?P<bytes>[0-9a-f]+) "
                          r"[0-9a-f]{2}\s+(?P<flags>[A-Z]+)")
THREAD_COUNTS = (0, 100)


def median_anonymous_kib(program, blocks, allocator, repeats):
    return statistics.median(int(common.run([program, blocks], allocator)) for _ in range(repeats))


def spawn_ms(path, environment):
    """From just before the spawn to the end of the program."""
    start_ns = time.perf_counter_ns()
    process = os.posix_spawn(path, [path], environment)
    _, status = os.waitpid(process, 0)
    elapsed_ns = time.perf_counter_ns() - start_ns
    if status != 0:
        raise RuntimeError(f"{path}: status {status}")
    return elapsed_ns / 1e6


def exec_times_ms(allocators, starts):
    """Milliseconds of `true` by allocator; each start of one is next to a start of every other."""
    path = shutil.which("true")
    environments = [(a.name, a.environment()) for a in allocators]
    times = {name: [] for name, _ in environments}
    for start in range(starts + 5):
        turn = start % len(environments)
        for name, environment in environments[turn:] + environments[:turn]:
            elapsed_ms = spawn_ms(path, environment)
            if start >= 5:  # the first ones read files into the page cache
                times[name].append(elapsed_ms)
    return times


def per_thread_kib(program, allocator):
    """Anonymous memory that each live thread adds, its stack included, after it used malloc."""
    few, many = THREAD_COUNTS
    low = statistics.median(int(common.run([program, few], allocator)) for _ in range(3))
    high = statistics.median(int(common.run([program, many], allocator)) for _ in range(3))
    return (high - low) / (many - few)


def readelf(library, option):
    tool = common.need_tool("readelf", "binutils")
    return subprocess.run([tool, "-W", option, library], text=True, capture_output=True,
                          check=True).stdout


def tls_bytes(library):
    for line in readelf(library, "-l").splitlines():
        parts = line.split()
        if parts and parts[0] == "TLS":
            return int(parts[5], 16)
    return 0


def text_bytes(library):
    """All sections that hold instructions: .text, and the restart parts beside it."""
    total = 0
    for line in readelf(library, "-S").splitlines():
        found = SECTION_LINE.match(line)
        if found and "X" in found.group("flags"):
            total += int(found.group("bytes"), 16)
    return total


def needed_libraries(library):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", readelf(library, "-d"))


def measure(allocators, args):
    fifty = common.pattern_program(args.build_dir, "fifty")
    idle = common.pattern_program(args.build_dir, "idle_threads")
    times = exec_times_ms(allocators, args.starts)
    results = {}
    for allocator in allocators:
        results[allocator.name] = {
            "nothing_kib": median_anonymous_kib(fifty, 0, allocator, 9),
            "fifty_kib": median_anonymous_kib(fifty, 50, allocator, 9),
            "thread_kib": per_thread_kib(idle, allocator),
            # Both starts of a pair happen within milliseconds of each other.
            "exec_ms": statistics.median(times[allocator.name]),
            "exec_more_ms": statistics.median(
                mine - theirs for mine, theirs in zip(times[allocator.name], times["glibc"])),
        }
    return results


def report(results):
    rows = [[name, f"{r['nothing_kib']:.0f}", f"{r['fifty_kib']:.0f}",
             f"{r['fifty_kib'] - results['glibc']['fifty_kib']:+.0f}", f"{r['exec_ms']:.3f}",
             f"{r['exec_more_ms']:+.3f}", f"{r['thread_kib']:.2f}"] for name, r in results.items()]
    common.print_table(rows, ["anonymous memory in KiB, time in ms", "nothing", "50 mallocs",
                              "above glibc", "exec true", "above glibc", "KiB a thread"])


def judge_library(verdicts, library):
    verdicts.at_most("thread-local storage", tls_bytes(library), TLS_LIMIT_BYTES, " bytes")
    verdicts.at_most("text", text_bytes(library), TEXT_LIMIT_BYTES, " bytes")
    needed = needed_libraries(library)
    foreign = [name for name in needed if not ALLOWED_LIBRARIES.fullmatch(name)]
    verdicts.true("no dependency but libc", not foreign, " ".join(needed) or "none")


def judge(results, library):
    verdicts = common.Verdicts()
    print()
    base = results["glibc"]
    for name in (n for n in results if n.startswith("acre-")):
        mine = results[name]
        for key, what in (("nothing_kib", "a program without malloc"), ("fifty_kib", "50 mallocs")):
            verdicts.at_most(f"{name}: anonymous memory of {what} above glibc's",
                             mine[key] - base[key], ANONYMOUS_LIMIT_KIB, " KiB")
        verdicts.at_most(f"{name}: exec of true above glibc's", mine["exec_more_ms"],
                         EXEC_LIMIT_MS, " ms")
    if "acre-rseq" in results:
        more = results["acre-rseq"]["thread_kib"] - base["thread_kib"]
        verdicts.at_most("acre-rseq: memory of a thread above glibc's", round(more, 1), 0, " KiB")
    judge_library(verdicts, library)
    return verdicts


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has libacre.so and bench/")
    parser.add_argument("--starts", type=int, default=300, help="starts of `true` (default 300)")
    parser.add_argument("--peers", action="store_true", help="measure the installed peers as well")
    parser.add_argument("--check", action="store_true", help="exit status 1 if anything failed")
    return parser.parse_args()


def main():
    args = parse_arguments()
    library = common.acre_library(args.build_dir, required=not args.peers)
    allocators = [common.Allocator("glibc"), *(common.installed_peers() if args.peers else []),
                  *(common.acre_allocators(pathlib.Path(library)) if library else [])]
    try:
        results = measure(allocators, args)
    except RuntimeError as error:
        common.fail(str(error))
    report(results)
    return judge(results, library).status(args.check) if library else 0


if __name__ == "__main__":
    sys.exit(main())
