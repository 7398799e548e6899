#!/usr/bin/env python3
"""measure_text.py - how many bytes of code and constants a kernel gets that links the heap, or frames.

    measure_text.py [--check] [--functions]

Compiled at -O2 with the flags of kernels and a section for each function, over the kernel port, and linked
(ld -r --gc-sections) from the functions that a kernel calls: what they do not lead to is left out, as it is
of a kernel. "all" is everything. --functions lists what is left, by size, for the first target.
--check measures the first target only; exit status 1 if one is above its limit.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import measure_common as common

FLAGS = ["-std=gnu11", "-O2", "-ffreestanding", "-fno-pic", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
         "-ffunction-sections", "-fdata-sections", "-Iinclude", "-Isrc", "-Iports/kernel"]
X86 = ["-mno-red-zone", "-mgeneral-regs-only", "-mcmodel=kernel", "-fcf-protection=none", "-Iports/kernel_x86_64",
       '-DACRE_PORT_CPU_HEADER="acre_cpu.h"']
# name: compiler, its flags, linker
TARGETS = {
    "x86_64 gcc": ("gcc", X86, "ld"),
    "x86_64 clang": ("clang", X86, "ld"),
    "aarch64 gcc": ("aarch64-linux-gnu-gcc", ["-mgeneral-regs-only", "-mno-outline-atomics"], "aarch64-linux-gnu-ld"),
    "riscv64 gcc": ("riscv64-linux-gnu-gcc", ["-march=rv64imac_zicsr", "-mabi=lp64", "-mcmodel=medany"],
                    "riscv64-linux-gnu-ld"),
}
HEAP = ("src/base", "src/heap")
FRAMES = ("src/frames",)
CALLS = ("alloc", "free")
# What it is, folders, functions called (none: all), limit on the first target. The aim for the heap is 24 KiB:
# the KiB above is there so that not every mended fault has to find its bytes elsewhere.
ROWS = (
    ("heap: create, alloc, free, aligned, calloc, realloc", HEAP,
     ["acre_heap_" + name for name in ("create", "alloc", "free", "aligned", "calloc", "realloc")], 26 << 10),
    ("heap: all", HEAP, None, None),
    ("frames: alloc, free", FRAMES, ["acre_frames_" + name for name in CALLS], 8 << 10),
    ("frames: create, give, alloc, free", FRAMES,
     ["acre_frames_" + name for name in ("create", "give", *CALLS)], None),
    ("frames: boot from an E820 map, alloc, free", FRAMES,
     ["acre_frames_" + name for name in ("boot", *CALLS)] +
     ["acre_bootmap_" + name for name in ("init", "fix", "read_e820")], None),
    ("frames: all", FRAMES, None, None),
)


def compile_all(target, folder):
    """Objects of every source, by the folder that it is in."""
    compiler, flags, _ = TARGETS[target]
    headers = subprocess.run([compiler, "-print-file-name=include"], capture_output=True, text=True,
                             check=True).stdout.strip()
    objects = {}
    for source in sorted({each for tree in (*HEAP, *FRAMES) for each in (common.ROOT / tree).glob("*.c")}):
        tree = source.parent.relative_to(common.ROOT).as_posix()
        output = folder / f"{source.parent.name}_{source.stem}.o"
        subprocess.run([compiler, *FLAGS, *flags, "-nostdinc", "-isystem", headers, "-c", source, "-o", output],
                       cwd=common.ROOT, check=True)
        objects.setdefault(tree, []).append(output)
    return objects


def link(target, objects, roots, output):
    keep = [word for root in roots or () for word in ("-u", root)]
    subprocess.run([TARGETS[target][2], "-r", *(["--gc-sections"] if roots else []), *keep, "-o", output, *objects],
                   check=True)
    listing = subprocess.run(["size", output], capture_output=True, text=True, check=True).stdout
    return int(listing.splitlines()[1].split()[0])


def list_functions(output, what):
    print(f"\n{what}, {next(iter(TARGETS))}:")
    listing = subprocess.run(["nm", "-S", "--size-sort", "--reverse-sort", output], capture_output=True,
                             text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    for _, size, kind, name in rows:
        if kind in "tTrR":
            print(f"{int(size, 16):6} {name}{' (constants)' if kind in 'rR' else ''}")


def measure(target, show):
    sizes = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        objects = compile_all(target, folder)
        for what, trees, roots, _ in ROWS:
            output = folder / "linked"
            sizes.append(link(target, [each for tree in trees for each in objects[tree]], roots, output))
            if show and roots:
                list_functions(output, what)
    return sizes


def main():
    parser = argparse.ArgumentParser(description="Counts the code of the heap and of frames in a kernel.")
    parser.add_argument("--check", action="store_true", help="the first target only; exit status 1 if over a limit")
    parser.add_argument("--functions", action="store_true", help="lists the functions of the first target")
    options = parser.parse_args()
    first = next(iter(TARGETS))
    common.need_tool("gcc", "gcc")
    targets = [first] if options.check else [name for name, (compiler, _, linker) in TARGETS.items()
                                             if common.shutil.which(compiler) and common.shutil.which(linker)]
    columns = [measure(target, options.functions and target == first) for target in targets]
    if options.functions:
        print()
    common.print_table([[row[0], *sizes] for row, sizes in zip(ROWS, zip(*columns))], ["bytes", *targets])
    print()
    verdicts = common.Verdicts()
    for (what, _, _, limit), size in zip(ROWS, columns[0]):
        if limit:
            verdicts.at_most(f"{what}, {first}", size, limit, " bytes")
    return verdicts.status(options.check)


if __name__ == "__main__":
    sys.exit(main())
