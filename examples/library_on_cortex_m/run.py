#!/usr/bin/env python3
"""run.py - a library that calls calloc and free, on a Cortex-M4, in a fixed block of memory: from the record to
the firmware that ships.

    run.py BUILD_DIR             BUILD_DIR has acre-partitions; status 77 without compiler or QEMU
    run.py BUILD_DIR --write     also writes the plan to json_plan.h

1. Links the firmware with record.c and runs it in QEMU: it writes down every call.
2. Plans three partitions. The plan must be the one in json_plan.h.
3. Links the firmware with fixed_block.c and runs it: every message must arrive whole, every partition must
   have been full at some time, and nothing may have failed.
4. The same with a block less in each partition in turn, and without spilling: that must fail, or the proof in
   step 3 is none.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMPILER, QEMU = "arm-none-eabi-gcc", "qemu-system-arm"
FLAGS = ["-mthumb", "-mcpu=cortex-m4", "-Os", "-std=gnu11", "-ffreestanding", "-ffunction-sections",
         "-fno-tree-loop-distribute-patterns", "-Wall", "-Wextra", "-Werror",
         *(f"-I{ROOT / path}" for path in ("include", "src", "ports/bare"))]
LINK = ["-mthumb", "-mcpu=cortex-m4", "-nostdlib", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments",
        "-Wl,--wrap=calloc", "-Wl,--wrap=free", f"-T{HERE / 'board.ld'}"]
FIRMWARE = [HERE / name for name in ("board.c", "json.c", "main.c")]
POOLS = ROOT / "src/pools"
# What is behind calloc needs of acre.
FOR_RECORDING = sorted(POOLS.glob("rt*.c"))
FOR_SHIPPING = [*sorted(POOLS.glob("partitions*.c")), *sorted(POOLS.glob("pool*.c"))]


def compile_all(folder, sources, flags=()):
    objects = []
    for source in sources:
        objects.append(folder / f"{source.stem}.o")
        subprocess.run([COMPILER, *FLAGS, *flags, "-c", source, "-o", objects[-1]], check=True)
    return objects


def link(folder, objects):
    image = folder / "firmware.elf"
    subprocess.run([COMPILER, *LINK, "-o", image, *objects, "-lgcc"], check=True)
    return image


def run(image):
    """Exit status and what it said."""
    done = subprocess.run(
        [QEMU, "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none",
         "-semihosting-config", "enable=on,target=native", "-kernel", image],
        capture_output=True, text=True, check=False, timeout=100)
    return done.returncode, done.stdout + done.stderr


def make_plan(build_dir, folder, firmware):
    recording = compile_all(folder, [HERE / "record.c", *FOR_RECORDING])
    status, said = run(link(folder, firmware + recording))
    if status != 0 or not said.endswith("# end\n"):
        sys.exit(f"the recording failed: status {status}: {said[-300:]}")
    trace = folder / "json.trace"
    trace.write_text(said)
    return subprocess.run([build_dir / "acre-partitions", "-k3", "--align=8", "--name=JSON", trace],
                          capture_output=True, text=True, check=True).stdout


def with_a_block_less(plan, index):
    """The plan with one block less in one partition."""
    rows = list(re.finditer(r"PARTITION\((\d+), (\d+)\)", plan))
    row = rows[index]
    return plan[:row.start()] + f"PARTITION({row[1]}, {int(row[2]) - 1})" + plan[row.end():]


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--write"]):
        sys.exit("type: run.py BUILD_DIR [--write]")
    if not shutil.which(COMPILER) or not shutil.which(QEMU):
        print(f"skip: {COMPILER} and {QEMU} are needed")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        firmware = compile_all(folder, FIRMWARE)
        plan = make_plan(pathlib.Path(sys.argv[1]).resolve(), folder, firmware)
        if sys.argv[2:]:
            (HERE / "json_plan.h").write_text(plan)
        if (HERE / "json_plan.h").read_text() != plan:
            sys.exit(f"json_plan.h is not the plan for what was recorded; --write writes it:\n{plan}")
        firmware += compile_all(folder, FOR_SHIPPING)
        memory = compile_all(folder, [HERE / "fixed_block.c"])
        status, said = run(link(folder, firmware + memory))
        print(said, end="")
        peaks = re.findall(r"at most (\d+) of (\d+), live 0, spilled 0, failed 0", said)
        if status != 0 or len(peaks) != 3 or any(peak != count for peak, count in peaks):
            sys.exit(f"status {status}")
        for index in range(3):
            (folder / "json_plan.h").write_text(with_a_block_less(plan, index))
            source = folder / "behind_calloc.c"
            source.write_text((HERE / "fixed_block.c").read_text().replace("ACRE_PARTITIONS_SPILL", "0"))
            memory = compile_all(folder, [source], [f"-I{HERE}"])  # its own folder's plan comes first
            status, said = run(link(folder, firmware + memory))
            if status != 3 or "no memory for a message" not in said:
                sys.exit(f"a block less in partition {index} is enough: status {status}: {said}")
    print("a block less in any of them, and a message finds no memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
