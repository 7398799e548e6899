#!/usr/bin/env python3
"""record_trace.py - runs a program and writes down what it asks of malloc, for acre-partitions.

    record_trace.py -o FILE PROGRAM [ARGUMENT...]     FILE gets one operation a line; see acre-partitions(1)
    record_trace.py -o FILE --raw RECORDED            turns what bench/traces/record.c wrote into text

The program runs with bench/traces/record.c preloaded, compiled with $CC (default: cc), and its own standard
input and output. Its status becomes the script's. Only dynamically linked programs can be recorded,
and only up to the first fork.

SPDX-License-Identifier: MIT
"""
import argparse
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALLOC, FREE, REALLOC = 1, 2, 3


def operations(recorded):
    """Lines of text for a recorded file. Blocks are numbered from 1 in the order of their birth."""
    data = recorded.read_bytes()
    (count,) = struct.unpack_from("<Q", data)
    count = min(count, (len(data) - 8) // 24)
    live, last = {}, 0
    for kind_size, block, old in struct.iter_unpack("<QQQ", data[8:8 + 24 * count]):
        kind, size = kind_size >> 56, kind_size & ((1 << 56) - 1)
        if kind == FREE or (kind == REALLOC and size == 0):
            number = live.pop(block if kind == FREE else old, None)
            if number is not None:  # else it is older than the recording
                yield f"f {number}\n"
            continue
        if block == 0:
            continue
        number = live.pop(old, None) if kind == REALLOC else None
        if number is not None:
            yield f"r {number} {size}\n"
        else:
            last += 1
            number = last
            yield f"a {number} {size}\n"
        live[block] = number


def build_recorder(folder):
    recorder = pathlib.Path(folder) / "record.so"
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-fPIC", "-shared", ROOT / "bench/traces/record.c",
                    "-o", recorder], check=True)
    return recorder


def run_recorded(recorder, recorded, command, **options):
    """Runs a program that writes what it asks of malloc to the file `recorded`."""
    environment = {**os.environ, "LD_PRELOAD": str(recorder), "REC_FILE": str(recorded)}
    return subprocess.run([str(word) for word in command], env=environment, check=False, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path)
    parser.add_argument("--raw", type=pathlib.Path, help="a file that record.c wrote")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if (options.raw is None) == (not options.command):
        parser.error("a program, or --raw FILE")
    with tempfile.TemporaryDirectory() as folder:
        recorded, status = options.raw, 0
        if recorded is None:
            recorded = pathlib.Path(folder) / "recorded"
            try:
                status = run_recorded(build_recorder(folder), recorded, options.command).returncode
            except OSError as error:
                sys.exit(f"record_trace.py: {options.command[0]}: {error.strerror}")
            if not recorded.exists():
                sys.exit(f"record_trace.py: {options.command[0]} called no malloc that can be replaced")
        try:
            with options.output.open("w", encoding="ascii") as output:
                output.writelines(operations(recorded))
        except OSError as error:
            sys.exit(f"record_trace.py: {options.output}: {error.strerror}")
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
