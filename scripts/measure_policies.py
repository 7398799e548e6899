#!/usr/bin/env python3
"""What does each number that somebody chose do to time and memory?

A policy is a number, or an expression, in acre's source. For each one the library is built with other values
in its place, and patterns that the policy could matter to run on all of them, interleaved in shuffled order.
Every figure is a ratio to the value that is in the source: CPU time / peak memory, medians. Slow.

SPDX-License-Identifier: MIT
"""
import argparse
import dataclasses
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

import measure_common as common

PARTS = ("CMakeLists.txt", "cmake", "include", "src", "ports", "scripts", "tools", "bench", "docs",
         "kernel", "tests", "examples", "README.md", "LICENSE")


@dataclasses.dataclass(frozen=True)
class Policy:
    """`text` is where the value stands in the file, with {} in its place."""
    name: str
    path: str
    text: str
    value: str
    others: tuple
    patterns: tuple


POLICIES = [
    Policy("blocks free before a full slab is used again, one in", "src/base/sizeclass.c",
           "((capacity) / {} != 0 ? (capacity) / {} : 1)", "24", ("8", "64", "1000"),
           ("churn million", "churn small", "server 2", "mixed_sizes 8", "phase")),
    Policy("bytes carved at a time", "src/base/sizeclass.c",
           "((1 << {}) / (bytes) != 0 ? (1 << {}) / (bytes) : 1)", "ACRE_PAGE_LOG2",
           ("10", "14", "16"), ("batch", "rss 5000 8 1000", "tree", "mixed_sizes 8", "processes")),
    Policy("empty slabs that a slot keeps", "src/heap/layout.h", "EMPTY_SLABS_MAX = {},", "32",
           ("2", "8", "128"), ("phase", "mixed_sizes 8", "server 8", "transfer 2", "objects")),
    Policy("empty slabs that a slot keeps while a helper looks after them", "src/front/helper.c",
           "EMPTY_SLABS_HELPED_MAX = {} ", "1024", ("32", "256", "4096"),
           ("mixed_lifo", "scatter", "phase", "server 8")),
    Policy("bytes of runs that a slot keeps", "src/heap/layout.h", "RUN_KEPT_BYTES_MAX = {},", "SEGMENT_BYTES / 8",
           ("SEGMENT_BYTES / 16", "SEGMENT_BYTES / 4"), ("mixed_sizes 2", "mixed_sizes 8", "transfer 2")),
    Policy("largest run, bytes", "src/heap/layout.h", "RUN_BYTES_MAX = {},", "SEGMENT_BYTES / 4",
           ("SEGMENT_BYTES / 16", "SEGMENT_BYTES / 8", "SEGMENT_BYTES / 2"),
           ("transfer 2", "vectors", "sparse", "mixed_sizes 8")),
    Policy("mappings of huge blocks that are kept", "src/heap/huge_kept.h", "HUGE_CACHE_MAX_PARTS = {},",
           "32", ("0", "8", "128"), ("large", "vectors", "transfer 2")),
    Policy("bytes of kept mappings, of what is live one in", "src/heap/huge_kept.h",
           "(parts ? {} :", "4", ("2", "8", "32"), ("large", "vectors")),
    Policy("segments' worth of kept mappings while a helper looks after them", "src/heap/huge_kept.h",
           "HUGE_CACHE_BYTES_HELPED = {} *", "128", ("8", "32", "512"), ("vectors", "large", "sparse")),
    Policy("segments of small pages for each slot", "src/heap/segment.c", "SMALL_PAGE_SEGMENTS = {} ",
           "8", ("0", "2", "32"), ("tree", "churn million", "phase", "scatter", "idle scattered")),
    Policy("milliseconds of patience", "src/heap/purge.c", "PATIENCE_MS = {},", "1000",
           ("0", "100", "10000"), ("scatter", "transfer 2", "phase", "idle scattered")),
    Policy("refusals after which a slot is idle", "src/heap/takeover.c", "IDLE_REFUSALS = {},", "64",
           ("8", "512"), ("server 8", "producer 8", "mixed_sizes 8", "threads")),
    Policy("slabs opened before awake ones are swept", "src/heap/refill.c", "SWEEP_OPENINGS = {} ",
           "32", ("4", "256"), ("phase", "server 8", "mixed_sizes 8")),
]


def number_of(policy, value):
    return policy.text.replace("{}", value)


class Workshop:
    """A copy of the sources, in which one value at a time is another one."""

    def __init__(self, directory):
        self.directory = directory
        for part in PARTS:
            source = common.ROOT / part
            if source.is_dir():
                shutil.copytree(source, directory / part)
            else:
                shutil.copy(source, directory / part)
        self.build = directory / "build"
        self.do("cmake", "-S", directory, "-B", self.build, "-DCMAKE_BUILD_TYPE=Release",
                "-DACRE_TESTS=OFF")

    @staticmethod
    def do(*command):
        done = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout[-2000:]}")

    def library(self, policy, value, idx):
        path = self.directory / policy.path
        text = path.read_text()
        here = number_of(policy, policy.value)
        if text.count(here) != 1:
            raise RuntimeError(f"{policy.path} has '{here}' {text.count(here)} times, not once")
        path.write_text(text.replace(here, number_of(policy, value)))
        self.do("cmake", "--build", self.build, "--target", "acre_shared", "-j", "2")
        path.write_text(text)
        library = self.directory / f"policy{idx}.so"
        shutil.copy(self.build / "libacre.so", library)
        return common.Allocator(value, library)


def measure(build_dir, allocators, pattern, rounds):
    """Median CPU time and peak memory on each allocator."""
    name, *arguments = pattern.split()
    program = common.pattern_program(build_dir, name)
    found = {allocator.name: [] for allocator in allocators}
    for idx in range(rounds + 1):
        for allocator in random.sample(allocators, len(allocators)):
            result = common.fields(common.run([program, *arguments], allocator))
            if idx != 0:
                found[allocator.name].append((result["cpu_ms"], result["peak_rss_kib"]))
    return {name: tuple(statistics.median(run[i] for run in runs) for i in range(2))
            for name, runs in found.items()}


def measure_policy(build_dir, workshop, policy, rounds):
    values = (policy.value, *policy.others)
    allocators = [workshop.library(policy, value, idx) for idx, value in enumerate(values)]
    rows = []
    for pattern in policy.patterns:
        result = measure(build_dir, allocators, pattern, rounds)
        time, memory = result[policy.value]
        rows.append([pattern, *(f"{result[value][0] / time:.2f} / {result[value][1] / memory:.2f}"
                                for value in policy.others)])
    print(f"\n{policy.name}: {policy.value} ({policy.path})")
    common.print_table(rows, ["", *policy.others])
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has the pattern programs in bench/")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="policies whose name has one of these")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    wanted = [policy for policy in POLICIES
              if not args.only or any(word in policy.name for word in args.only)]
    if not wanted:
        common.fail(f"no policy is named like that; there are: {'; '.join(p.name for p in POLICIES)}")
    with tempfile.TemporaryDirectory() as directory:
        try:
            workshop = Workshop(pathlib.Path(directory))
            for policy in wanted:
                measure_policy(args.build_dir, workshop, policy, args.rounds)
        except RuntimeError as error:
            common.fail(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
