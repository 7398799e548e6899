#!/usr/bin/env python3
"""Life under RLIMIT_AS: does a program start with 32 MiB, how much of 512 MiB can it use, and then?

A program allocates blocks of one size until malloc returns NULL (which must come with ENOMEM),
frees them all and asks again: for the same size, then for each of the others. Everything must be
there once more, whatever the size was that filled the space before.

SPDX-License-Identifier: MIT
"""
import argparse
import resource
import shutil
import sys

import measure_common as common

MIB = 1024 * 1024
SMALL_LIMIT_BYTES = 32 * MIB  # ulimit -v 32768
LARGE_LIMIT_BYTES = 512 * MIB
LEAST_SHARE = 0.85
SIZES_BYTES = (64, 1000, 20000, 300000, 5 * MIB)


def limited(limit_bytes):
    def before_exec():
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    return before_exec


def starts(command, allocator):
    """None, or why the command did not run under the small limit."""
    try:
        common.run(command, allocator, preexec_fn=limited(SMALL_LIMIT_BYTES))
        return None
    except RuntimeError as error:
        return str(error)


def shares(program, size_bytes, allocator):
    """Shares of the limit: first fill, the same again, and after that each size."""
    # Some peers write a line for each refusal; acre must not.
    result = common.fields(common.run([program, size_bytes], allocator,
                                      may_complain=not allocator.name.startswith("acre-"),
                                      preexec_fn=limited(LARGE_LIMIT_BYTES)))
    after = [result[f"other_bytes_{size}"] for size in SIZES_BYTES]
    found = (result["first_bytes"], result["again_bytes"], *after)
    return [number / LARGE_LIMIT_BYTES for number in found]


def small_commands(build_dir):
    fifty = common.pattern_program(build_dir, "fifty")
    rss = common.pattern_program(build_dir, "rss")
    found = [[shutil.which("true")], [shutil.which("ls"), "/"], [shutil.which("sed"), "--version"],
             [fifty], [rss, 5000, 8, 1000]]
    return [command for command in found if command[0]]


def judge_start(verdicts, allocator, build_dir):
    for command in small_commands(build_dir):
        what = " ".join(str(part).rsplit("/", 1)[-1] or "/" for part in command)
        reason = starts(command, allocator)
        verdicts.true(f"{allocator.name}: `{what}` under ulimit -v {SMALL_LIMIT_BYTES // 1024}",
                      reason is None, reason or "runs")


def judge_shares(verdicts, allocator, program):
    rows = []
    for size_bytes in SIZES_BYTES:
        what = f"{allocator.name}: blocks of {size_bytes}"
        try:
            found = shares(program, size_bytes, allocator)
        except RuntimeError as error:
            verdicts.true(what, False, str(error))
            continue
        rows.append([size_bytes, *(f"{share:.1%}" for share in found)])
        verdicts.at_least(f"{what}, share of {LARGE_LIMIT_BYTES // MIB} MiB", found[0], LEAST_SHARE)
        verdicts.at_least(f"{what}, least share after all frees", min(found[1:]), LEAST_SHARE)
    return rows


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has libacre.so and bench/")
    parser.add_argument("--allocator", help="acre-rseq, acre-thread, glibc or an installed peer "
                                            "(default: both of acre's)")
    parser.add_argument("--check", action="store_true", help="exit status 1 if anything failed")
    return parser.parse_args()


def chosen(args):
    library = common.acre_library(args.build_dir, required=not args.allocator)
    found = [common.Allocator("glibc"), *common.installed_peers(),
             *(common.acre_allocators(library) if library else [])]
    names = [args.allocator] if args.allocator else ["acre-rseq", "acre-thread"]
    wanted = [a for a in found if a.name in names]
    if not wanted:
        common.fail(f"no allocator '{args.allocator}'; there are {' '.join(a.name for a in found)}")
    return wanted


def main():
    args = parse_arguments()
    program = common.pattern_program(args.build_dir, "fill_limit")
    verdicts = common.Verdicts()
    for allocator in chosen(args):
        judge_start(verdicts, allocator, args.build_dir)
        rows = judge_shares(verdicts, allocator, program)
        print()
        common.print_table(rows, [f"{allocator.name}: bytes a block", "first", "again",
                                  *(f"then {size}" for size in SIZES_BYTES)])
        print()
    return verdicts.status(args.check)


if __name__ == "__main__":
    sys.exit(main())
