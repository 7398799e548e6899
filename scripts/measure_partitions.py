#!/usr/bin/env python3
"""measure_partitions.py - memory that partition sets need for real programs, over their peak of live bytes.

    measure_partitions.py build             for 3, 6 and 16 partitions, planned by build/acre-partitions
    measure_partitions.py build --check     the same; exit status 1 if six need more than 1.4 of the peak

Records the programs of measure_rt_memory.py, plans partitions for what they asked for, and has every plan
tried: all operations are repeated on a set in exactly the memory that is printed. Once for all sizes, in
multiples of 16 as malloc's blocks are, and once for requests of up to 800 bytes in multiples of 8, as on a
microcontroller. A program that is not here is named and left out.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import measure_common as common
import measure_rt_memory as programs
import record_trace

LIMIT = 1.4
PARTITIONS = (3, 6, 16)
# what is planned: options, whether the limit holds
KINDS = {
    "all sizes": (["--align=16"], True),
    "up to 800 bytes": (["--align=8", "--most=800"], False),
}


def plan(planner, trace, options):
    """Peak of live bytes, and for each number of partitions bytes and ratio."""
    table = subprocess.run([planner, "--table", *options, trace], text=True, capture_output=True,
                           check=False)
    header = subprocess.run([planner, *options, trace], text=True, capture_output=True, check=False)
    if table.returncode != 0 or header.returncode != 0:
        raise RuntimeError(f"{trace}: {table.stderr}{header.stderr}")
    peak = int(re.search(r"peak (\d+) bytes", header.stdout).group(1))
    rows = [line.split() for line in table.stdout.splitlines()]
    return peak, {int(k): (int(needed), float(ratio)) for k, needed, ratio in rows}


def record(folder, name, command, given):
    """The trace of a program that was run, as text; None if the program is not here."""
    if shutil.which(command[0]) is None:
        return None
    recorded = folder / f"{name}.recorded"
    done = record_trace.run_recorded(folder / "record.so", recorded, command, input=given, text=True,
                                     capture_output=True)
    if done.returncode != 0 or not recorded.exists():
        raise RuntimeError(f"{name}: status {done.returncode}: {done.stderr}")
    trace = folder / f"{name}.txt"
    with trace.open("w", encoding="ascii") as out:
        out.writelines(record_trace.operations(recorded))
    recorded.unlink()
    return trace


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has acre-partitions")
    parser.add_argument("--check", action="store_true", help="exit status 1 if too much is needed")
    args = parser.parse_args()
    planner = common.need_file(pathlib.Path(args.build_dir) / "acre-partitions", "type: make")
    verdicts, rows = common.Verdicts(), []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        record_trace.build_recorder(folder)
        for program, (command, given) in programs.programs(folder).items():
            trace = record(folder, program, command, given)
            if trace is None:
                print(f"skip {program}: not here")
                continue
            for kind, (options, limited) in KINDS.items():
                peak, planned = plan(planner, trace, options)
                rows.append([program, kind, f"{peak}", *(f"{planned[k][1]:.3f}" for k in PARTITIONS)])
                if limited:
                    verdicts.at_most(f"{program}: six partitions over the peak", planned[6][1], LIMIT)
    common.print_table(rows, ["program", "requests", "peak bytes", *(f"k = {k}" for k in PARTITIONS)])
    return verdicts.status(args.check)


if __name__ == "__main__":
    sys.exit(main())
