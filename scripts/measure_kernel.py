#!/usr/bin/env python3
"""measure_kernel.py - what frames and the heap cost in the reference kernel, counted in instructions; and how
long it takes to boot it and to pass all its tests.

    measure_kernel.py IMAGE [--check]

IMAGE is the test kernel (build/test_kernel.elf). It is booted in QEMU with -icount shift=0, where the
processor's time-stamp counter counts instructions, so the figures are the same in every run on every
machine. What is counted is what a call costs more than one of a function that returns at once.
Beside IMAGE there may be unit_kernel.elf, whose time is shown, too: the unit tests as kernel code.
With --check the exit status is 1 if a figure is above its limit; 77 without QEMU.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import resource
import subprocess
import sys

# name, what it is, limit: --check fails above it
FIGURES = (
    ("heap_64_alloc", "64 bytes, allocated (10 000 in a row)", 55),
    ("heap_64_free", "64 bytes, freed (10 000 in a row)", 45),
    ("heap_64_pair", "64 bytes, allocated and freed at once", 100),
    ("frames_0_alloc", "a frame, allocated (10 000 in a row)", 45),
    ("frames_0_free", "a frame, freed (10 000 in a row)", 45),
    ("frames_0_pair", "a frame, allocated and freed at once", 65),
    ("frames_9_alloc", "2 MiB of frames, allocated (200 in a row)", 130),
    ("frames_9_free", "2 MiB of frames, freed (200 in a row)", 80),
)
BOOT_LIMIT_SECONDS = 5.0
RUNNER = pathlib.Path(__file__).with_name("run_kernel.sh")


def run(image, *arguments):
    """Boots the image; ends this program where that cannot be done. Returns what it said, and the processor
    seconds of QEMU: the clock's would tell about the machine's other work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["sh", RUNNER, image, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout, end="")
        sys.exit(done.returncode)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description="Counts what the heap costs in a kernel.")
    parser.add_argument("image")
    parser.add_argument("--check", action="store_true", help="fail when a figure is above its limit")
    options = parser.parse_args()
    said, _ = run(options.image, "-i", "measure")
    counted = dict(re.findall(r"^measure (\w+) ([\d.]+)$", said, re.M))
    failed = False
    for name, what, limit in FIGURES:
        if name not in counted:
            sys.exit(f"the kernel did not measure {name}")
        failed |= float(counted[name]) > limit
        print(f"{what:45} {counted[name]:>8} instructions (limit {limit})")
    _, seconds = run(options.image)
    failed |= seconds > BOOT_LIMIT_SECONDS
    print(f"{'boots and passes on 4 processors':45} {seconds:8.2f} processor seconds (limit {BOOT_LIMIT_SECONDS:.0f})")
    units = pathlib.Path(options.image).with_name("unit_kernel.elf")
    if units.exists() and not options.check:
        _, seconds = run(units, "-c", "1", "-m", "2G")
        print(f"{'the unit tests of all of acre, 1 processor':45} {seconds:8.2f} processor seconds (aim {BOOT_LIMIT_SECONDS:.0f})")
    return 1 if options.check and failed else 0


sys.exit(main())
