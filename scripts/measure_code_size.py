#!/usr/bin/env python3
"""Bytes of code and data that each allocator takes, on each processor that there is a compiler for.

    measure_code_size.py            the tables of docs/code-size.md
    measure_code_size.py --check    status 1 if rt heaps have become larger on the Cortex-M4

Each figure is what a linker keeps (--gc-sections) of sources compiled at -Os without a C library, over
ports/bare: of a program that calls what stands in the column `least`, and of one that calls every public function
of the header. Three numbers: code and constants, data, bss. What compilers call on their own (memcpy and three
more) is not in it; a typical C library has them anyway.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMON = ["-Os", "-std=gnu11", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
          "-ffunction-sections", "-fdata-sections", "-fno-pic", "-Iinclude", "-Isrc", "-Iports/bare"]
ARM = ["arm-none-eabi-gcc", "-mthumb", "-fno-jump-tables"]
RISCV = ["clang", "--target=riscv32", "-march=rv32imac", "-mabi=ilp32", "-fno-jump-tables"]
# name: compiler and flags, what it links with
TARGETS = {
    "Cortex-M0": (ARM + ["-mcpu=cortex-m0"], []),
    "Cortex-M4": (ARM + ["-mcpu=cortex-m4"], []),
    "Cortex-M33": (ARM + ["-mcpu=cortex-m33"], []),
    "riscv32": (RISCV, ["-fuse-ld=lld"]),
    "x86-64": (["gcc", "-fcf-protection=none"], ["-static", "-no-pie"]),
}
# allocator: headers, sources, what the least program calls
ALLOCATORS = {
    "pool": (["pool"], ["pools/pool*.c"], ["acre_pool_init", "acre_pool_get", "acre_pool_put"]),
    "partitions": (["partitions"], ["pools/partitions*.c"], []),
    "watermark": (["watermark"], ["pools/watermark.c"], ["acre_watermark_low"]),
    "region": (["region"], ["pools/region*.c"],
               ["acre_region_init", "acre_region_alloc_more", "acre_region_reset"]),
    "table": (["table"], ["pools/table.c"], ["acre_table_init", "acre_table_add", "acre_table_remove"]),
    "cache": (["cache"], ["pools/cache*.c"], ["acre_cache_init", "acre_cache_get", "acre_cache_put"]),
    "rt, EXACT": (["rt"], ["pools/rt*.c"], ["acre_rt_init", "acre_rt_alloc", "acre_rt_free"]),
    "rt, TIGHT": (["rt"], ["pools/rt*.c"], ["acre_rt_init", "acre_rt_alloc", "acre_rt_free"]),
    "rt, QUICK": (["rt"], ["pools/rt*.c"], ["acre_rt_init", "acre_rt_alloc", "acre_rt_free"]),
    "rt, all parts": (["rt"], ["pools/rt*.c"], ["acre_rt_init", "acre_rt_alloc", "acre_rt_free"]),
    "fit": (["fit"], ["pools/fit*.c"], ["acre_fit_init", "acre_fit_alloc", "acre_fit_free"]),
    "handles": (["handles"], ["pools/handles*.c"], ["acre_handles_init", "acre_handles_new", "acre_handles_unref",
                                                    "acre_handles_read", "acre_handles_write"]),
    "budget": (["budget"], ["pools/budget*.c"], ["acre_budget_open", "acre_account_open"]),
    "heap": (["heap"], ["heap/*.c", "base/sizeclass.c"],
             ["acre_heap_create", "acre_heap_alloc", "acre_heap_free"]),
}
# What rt heaps with one engine may take on the Cortex-M4.
LIMITS = {"least": 3500, "all": 6500}


def public_functions(headers):
    """Names of the functions that headers declare; those that are inline are in whoever calls them."""
    names = []
    for header in headers:
        text = (ROOT / f"include/acre/{header}.h").read_text(encoding="utf-8")
        public = "".join(re.findall(r"^ACRE_BEGIN$(.*?)^ACRE_END$", text, re.M | re.S))
        names += re.findall(r"^(?!typedef\b|#|//)[A-Za-z_][\w \t*]*?\b(acre_\w+)\s*\(", public, re.M)
    return names


def sections(image):
    """Code and constants, data, bss."""
    size = shutil.which("llvm-size") or shutil.which("llvm-size-14")
    done = subprocess.run([size, "-A", image], check=True, capture_output=True, text=True)
    sums = [0, 0, 0]
    for name, count in re.findall(r"^\.?([\w.]+)\s+(\d+)\s+\d+$", done.stdout, re.M):
        kind = name.split(".")[0]
        place = {"text": 0, "rodata": 0, "data": 1, "bss": 2}.get(kind)
        if place is not None:
            sums[place] += int(count)
    return tuple(sums)


class Target:
    """A compiler, and what it made so far."""

    def __init__(self, name, folder):
        self.compiler, self.link = TARGETS[name]
        self.name, self.folder, self.objects = name, folder, {}

    def is_here(self):
        return shutil.which(self.compiler[0]) is not None

    def compiled(self, pattern, defines):
        made = []
        for source in sorted((ROOT / "src").glob(pattern)):
            key = (source, *defines)
            if key not in self.objects:
                self.objects[key] = self.folder / f"{self.name}.{len(self.objects)}.o"
                subprocess.run([*self.compiler, *COMMON, *defines, "-c", source, "-o", self.objects[key]],
                               check=True, cwd=ROOT)
            made.append(self.objects[key])
        return made

    def measure(self, sources, functions, defines):
        objects = [made for pattern in [*sources, "base/text.c"] for made in self.compiled(pattern, defines)]
        image = self.folder / f"{self.name}.elf"
        subprocess.run(
            [*self.compiler, *self.link, "-nostdlib", "-Wl,--gc-sections", "-Wl,--unresolved-symbols=ignore-all",
             "-Wl,--no-warn-rwx-segments" if self.compiler[0] != "clang" else "-Wl,--no-warn-mismatch",
             f"-Wl,-e,{functions[0]}", *(f"-Wl,-u,{name}" for name in functions), *objects, "-o", image],
            check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        return sections(image)


def defines_for(allocator):
    """rt heaps: one engine for up to 65 502 granules, without hooks, as a small microcontroller would have it."""
    engines = {"rt, EXACT": 1, "rt, TIGHT": 16, "rt, QUICK": 2}
    return [f"-DACRE_RT_PARTS={engines[allocator]}"] if allocator in engines else []


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(word.ljust(width) for word, width in zip(row, widths)) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="status 1 if rt heaps have become larger")
    check = parser.parse_args().check
    if not (shutil.which("llvm-size") or shutil.which("llvm-size-14")):
        print("skip: no llvm-size (package llvm)")
        return 77
    failed = False
    with tempfile.TemporaryDirectory() as name:
        targets = [Target(target, pathlib.Path(name)) for target in TARGETS]
        for target in targets:
            if not target.is_here():
                print(f"skip {target.name}: no {target.compiler[0]}")
        targets = [target for target in targets if target.is_here()]
        if check:
            targets = [target for target in targets if target.name == "Cortex-M4"]
        for what in ("least", "all"):
            rows = [[what, *(target.name for target in targets)]]
            for allocator, (headers, sources, least) in ALLOCATORS.items():
                if not (ROOT / f"include/acre/{headers[0]}.h").exists() or (check and not allocator.startswith("rt, ")):
                    continue
                functions = least if what == "least" and least else public_functions(headers)
                sizes = {target.name: target.measure(sources, functions, defines_for(allocator)) for target in targets}
                rows.append([allocator, *(f"{text}" + (f" + {data} + {bss}" if data + bss else "")
                                          for text, data, bss in sizes.values())])
                if allocator != "rt, all parts" and allocator.startswith("rt, ") and sizes.get("Cortex-M4", (0,))[0] > LIMITS[what]:
                    failed = True
                    rows[-1][0] += f" (over {LIMITS[what]})"
            print_table(rows)
            print()
    return 1 if check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
