#!/usr/bin/env python3
"""Counts instructions of the special allocators, and times them beside malloc.

    measure_pools.py build             instructions on this machine (callgrind), and on a Cortex-M4 (QEMU)
    measure_pools.py build --check     the same; exit status 1 if an operation takes too many
    measure_pools.py build --time      the patterns of bench/pools beside malloc, glibc's and acre's

A count is the mean of many calls of one function that does what its name says, its return included;
on the Cortex-M4 also the most of any call, with the call itself and its arguments. A tool that is not
here is named, and what needs it is left out.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import measure_common as common

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALLS = 100000

# operation of bench/pools/count.c, function to count, most instructions allowed on x86-64
HOST = [
    ("pool", "acre_pool_get", 35),
    ("pool", "acre_pool_put", 50),
    ("pool_keep", "acre_pool_get", 35),
    ("pool_keep", "acre_pool_put", 50),
    ("pool_shared", "acre_pool_get", 70),
    ("pool_shared", "acre_pool_put", 50),
    ("partitions", "acre_partitions_alloc", 70),
    ("partitions", "acre_partitions_free", 75),
    ("cache", "acre_cache_get", 40),
    ("cache", "acre_cache_put", 50),
    ("region", "count_region_alloc", 10),
    ("table", "count_table_at", 12),
    ("table", "acre_table_add", 100),
    ("table", "acre_table_remove", 50),
]
# what bench/pools/cortex_m4.c reports: most instructions allowed in any call
CORTEX_M4 = {"pool_get": 35, "pool_put": 50, "pool_get_keep": 35, "pool_put_keep": 50,
             "partitions_alloc": 85, "partitions_free": 90, "region_alloc": 12, "table_at": 20}

LINKER_SCRIPT = """
MEMORY { CODE (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > CODE
  .bss (NOLOAD) : { *(.data*) *(.bss*) *(COMMON) } > RAM
  stack_top = 0x20400000;
  /DISCARD/ : { *(.ARM*) }
}
"""


def count_host(program, operation, function):
    """Instructions of one call of a function, calls from it included."""
    valgrind = common.need_tool("valgrind", "valgrind")
    done = subprocess.run(
        [valgrind, "--tool=callgrind", f"--toggle-collect={function}",
         "--callgrind-out-file=/dev/null", program, operation, str(CALLS)],
        text=True, capture_output=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise RuntimeError(f"valgrind on {operation}: status {done.returncode}: {done.stderr}")
    return int(found.group(1)) / CALLS


def build_cortex_m4(folder):
    """The firmware; None when there is no compiler for it."""
    compiler = shutil.which("arm-none-eabi-gcc")
    if not compiler or not shutil.which("qemu-system-arm"):
        return None
    script = folder / "m4.ld"
    script.write_text(LINKER_SCRIPT)
    sources = [ROOT / "bench/pools/cortex_m4.c"]
    # What needs a heap is left to machines that have one.
    sources += [path for path in sorted((ROOT / "src/pools").glob("*.c"))
                if "heap" not in path.name]
    sources += sorted((ROOT / "src/base").glob("*.c"))
    firmware = folder / "m4.elf"
    subprocess.run(
        [compiler, "-O2", "-mthumb", "-mcpu=cortex-m4", "-std=gnu11", "-ffreestanding",
         "-fno-tree-loop-distribute-patterns", "-ffunction-sections", "-nostdlib",
         "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", f"-I{ROOT / 'include'}",
         f"-I{ROOT / 'src'}", f"-I{ROOT / 'ports/bare'}", f"-T{script}", "-o", firmware, *sources,
         "-lgcc"],
        check=True)
    return firmware


def count_cortex_m4(folder):
    """Most and mean instructions by operation; None where it cannot be built or run."""
    firmware = build_cortex_m4(pathlib.Path(folder))
    if firmware is None:
        return None
    done = subprocess.run(
        ["qemu-system-arm", "-M", "mps2-an386", "-icount", "shift=10", "-nographic", "-monitor",
         "none", "-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel",
         firmware], text=True, capture_output=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    if done.returncode != 0:
        raise RuntimeError(f"qemu: status {done.returncode}: {said}")
    found = re.findall(r"^(\w+) most (\d+) mean (\d+)$", said, re.M)
    return {name: (int(most), int(mean)) for name, most, mean in found}


def report_counts(build_dir, verdicts):
    program = pathlib.Path(build_dir).resolve() / "bench" / "count"
    if not program.exists():
        common.fail(f"no {program}; type: cmake --build {build_dir} --target bench_programs")
    rows = []
    for operation, function, limit in HOST:
        executed = round(count_host(program, operation, function), 1)
        rows.append([operation, function, f"{executed}", f"{limit}"])
        verdicts.at_most(f"{operation}: {function}, x86-64", executed, limit)
    common.print_table(rows, ["operation", "function", "instructions", "at most"])
    with tempfile.TemporaryDirectory() as folder:
        counts = count_cortex_m4(folder)
    if counts is None:
        print("\nskip: Cortex-M4 (arm-none-eabi-gcc and qemu-system-arm are needed)")
        return
    print()
    common.print_table([[name, str(most), str(mean)] for name, (most, mean) in counts.items()],
                       ["on Cortex-M4, -O2", "most", "mean"])
    for name, limit in CORTEX_M4.items():
        verdicts.at_most(f"{name}, Cortex-M4", counts.get(name, (10**9, 0))[0], limit)


# Patterns of bench/pools/work.h, and the special allocators that with_pools.c runs them on.
PATTERNS = {
    "one_type": ["pool", "cache", "table"],
    "constructed": ["cache"],
    "request": ["region"],
}


def run_pattern(command, environment):
    """Nanoseconds of an object, and peak memory in KiB."""
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    found = re.search(r"ns=([\d.]+) peak_rss_kib=(\d+)", done.stdout)
    if done.returncode != 0 or not found:
        raise RuntimeError(f"{command}: status {done.returncode}: {done.stderr}")
    return float(found.group(1)), int(found.group(2))


def report_times(build_dir, rounds):
    bench = pathlib.Path(build_dir).resolve() / "bench"
    library = common.acre_library(build_dir, required=True)
    glibc, acre = common.Allocator("glibc"), common.Allocator("acre", library)
    rows = []
    for pattern, specials in PATTERNS.items():
        runs = {"malloc of glibc": ([bench / "with_malloc", pattern], glibc),
                "malloc of acre": ([bench / "with_malloc", pattern], acre)}
        runs |= {name: ([bench / "with_pools", pattern, name], glibc) for name in specials}
        results = {name: [] for name in runs}
        for _ in range(rounds):  # interleaved, so that noise meets all alike
            for name, (command, allocator) in runs.items():
                results[name].append(run_pattern(command, allocator.environment()))
        base = results["malloc of glibc"]
        for name, result in results.items():
            ratio = statistics.median(own[0] / of[0] for own, of in zip(result, base))
            ns = statistics.median(each[0] for each in result)
            kib = statistics.median(each[1] for each in result)
            rows.append([pattern, name, f"{ns:.1f}", f"{ratio:.2f}", f"{kib:.0f}"])
    common.print_table(rows, ["pattern", "allocator", "ns", "time, glibc = 1", "peak KiB"])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has bench/count")
    parser.add_argument("--check", action="store_true", help="exit status 1 if too many")
    parser.add_argument("--time", action="store_true", help="time the patterns instead")
    parser.add_argument("--rounds", type=int, default=5, help="of each, interleaved (default 5)")
    return parser.parse_args()


def main():
    args = parse_arguments()
    verdicts = common.Verdicts()
    try:
        if args.time:
            report_times(args.build_dir, args.rounds)
            return 0
        report_counts(args.build_dir, verdicts)
    except RuntimeError as error:
        common.fail(str(error))
    return verdicts.status(args.check)


if __name__ == "__main__":
    sys.exit(main())
