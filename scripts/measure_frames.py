#!/usr/bin/env python3
"""Counts what frames cost: instructions of an allocation and of a free, text, and the books.

Instructions are those that valgrind's callgrind sees inside acre_frames_alloc and acre_frames_free, with
all that they call, while build/bench/operations runs: a pool of 1 GiB, one slot, nothing else.
Text is that of src/frames at -O2 for each target whose compiler is there.

    measure_frames.py BUILD_DIR [--check]

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import measure_common as common

# mode, order, count: limits of an allocation, of a free, of both together; None: no limit was set
RUNS = {
    ("bulk", 0, 50000): (45, 45, None),
    ("pair", 0, 50000): (None, None, 65),
    ("random", 0, 50000): (None, None, None),
    ("bulk", 3, 8000): (None, None, None),
    ("bulk", 6, 2000): (None, None, None),
    ("bulk", 8, 800): (None, None, None),
    ("bulk", 9, 480): (130, 80, None),
    ("bulk", 10, 240): (None, None, None),
    ("bulk", 11, 120): (None, None, None),
    ("bulk", 12, 60): (None, None, None),
}
META_PERCENT_MAX = 0.0035
PARTS = {
    "allocate and free": ("block", "children", "lanes", "pool", "slot", "tree"),
    "ranges and runs": ("range", "run"),
    "boot": ("boot", "bootmap", "bootmap_read", "create", "devicetree"),
    "the rest": ("audit", "nodes", "shares", "stats"),
}
TEXT_PART_MAX = 8192  # of what allocates and frees, on x86_64 with gcc
FLAGS = ["-std=c11", "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
         "-Iinclude", "-Isrc", "-Iports/linux"]
TARGETS = {
    "x86_64 gcc": ["gcc", "-fcf-protection=none"],
    "x86_64 clang": ["clang", "-fcf-protection=none"],
    "aarch64 gcc": ["aarch64-linux-gnu-gcc", "-mno-outline-atomics"],
    "riscv64 gcc": ["riscv64-linux-gnu-gcc", "-march=rv64imac", "-mabi=lp64"],
}


def instructions(program, run, function, folder):
    mode, order, count = run
    done = subprocess.run(
        [common.need_tool("valgrind", "valgrind"), "--tool=callgrind",
         f"--callgrind-out-file={folder}/out", f"--toggle-collect={function}", program, mode,
         str(order), str(count)], capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        common.fail(f"callgrind of {program} failed: {done.stderr}")
    return round(int(found.group(1)) / count, 1)


def measure_instructions(program, verdicts, only_limits):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for run, limits in RUNS.items():
            if only_limits and limits == (None, None, None):
                continue
            alloc = instructions(program, run, "acre_frames_alloc", folder)
            free = instructions(program, run, "acre_frames_free", folder)
            mode, order, _ = run
            rows.append([mode, str(order), f"{alloc:.1f}", f"{free:.1f}", f"{alloc + free:.1f}"])
            for what, value, limit in zip(("allocation", "free", "pair"),
                                          (alloc, free, round(alloc + free, 1)), limits):
                if limit is not None:
                    verdicts.append((f"instructions, order {order}, {mode}, {what}", value, limit))
    common.print_table(rows, ["instructions", "order", "allocation", "free", "both"])


def text_of(command, name, folder):
    target = pathlib.Path(folder) / f"{name}.o"
    subprocess.run([*command, *FLAGS, "-c", f"src/frames/{name}.c", "-o", target], check=True,
                   cwd=common.ROOT)
    size = common.shutil.which("llvm-size") or common.shutil.which("llvm-size-14") or "size"
    listing = subprocess.run([size, target], capture_output=True, text=True, check=True).stdout
    return int(listing.splitlines()[1].split()[0])


def measure_text(verdicts, only_limits):
    rows = []
    for target, command in TARGETS.items():
        if common.shutil.which(command[0]) is None or (only_limits and target != "x86_64 gcc"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            sums = [sum(text_of(command, name, folder) for name in names)
                    for names in PARTS.values()]
        rows.append([target, *map(str, sums), str(sum(sums))])
        if target == "x86_64 gcc":
            verdicts.append(("bytes of what allocates and frees", sums[0], TEXT_PART_MAX))
    named = {name for names in PARTS.values() for name in names}
    there = {path.stem for path in (common.ROOT / "src/frames").glob("*.c")}
    if named != there:
        common.fail(f"PARTS and src/frames differ: {named ^ there}")
    print()
    common.print_table(rows, ["bytes of text, -O2", *PARTS, "all"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has bench/operations")
    parser.add_argument("--check", action="store_true", help="measures only what has a limit; exit status 1 if over it")
    args = parser.parse_args()
    program = common.need_file(pathlib.Path(args.build_dir) / "bench" / "operations",
                               "type: cmake --build BUILD_DIR --target bench_programs")
    limits = []
    measure_instructions(program, limits, args.check)
    measure_text(limits, args.check)
    print()
    verdicts = common.Verdicts()
    for what, value, limit in limits:
        verdicts.at_most(what, value, limit)
    for gib in (1, 1024):
        done = subprocess.run([program, "meta", str(gib), "1"], capture_output=True, text=True,
                              check=True)
        percent = 100 * int(done.stdout) / (gib << 30)
        verdicts.at_most(f"percent of {gib} GiB for the books, 8 slots", round(percent, 5),
                         META_PERCENT_MAX)
    return verdicts.status(args.check)


if __name__ == "__main__":
    sys.exit(main())
