#!/usr/bin/env python3
"""measure_linux.py - what pages and kmalloc cost in Debian's Linux, beside acre's frames and heap in its kernel.

    measure_linux.py BUILD_DIR [--check]

Both kernels are booted in QEMU with -icount shift=0, where the processor's time-stamp counter counts
instructions, so the figures are the same in every run on every machine. They count instructions, not cache
misses and not what atomic operations take.

Linux is the package that linux-image-cloud-amd64 leads to, unchanged; it and its headers are downloaded with
apt-get into BUILD_DIR/linux, and not installed. A module (bench/linux) counts there as tests/kernel/measure.c does
here. Linux runs at its best: no mitigations, and pages are not cleared as they are handed out (init_on_alloc=0).
With --check the exit status is 1 if acre needs more in any row. Status 77: something is missing, and one line
says what.

SPDX-License-Identifier: MIT
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

import linux_guest
import measure_common as common
from linux_guest import capture, skip

# what it is, name in Linux, name in acre
ROWS = (
    ("a page, {}", "pages_0", "frames_0"),
    ("2 MiB, {}", "pages_9", "frames_9"),
    ("64 bytes, {}", "kmalloc_64", "heap_64"),
)
PHASES = {"alloc": "allocated (in a row)", "free": "freed (in a row)", "pair": "allocated and freed at once"}
WORDS = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr randomize_kstack_offset=off init_on_alloc=0 init_on_free=0"
SECONDS = 120


def fetch(folder):
    """Downloads and unpacks the kernel and its headers; returns the release, such as 6.1.0-56-cloud-amd64."""
    release = linux_guest.newest_release()
    plain = release.removesuffix("-cloud-amd64")
    linux_guest.download(folder, folder / f"root/usr/src/linux-headers-{release}", [
        f"linux-image-{release}", f"linux-headers-{release}", f"linux-headers-{plain}-common", "linux-kbuild-6.1"])
    return release


def build_module(folder, release):
    """Compiles the module against the unpacked headers, whose makefile names the folder they are for."""
    headers = folder / f"root/usr/src/linux-headers-{release}"
    common_headers = folder / f"root/usr/src/linux-headers-{release.removesuffix('-cloud-amd64')}-common"
    (headers / "Makefile").write_text(f"include {common_headers}/Makefile\n")
    module = folder / "module"
    module.mkdir(exist_ok=True)
    shutil.copy(common.ROOT / "bench/linux/acre_measure.c", module)
    (module / "Kbuild").write_text("obj-m := acre_measure.o\n")
    done = capture("make", "-C", headers, f"M={module}", f"KERNEL_SOURCE_VERSION={release}", "modules")
    if done.returncode != 0:
        skip(f"the module does not compile: {(done.stdout + done.stderr).strip().splitlines()[-1]}")
    return module / "acre_measure.ko"


def run_linux(folder, release, module):
    program = folder / "init"
    subprocess.run(["gcc", "-O1", "-static", "-nostdlib", "-fno-pie", "-no-pie", "-fno-stack-protector",
                    common.ROOT / "bench/linux/init.c", "-o", program], check=True)
    files = folder / "files.cpio"
    files.write_bytes(linux_guest.archive({
        "dev": (0o40755, b""), "module.ko": (0o100644, module.read_bytes()), "init": (0o100755, program.read_bytes())}))
    done = capture(
        os.environ.get("ACRE_QEMU", "qemu-system-x86_64"), "-accel", "tcg,thread=single", "-icount",
        "shift=0,sleep=off", "-cpu", "max,-erms,-fsrm", "-M", "q35", "-m", "2G", "-smp", "1", "-display", "none", "-vga",
        "none", "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio", "-monitor", "none", "-kernel",
        folder / f"root/boot/vmlinuz-{release}", "-initrd", files, "-append", WORDS,
        stdin=subprocess.DEVNULL, timeout=SECONDS)
    return done.stdout


def figures(said):
    return {name: float(value) for name, value in re.findall(r"measure (\w+) ([\d.]+)", said)}


def main():
    parser = argparse.ArgumentParser(description="Counts Linux's pages and kmalloc beside acre's frames and heap.")
    parser.add_argument("build_dir", help="has test_kernel.elf")
    parser.add_argument("--check", action="store_true", help="exit status 1 if acre needs more in any row")
    options = parser.parse_args()
    for tool in ("qemu-system-x86_64", "apt-get", "apt-cache", "dpkg", "make", "gcc"):
        if shutil.which(tool) is None:
            skip(f"no {tool}")
    build = pathlib.Path(options.build_dir).resolve()
    image = common.need_file(build / "test_kernel.elf", "type: cmake --build BUILD_DIR --target test_kernel")
    folder = build / "linux"
    release = fetch(folder)
    linux = figures(run_linux(folder, release, build_module(folder, release)))
    ours = capture("sh", common.ROOT / "scripts/run_kernel.sh", image, "-i", "-m", "2G", "measure")
    acre = figures(ours.stdout)
    rows = []
    more = 0
    for what, theirs, own in ROWS:
        for phase, words in PHASES.items():
            left, right = linux.get(f"{theirs}_{phase}"), acre.get(f"{own}_{phase}")
            if left is None or right is None:
                common.fail(f"{theirs}_{phase} or {own}_{phase} was not measured")
            more += right > left
            rows.append([what.format(words), f"{left:.1f}", f"{right:.1f}", f"{left / right:.1f}"])
    common.print_table(rows, ["instructions, QEMU -icount", f"Linux {release}", "acre", "ratio"])
    return 1 if options.check and more else 0


if __name__ == "__main__":
    sys.exit(main())
