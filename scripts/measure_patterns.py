#!/usr/bin/env python3
"""Time and peak memory of the pattern programs: acre under both bindings beside its peers.

All allocators of a pattern run one after another in shuffled order, patterns are shuffled within a
round, and the first round is dropped. Ratios are taken inside a round, between runs that are
seconds apart, and the median of the rounds is shown: load on the machine moves both sides.

SPDX-License-Identifier: MIT
"""
import argparse
import dataclasses
import json
import os
import pathlib
import platform
import random
import statistics
import sys

import measure_common as common

# Time and memory of a prototype of the heap's core (it has no checks and knows one thread only), as
# ratios to glibc 2.36, measured with these very programs on a Xeon (Sapphire Rapids), 2 cores.
# Ratios move with the machine: `--with probe=FILE` measures it in the same run, and counts.
PROBE_TIME = {"pair": 0.61, "batch": 0.61, "mixed_lifo": 0.46, "random_small": 0.40,
              "random_million": 0.31}
PROBE_MEMORY = {"rss_5k": 1.11, "rss_500k": 0.99, "rss_20k": 1.09}
PROBE_SLACK = 1.05
JUDGED_GROUPS = ("single", "rows", "memory")  # what there is a promise about; the rest by --only
MEMORY_SHARE = 2 / 3
MANY_THREADS = 8


@dataclasses.dataclass(frozen=True)
class Pattern:
    name: str
    group: str
    threads: int
    command: tuple


def read_patterns(path):
    patterns = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, group, threads, *command = line.split()
            patterns.append(Pattern(name, group, int(threads), tuple(command)))
    return patterns


def chosen(patterns, only):
    if not only:
        return [p for p in patterns if p.group in JUDGED_GROUPS]
    known = {p.name for p in patterns} | {p.group for p in patterns}
    for word in only:
        if word not in known:
            common.fail(f"no pattern or group '{word}'; there are {' '.join(sorted(known))}")
    return [p for p in patterns if p.name in only or p.group in only]


def extra_allocators(args):
    found = []
    for extra in args.extra:
        name, _, file = extra.partition("=")
        if not file:
            common.fail(f"--with takes NAME=FILE, not '{extra}'")
        found.append(common.Allocator(name, common.need_file(file, "see --with")))
    return found


def acre_allocators(args):
    """Both bindings, as far as this machine has them."""
    library = common.acre_library(args.build_dir, required=False)
    if not library:
        print(f"no {args.build_dir}/libacre.so: only the peers are measured", file=sys.stderr)
        return []
    found = []
    for allocator in common.acre_allocators(library):
        try:
            common.run([common.pattern_program(args.build_dir, "fifty")], allocator)
            found.append(allocator)
        except RuntimeError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found


def chosen_allocators(args):
    found = [common.Allocator("glibc"), *common.installed_peers(), *extra_allocators(args),
             *acre_allocators(args)]
    if args.allocators:
        found = [a for a in found if a.name in args.allocators or a.name == "glibc"]
    return found


def measure_once(pattern, allocator, build_dir):
    program = common.pattern_program(build_dir, pattern.command[0])
    result = common.fields(common.run([program, *pattern.command[1:]], allocator))
    if "memory_kib" in result:  # counted page by page; the kernel's high-water mark is not
        result["peak_rss_kib"] = result["memory_kib"]
    result["cpu_ns_per_pair"] = result["cpu_ms"] * 1e6 / result["pairs"]
    return result


def takes_part(allocator, pattern):
    """The probe knows one thread only."""
    return allocator.name != "probe" or pattern.group != "rows"


def measure(patterns, allocators, args):
    """results[pattern name][allocator name] is a list with one dictionary a round."""
    results = {p.name: {a.name: [] for a in allocators if takes_part(a, p)} for p in patterns}
    generator = random.Random(args.seed)
    total = (args.rounds + 1) * sum(map(len, results.values()))
    done = 0
    for round_number in range(args.rounds + 1):
        for pattern in generator.sample(patterns, len(patterns)):
            for allocator in generator.sample(allocators, len(allocators)):
                if not takes_part(allocator, pattern):
                    continue
                result = measure_once(pattern, allocator, args.build_dir)
                if round_number > 0:
                    results[pattern.name][allocator.name].append(result)
                done += 1
                progress(f"{done}/{total} {pattern.name} {allocator.name}")
    progress("")
    return results


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def ratios(results, pattern, allocator, base, key):
    """One ratio a round, between two runs of the same round."""
    pairs = zip(results[pattern][allocator], results[pattern][base])
    return [mine[key] / theirs[key] for mine, theirs in pairs]


def spread(values):
    low, mid, high = common.quartiles(values)
    return f"{mid:.2f} ±{(high - low) / 2 / mid * 100:2.0f}%"


def cell(results, pattern, name, show):
    return show(pattern.name, name) if name in results[pattern.name] else "-"


def print_ratios(title, results, patterns, allocators, base, key):
    def show(pattern, name):
        return spread(ratios(results, pattern, name, base, key))

    print(f"\n{title} as ratios to {base} (median of the rounds, ± half the quartiles' distance)")
    names = [a.name for a in allocators if a.name != base]
    rows = [[p.name] + [cell(results, p, n, show) for n in names] for p in patterns]
    rows.append(["geometric mean",
                 *(geometric_mean(results, patterns, n, base, key) for n in names)])
    common.print_table(rows, ["", *names])


def geometric_mean(results, patterns, name, base, key):
    medians = [statistics.median(ratios(results, p.name, name, base, key))
               for p in patterns if name in results[p.name]]
    return f"{statistics.geometric_mean(medians):.2f}     " if medians else "-"


def print_absolute(results, patterns, allocators, key, title, scale):
    def show(pattern, name):
        return f"{statistics.median(r[key] for r in results[pattern][name]) * scale:.1f}"

    print(f"\n{title} (median of the rounds)")
    rows = [[p.name] + [cell(results, p, a.name, show) for a in allocators] for p in patterns]
    common.print_table(rows, ["", *(a.name for a in allocators)])


def print_tables(results, patterns, allocators):
    """Time says nothing of the memory patterns: they are short, and read their own memory."""
    timed = [p for p in patterns if p.group not in ("memory", "idle")]
    names = {a.name for a in allocators}
    for title, key, rows, unit, scale in (
            ("time", "ns_per_pair", timed, "nanoseconds for a pair", 1),
            ("CPU time", "cpu_ns_per_pair", timed, "", 1),
            ("peak memory", "peak_rss_kib", patterns, "peak memory in MiB", 1 / 1024)):
        if rows and unit:
            print_absolute(results, rows, allocators, key, unit, scale)
        for base in ("glibc", "mimalloc"):
            if rows and base in names and (unit or base == "glibc"):
                print_ratios(title, results, rows, allocators, base, key)


def check_rows(verdicts, results, patterns, name, clock, tolerance):
    """The project's promise for programs with threads, and the two small ones of the same table."""
    for pattern in (p for p in patterns if p.group == "rows"):
        mid = statistics.median(ratios(results, pattern.name, name, "mimalloc", clock))
        verdicts.at_most(f"{name} {pattern.name} time against mimalloc", mid, 1 + tolerance)
        if pattern.threads >= MANY_THREADS:
            peaks = ratios(results, pattern.name, name, "mimalloc", "peak_rss_kib")
            verdicts.at_most(f"{name} {pattern.name} memory against mimalloc",
                             statistics.median(peaks), MEMORY_SHARE)


def check_probe(verdicts, results, patterns, name, clock, tolerance):
    """Single-thread patterns: within 5 % of the probe, in time or (memory group) in peak."""
    for pattern in (p for p in patterns if p.group != "rows"):
        key, recorded, allowed = ((clock, PROBE_TIME, tolerance) if pattern.group == "single"
                                  else ("peak_rss_kib", PROBE_MEMORY, 0))
        if "probe" in results[pattern.name]:
            mid = statistics.median(ratios(results, pattern.name, name, "probe", key))
            limit = PROBE_SLACK + allowed
        elif pattern.name in recorded:
            mid = statistics.median(ratios(results, pattern.name, name, "glibc", key))
            limit = recorded[pattern.name] * (PROBE_SLACK + allowed)
        else:
            continue
        base = "probe" if "probe" in results[pattern.name] else "glibc, as the probe"
        verdicts.at_most(f"{name} {pattern.name} {'memory' if key == 'peak_rss_kib' else 'time'} "
                         f"against {base}", mid, limit)


def judge(results, patterns, allocators, args):
    names = [a.name for a in allocators]
    judged = args.judge
    print(f"\nwhat {judged} promises")
    verdicts = common.Verdicts()
    if judged not in names:
        verdicts.true(f"{judged} was measured", False, "no")
        return verdicts.status(args.check)
    clock = "cpu_ns_per_pair" if args.clock == "cpu" else "ns_per_pair"
    if "mimalloc" in names:
        check_rows(verdicts, results, patterns, judged, clock, args.tolerance)
    else:
        verdicts.true("mimalloc is installed (Debian package libmimalloc2.0)", False, "no")
    check_probe(verdicts, results, patterns, judged, clock, args.tolerance)
    return verdicts.status(args.check)


def write_json(path, results, allocators, args):
    document = {
        "machine": platform.machine(), "kernel": platform.release(), "cpus": os.cpu_count(),
        "rounds": args.rounds, "seed": args.seed, "results": results,
        "allocators": {a.name: str(a.library.resolve()) if a.library else "" for a in allocators},
    }
    text = json.dumps(document, indent=1)
    if path == "-":
        print(text)
    else:
        pathlib.Path(path).write_text(text + "\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build_dir", help="has libacre.so and bench/ with the pattern programs")
    parser.add_argument("--only", action="append", default=[],
                        help="a pattern or a group; repeatable")
    parser.add_argument("--allocators", nargs="+", help="measure only these, and glibc")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    parser.add_argument("--with", dest="extra", action="append", default=[], metavar="NAME=FILE",
                        help="one more library to preload; repeatable; acre is held to 'probe'")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="what time means in the check (default wall; cpu on a loaded machine)")
    parser.add_argument("--tolerance", type=float, default=0.02,
                        help="part of a time ratio that counts as noise (default 0.02)")
    parser.add_argument("--judge", metavar="NAME", default="acre-rseq",
                        help="allocator that is checked (default acre-rseq)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the runs")
    parser.add_argument("--json", metavar="FILE", help="every result; - is standard output")
    parser.add_argument("--check", action="store_true", help="exit status 1 if anything failed")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds takes at least 1")
    return args


def main():
    args = parse_arguments()
    patterns = chosen(read_patterns(common.ROOT / "bench" / "patterns.txt"), args.only)
    allocators = chosen_allocators(args)
    try:
        results = measure(patterns, allocators, args)
    except RuntimeError as error:
        progress("")
        common.fail(str(error))
    print_tables(results, patterns, allocators)
    if args.json:
        write_json(args.json, results, allocators, args)
    return judge(results, patterns, allocators, args)


if __name__ == "__main__":
    sys.exit(main())
