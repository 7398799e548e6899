#!/usr/bin/env python3
"""partitions.py - acre-partitions: plans are the best there are, enough, and compile; traces are understood.

SPDX-License-Identifier: MIT
"""
import itertools
import pathlib
import random
import re
import subprocess
import sys

import cli

TOP = pathlib.Path(__file__).resolve().parents[2]
SIZES = """#include <stdio.h>
#include "acre/partitions.h"
int main(void) { printf("%zu %zu\\n", ACRE_PARTITIONS_SET_BYTES, ACRE_PARTITIONS_EACH_BYTES); return 0; }
"""
USER = """#include <stdio.h>
#include "plan.h"
ACRE_PARTITIONS_DEFINE(modem, MODEM_PLAN)
int main(void)
{ if (modem_init(0) != ACRE_OK) return 1; printf("%zu\\n", sizeof(modem_memory)); return 0; }
"""


def plan(bench, trace, *options):
    return subprocess.run([bench.build / "acre-partitions", *options, "-"], input=trace, text=True,
                          capture_output=True, check=False, timeout=cli.TIMEOUT_S)


def table(bench, trace, *options):
    """Bytes by number of partitions."""
    done = plan(bench, trace, "--table", *options)
    cli.equal((done.returncode, done.stderr), (0, ""), "status and complaint")
    return {int(k): int(needed) for k, needed, _ in map(str.split, done.stdout.splitlines())}


def rows(header):
    """Sizes and counts of a printed plan."""
    return [tuple(map(int, found)) for found in re.findall(r"PARTITION\((\d+), (\d+)\)", header)]


def described_bytes(bench):
    program = bench.compile("sizes", SIZES, f"-I{TOP / 'include'}")
    return tuple(map(int, subprocess.run([program], text=True, capture_output=True,
                                         check=True).stdout.split()))


def rounded(number, align):
    return -(-number // align) * align


def least_bytes(changes, partitions, align, described):
    """The least memory, by trying every way to divide the sizes and counting each anew."""
    set_bytes, each_bytes = described
    sizes = sorted({rounded(after, align) for _, after in changes if after})
    best = None
    for count in range(1, min(partitions, len(sizes)) + 1):
        for ends in itertools.combinations(sizes[:-1], count - 1):
            bounds = [0, *ends, sizes[-1]]
            beside, blocks = set_bytes + count * each_bytes, 0
            for low, high in zip(bounds, bounds[1:]):
                live = most = 0
                for before, after in changes:
                    live -= before > 0 and low < rounded(before, align) <= high
                    live += after > 0 and low < rounded(after, align) <= high
                    most = max(most, live)
                beside += -(-most // 32) * 4
                blocks += most * high
            total = rounded(beside, align) + blocks
            best = total if best is None else min(best, total)
    return best


def random_run(numbers, sizes):
    """A trace, and the size of a block before and after each operation."""
    lines, changes, live, last = [], [], {}, 0
    for _ in range(300):
        kind = numbers.choice("aafr")
        size = numbers.choice(sizes)
        if kind == "a" or not live:
            last += 1
            lines.append(f"a {last} {size}")
            changes.append((0, size))
            live[last] = size
            continue
        block = numbers.choice(list(live))
        changes.append((live[block], 0 if kind == "f" else size))
        if kind == "f":
            lines.append(f"f {block}")
            del live[block]
        else:
            lines.append(f"r {block} {size}")
            live[block] = size
    return "\n".join(lines) + "\n", changes


def case_no_division_of_the_sizes_needs_less(bench):
    described = described_bytes(bench)
    for seed in range(12):
        numbers = random.Random(seed)
        sizes = [numbers.randint(1, numbers.choice((60, 900))) for _ in range(7)]
        trace, changes = random_run(numbers, sizes)
        for align in (8, 16):
            found = table(bench, trace, f"--align={align}")
            cli.equal(sorted(found), list(range(1, 17)), "numbers of partitions")
            for k in (1, 2, 3, 5, 16):
                cli.equal(found[k], least_bytes(changes, k, align, described), f"seed {seed}, k {k}")


def case_a_block_that_is_resized_within_a_range_is_one_block(bench):
    trace = "a 1 10\n" + "r 1 16\nr 1 9\n" * 50
    cli.equal(rows(plan(bench, trace).stdout), [(16, 1)], "plan")
    # In two partitions it is never in both.
    trace = "a 1 10\n" + "r 1 5000\nr 1 9\n" * 50
    cli.equal(rows(plan(bench, trace).stdout), [(5008, 1)], "plan")
    trace = "".join(f"a {i} 10\n" for i in range(90)) + trace.replace("1 ", "777 ")
    cli.equal(rows(plan(bench, trace).stdout), [(16, 91), (5008, 1)], "plan")


def case_several_traces_are_all_served(bench):
    first = bench.write("first", "".join(f"a {i} 10\n" for i in range(40)))
    second = bench.write("second", "".join(f"a {i} 3000\n" for i in range(30)))
    done = subprocess.run([bench.build / "acre-partitions", first, second], text=True,
                          capture_output=True, check=True)
    cli.equal(rows(done.stdout), [(16, 40), (3008, 30)], "plan")
    done = plan(bench, "".join(f"a {i} 10\n" for i in range(40)), "--margin=12")
    cli.equal(rows(done.stdout), [(16, 45)], "plan with a margin")


def case_the_header_compiles_and_takes_the_bytes_it_names(bench):
    trace, _ = random_run(random.Random(7), [12, 40, 300, 700])
    done = plan(bench, trace, "-k", "3", "--name", "MODEM")
    bench.write("plan.h", done.stdout)
    promised = int(re.search(r"^//  \* +\d+ +(\d+) ", done.stdout, re.M).group(1))
    program = bench.compile("user", USER, f"-I{TOP / 'include'}", f"-I{bench.dir}", "-Wall", "-Wextra",
                            "-Werror", "-xnone", str(bench.build / "libacre_pools.a"))
    done = subprocess.run([program], text=True, capture_output=True, check=True)
    cli.equal(int(done.stdout), promised, "bytes")


def case_what_is_larger_is_left_out_and_said(bench):
    trace = "a 1 100\na 2 801\nr 1 900\nr 1 80\nf 2\na 2 20\n"
    done = plan(bench, trace, "--most=800", "-k1")
    cli.equal(rows(done.stdout), [(112, 2)], "plan")
    cli.true("2 requests of up to 900 bytes left out" in done.stdout, done.stdout)


def case_ids_may_be_addresses(bench):
    trace = "# from a board\na 0x20000100 24\nf 0x20000100\na 0x20000100 24 # again\nr 0x20000100 60 0x20000200\n" \
            "a 0x20000100 8\nf 0x20000200\n\nf 0x20000100\r\n"
    done = plan(bench, trace)
    cli.equal((done.returncode, done.stderr), (0, ""), "status and complaint")
    cli.equal(rows(done.stdout), [(64, 2)], "plan")
    cli.equal(rows(plan(bench, "a 010 1\nf 10\na 08 1\nf 8\n").stdout), [(16, 1)], "no octal numbers")
    # A missing free, and a free of what came before the recording.
    done = plan(bench, "f 9\na 1 5\na 1 5\n")
    cli.equal((done.returncode, rows(done.stdout)), (0, [(16, 1)]), "plan")
    cli.true("2 blocks whose other end" in done.stderr, done.stderr)


def case_wrong_traces_are_refused_with_their_line(bench):
    for line in ("x 1 2", "a 1", "a", "a one 2", "a 1 -2", "f", "f 1 2", "a 1 2 3", "r 1", "r 1 2 x",
                 "a 1 99999999999999999999999", "a 1 0xffffffffffffffff", "a1 2", "a 1 2x", "free(1)"):
        done = plan(bench, f"a 7 8\n{line}\n")
        cli.equal((done.returncode, done.stdout), (2, ""), line)
        cli.true(done.stderr.startswith("acre-partitions: -:2: "), done.stderr)
    for trace in ("", "f 1\n", "# nothing\n"):
        cli.equal(plan(bench, trace).returncode, 2, trace)
    done = plan(bench, "a 1 0x7fffffffffffff00\na 2 0x7fffffffffffff00\n")
    cli.equal((done.returncode, done.stdout), (2, ""), "more than any machine has")
    done = subprocess.run([bench.build / "acre-partitions", bench.dir / "absent"], capture_output=True,
                          check=False)
    cli.equal(done.returncode, 2, "no such file")


def case_wrong_arguments_are_refused(bench):
    for option in ("-k0", "-k17", "-kx", "--align=12", "--align=2", "--align=4", "--align=32", "--most=0", "--margin=-1", "--name=1x",
                   "--name=a-b", "--unknown"):
        done = plan(bench, "a 1 2\n", option)
        cli.equal((done.returncode, done.stdout), (2, ""), option)
        cli.true(done.stderr != "", option)
    done = subprocess.run([bench.build / "acre-partitions"], capture_output=True, check=False)
    cli.equal(done.returncode, 2, "no trace")


def case_help_and_manual_have_the_same_options(bench):
    shown = subprocess.run([bench.build / "acre-partitions", "--help"], text=True, capture_output=True,
                           check=True).stdout
    page = (TOP / "docs/man/acre-partitions.1").read_text(encoding="utf-8").replace("\\-", "-")
    told = {f"-{name}" for name in re.findall(r"^\.It Fl .*?(-[a-z]+)(?: |$)", page, re.M)}
    cli.equal(set(re.findall(r"--[a-z]+", shown)), told, "options")


def case_a_recorded_program_can_be_planned(bench):
    source = "#include <stdlib.h>\nint main(void) { void *volatile p[40]; for (int i = 0; i < 40; i++)" \
             " p[i] = calloc(1, 111); for (int i = 0; i < 40; i++) free(p[i]);" \
             " p[0] = malloc(7); p[0] = realloc(p[0], 500); return p[0] == 0; }"
    program = bench.compile("program", source, "-O0")
    trace = bench.dir / "program.trace"
    done = subprocess.run([sys.executable, TOP / "scripts/record_trace.py", "-o", trace, program],
                          capture_output=True, check=False)
    cli.equal(done.returncode, 0, done.stderr)
    done = plan(bench, trace.read_text(), "-k2")
    cli.equal(rows(done.stdout), [(112, 40), (512, 1)], "plan")


cli.main(sys.modules[__name__])
