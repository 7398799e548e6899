#!/usr/bin/env python3
"""Runs the unit tests of base and pools, and the example, on bare Cortex-M processors that QEMU plays.

    run.py            the example on all boards; the tests as code for the M3, on the M4 and the M33; those that
                      need no heap as code for the M0, on the M3
    run.py --all      all tests, as code for the M0 and for the M3, on all boards with enough RAM
    run.py -v         and what they say

Each image is start-up and linker script of ports/cortex_m, the sources, and nothing else: no C library. Its
exit status is what counts, and that its last line is PASS. Status 77 without compiler or QEMU.

SPDX-License-Identifier: MIT
"""
import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMPILER = "arm-none-eabi-gcc"
FLAGS = ["-mthumb", "-O1", "-std=gnu11", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-Wall",
         "-Wextra", "-Werror", "-fno-jump-tables"]
LINK = ["-nostdlib", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-T", ROOT / "ports/cortex_m/cortex_m.ld"]
# Unit tests by the image that they are in. Those of budgets, with a heap for each account, want more memory than
# these boards have.
UNITS = {
    "plain": ("bits", "list", "text", "fit", "rt", "rt_special"),  # with 14 MiB of their own
    "heap": ("pool", "pool_split", "partitions", "region", "table", "cache", "handles"),  # sources of pages, and a heap as one
}
# board: (machine of QEMU, start of flash, start of 4 MiB of RAM, start of 16 MiB of RAM)
BOARDS = {
    "M0": ("microbit", 0, 0x20000000, None),
    "M3": ("mps2-an385", 0, 0x20000000, 0x21000000),
    "M4": ("mps2-an386", 0, 0x20000000, 0x21000000),
    "M7": ("mps2-an500", 0, 0x20000000, 0x60000000),
    "M33": ("mps2-an505", 0x10000000, 0x38000000, 0x80000000),
}
RAM_BYTES, MORE_RAM_BYTES = 4 << 20, 16 << 20


def compile_all(folder, jobs):
    """Objects of [(name, source, flags)], two at a time."""
    def one(job):
        name, source, flags = job
        made = folder / (name + ".o")
        subprocess.run([COMPILER, *FLAGS, *flags, "-c", source, "-o", made], check=True)
        return made
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, jobs))


def port_jobs(cpu, port):
    return [(f"{cpu}.{port}.{name}", ROOT / f"ports/cortex_m/{name}.c",
             [f"-mcpu={cpu}", f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}", f"-I{ROOT / 'ports' / port}",
              f"-I{ROOT / 'ports/cortex_m'}"]) for name in ("start", "semihosting", "memory")]


def unit_jobs(cpu, folder, image):
    """All that an image of unit tests is made of, but what depends on the board."""
    includes = [f"-I{ROOT / path}" for path in
                ("include", "src", "ports/sim", "tests", "tests/kernel/libc", "ports/cortex_m")]
    # A source of 8 MiB, and a heap of small pages.
    flags = [f"-mcpu={cpu}", *includes, "-DACRE_DEBUG=1", "-DSIM_SOURCE_LOG2=23", "-DACRE_SLICE_LOG2=13",
             "-DACRE_PAGE_LOG2=9"]
    patterns = ["base/*.c", "pools/rt*.c", "pools/fit*.c"] if image == "plain" else ["base/*.c", "heap/*.c", "pools/*.c"]
    sources = [path for pattern in patterns for path in sorted((ROOT / "src").glob(pattern))]
    sources += [ROOT / "ports/sim/port_sim.c", ROOT / "tests/t.c"]
    if image != "plain":
        sources += [ROOT / "ports/sim/pages_sim.c", ROOT / "tests/unit/fixture.c"]
    names = folder / f"{image}.txt"
    names.write_text("".join(f"UNIT({name})\n" for name in UNITS[image]), encoding="utf-8")
    jobs = [(f"{cpu}.{image}.{path.parent.name}.{path.stem}", path, flags) for path in sources]
    jobs += [(f"{cpu}.unit.{name}", ROOT / f"tests/unit/{name}_test.c", [*flags, f"-Dt_main=t_main_{name}"])
             for name in UNITS[image]]
    jobs += [(f"{cpu}.{image}.units", ROOT / "tests/cortex_m/units.c", [*flags, f'-DACRE_UNITS="{names}"'])]
    return jobs + port_jobs(cpu, "sim"), flags


def link(folder, cpu, board, objects, name, large):
    """An image with the 4 MiB or, if it is large, with the 16 MiB as RAM."""
    image = folder / f"{name}.{cpu}.{board}.elf"
    _, flash, ram, more_ram = BOARDS[board]
    places = []
    if more_ram is not None:
        places = [f"flash_start={flash}", "flash_bytes=0x400000", f"ram_start={more_ram if large else ram}",
                  f"ram_bytes={MORE_RAM_BYTES if large else RAM_BYTES}", "stack_bytes=0x4000"]
    subprocess.run([COMPILER, "-mthumb", f"-mcpu={cpu}", *LINK, *(f"-Wl,--defsym={place}" for place in places),
                    *objects, "-lgcc", "-o", image], check=True)
    return image


def run(image, board, verbose):
    """Whether the image ends as it should."""
    done = subprocess.run(
        ["qemu-system-arm", "-M", BOARDS[board][0], "-nographic", "-monitor", "none", "-serial", "none",
         "-semihosting-config", "enable=on,target=native", "-kernel", image],
        capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    passed = done.returncode == 0 and said.rstrip().endswith("PASS")
    if verbose or not passed:
        print(said)
    print(f"{'ok  ' if passed else 'FAIL'} {image.name}: status {done.returncode}")
    return passed


def run_units(folder, cpu, image, boards, verbose):
    jobs, flags = unit_jobs(cpu, folder, image)
    objects = compile_all(folder, jobs)
    large = image == "plain"
    passed = True
    for board in boards:
        _, _, ram, more_ram = BOARDS[board]
        arena = [f"-DBOARD_ARENA_START={ram if large else more_ram}",
                 f"-DBOARD_ARENA_BYTES={RAM_BYTES if large else MORE_RAM_BYTES}"]
        libc = compile_all(folder, [(f"libc.{board}", ROOT / "tests/cortex_m/libc.c", [*flags, *arena])])
        passed &= run(link(folder, cpu, board, objects + libc, image, large), board, verbose)
    return passed


def run_example(folder, boards, verbose):
    """The example as code for the M0, which all of them understand, on ports/cortex_m."""
    cpu = "cortex-m0"
    flags = [f"-mcpu={cpu}", "-Os", "-DACRE_RT_PARTS=10", *(f"-I{ROOT / path}" for path in ("include", "src", "ports/cortex_m"))]
    sources = [ROOT / "examples/cortex_m/samples.c", ROOT / "src/base/text.c"]
    sources += [path for name in ("pool", "region", "rt") for path in sorted((ROOT / "src/pools").glob(name + "*.c"))]
    jobs = [(f"example.{path.stem}", path, flags) for path in sources] + port_jobs(cpu, "cortex_m")
    objects = compile_all(folder, jobs)
    return all([run(link(folder, cpu, board, objects, "samples", False), board, verbose) for board in boards])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-v", action="store_true", help="print what the images say")
    parser.add_argument("--all", action="store_true", help="all code on all boards")
    options = parser.parse_args()
    verbose = options.v
    if shutil.which(COMPILER) is None or shutil.which("qemu-system-arm") is None:
        print(f"skip: {COMPILER} and qemu-system-arm are needed")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        passed = run_example(folder, BOARDS, verbose)
        boards = ("M3", "M4", "M7", "M33") if options.all else ("M4", "M33")
        for image in UNITS:
            passed &= run_units(folder, "cortex-m3", image, boards, verbose)
        for image in UNITS if options.all else ("plain",):
            passed &= run_units(folder, "cortex-m0", image, ("M3",), verbose)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
