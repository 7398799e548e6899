#!/usr/bin/env python3
"""pages.py - acre on 64-bit Arm with pages of 16 and of 64 KiB, in qemu's user emulation.

    pages.py BUILD_DIR

It takes the library and the programs that tests/aarch64/run.sh built below BUILD_DIR/aarch64. The emulation tells
programs the size of its pages, maps in units of them, and shows each system call. Every range that acre gives to the
system must be one of whole pages: a kernel refuses others, or takes more than it was told to. Exits with 77 where
something is missing.

SPDX-License-Identifier: MIT
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYSTEM = "/usr/aarch64-linux-gnu"
COMPILER = "aarch64-linux-gnu-gcc"
CONFORM = ("names", "aligned", "resized", "sized_free", "too_large", "errno_kept", "zeroed")
PAGES_BYTES = (16384, 65536)  # aarch64/run has those of 4 KiB
SECONDS = 120
# name, and which arguments are addresses or sizes
CALLS = {"mmap": (0, 1), "munmap": (0, 1), "madvise": (0, 1), "mprotect": (0, 1), "mremap": (0, 1, 2)}


def skip(why):
    print(f"# skipped: {why}")
    sys.exit(77)


def emulate(folder, page_bytes, *command, strace=False):
    """stdout and stderr; fails the test if the program does."""
    # The emulator ends with an assertion of its own when a child of a process with threads makes one: no helper.
    done = subprocess.run(
        ["qemu-aarch64", "-p", str(page_bytes), *(["-strace"] if strace else []), "-L", SYSTEM, "-E",
         f"LD_PRELOAD={folder}/libacre.so", "-E", "ACRE_CONF=giveback=0", *command],
        capture_output=True, text=True, check=False, timeout=SECONDS, errors="replace")
    if done.returncode != 0:
        print(done.stdout, "\n".join(done.stderr.splitlines()[-20:]))
        sys.exit(f"pages.py: {command[0]} with pages of {page_bytes} bytes: exit status {done.returncode}")
    return done.stdout, done.stderr


def judge_calls(log, page_bytes):
    """How often each call was made by the heap; the first that is not one of whole pages ends the test."""
    counts = dict.fromkeys(CALLS, 0)
    work = log.split("getppid()")[1]
    for name, words in re.findall(r"^\d+ (\w+)\(([^)]*)\)", work, re.MULTILINE):
        if name not in CALLS:
            continue
        counts[name] += 1
        arguments = words.split(",")
        for place in CALLS[name]:
            value = 0 if arguments[place] == "NULL" else int(arguments[place], 0)
            if value % page_bytes != 0:
                sys.exit(f"pages.py: not whole pages of {page_bytes} bytes: {name}({words})")
    return counts


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: pages.py BUILD_DIR")
    folder = pathlib.Path(sys.argv[1]).resolve() / "aarch64"
    for tool in (COMPILER, "qemu-aarch64"):
        if shutil.which(tool) is None:
            skip(f"there is no {tool}")
    if not os.path.exists(f"{SYSTEM}/include/stdio.h"):
        skip(f"there is no C library for it in {SYSTEM}")
    program = folder / "pages"
    subprocess.run(
        [COMPILER, "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-fno-builtin", ROOT / "tests/surroundings/pages.c",
         "-o", program, "-pthread"], check=True)
    for page_bytes in PAGES_BYTES:
        for name in CONFORM:
            emulate(folder, page_bytes, folder / name)
        _, log = emulate(folder, page_bytes, program, str(page_bytes), strace=True)
        counts = judge_calls(log, page_bytes)
        print(f"pages of {page_bytes} bytes: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        for name in ("mmap", "munmap", "madvise", "mremap"):
            if counts[name] == 0:
                sys.exit(f"pages.py: {name} was never called: the test shows nothing")


if __name__ == "__main__":
    main()
