"""The tables for a terminal.

SPDX-License-Identifier: MIT
"""
import results as res

SYSTEM = "system"


def table(heading, rows, out):
    """The first column to the left, the others to the right, two spaces between."""
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(len(heading))]
    for row in [heading, *rows]:
        cells = [cell.ljust(w) if i == 0 else cell.rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip(), file=out)


def seconds(value):
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.3f} s"


def kib(value):
    return f"{value / 1024:.1f} MiB"


def spread(numbers):
    if len(numbers["values"]) == 1:
        return ""
    return f"±{numbers['spread_percent'] / 2:.0f}%"


def ratio_rows(results, kind, show):
    """For each test: what the system's malloc took, and the ratio of each other."""
    rows = []
    for test in results.compared(kind):
        row = [test.name]
        base = results.of(test, SYSTEM, kind)
        row += [f"{show(base['median'])} {spread(base)}" if base else "failed"]
        for name in results.names:
            if name == SYSTEM:
                continue
            ratio, numbers = results.ratio(test, name, kind), results.of(test, name, kind)
            shown = "-" if base is None and numbers is not None else "failed"
            row.append(f"{ratio:.2f} {spread(numbers):>4}" if ratio and numbers else shown)
        rows.append(row)
    return rows


def mean_rows(results, kind):
    rows = []
    for part, tests in results.groups():
        row = [f"mean, {part}", ""]
        for name in results.names:
            if name != SYSTEM:
                mean = results.mean(name, kind, tests)
                row.append(f"{mean[0]:.2f}     " if mean else "-")
        rows.append(row)
    return rows


TITLES = {
    "wall": "time", "cpu": "CPU time, all threads and children",
    "memory_kib": "peak memory; of the idle tests, memory after the wait",
}


def print_ratios(results, kind, show, out):
    rows = ratio_rows(results, kind, show)
    if not rows:
        return
    print(f"\n{TITLES[kind]}: ratios to {SYSTEM}", file=out)
    table(["", SYSTEM, *(n for n in results.names if n != SYSTEM)],
          rows + mean_rows(results, kind), out)


def print_behind(results, out):
    for name in results.acre:
        lines = []
        for kind, limit, word in ((results.clock, res.TIME_BEHIND, "time"),
                                  ("memory_kib", res.MEMORY_BEHIND, "memory")):
            for test, peer, ratio in results.behind(name, kind, limit):
                more = spread(results.of(test, name, kind))
                if word == "time":
                    other = "cpu" if kind == "wall" else "wall"
                    same = results.ratio(test, name, other, peer)
                    more += f"; {other} {same - 1:+.0%}" if same else ""
                more = more.removeprefix("; ")
                lines.append([test.name, word, f"{ratio - 1:+.0%}", f"behind {peer}", more])
        print(f"\n{name}: more than 5 % behind the best peer in time, or 10 % in memory: "
              f"{len(lines) or 'nowhere'}", file=out)
        if lines:
            table(["test", "in", "by", "", "noise"], lines, out)


def print_limits(results, out):
    """How near the physical limits: a byte for a live byte, a fault for a live page."""
    tests = [t for t in results.tests if results.live_bytes(t)]
    if not tests:
        return
    print("\nphysical limits: peak memory for each byte live at the peak / page faults for each "
          "4 KiB of it", file=out)
    rows = []
    for test in tests:
        row = [test.name, kib(results.live_bytes(test) / 1024)]
        for name in results.names:
            found = results.limits(test, name)
            row.append(f"{found[0]:.2f} / {found[1]:.2f}" if found else "-")
        rows.append(row)
    table(["", "live", *results.names], rows, out)


def print_skipped(skipped, failures, out):
    for each in skipped:
        print(f"skipped: {each['name']}: {each['reason']}", file=out)
    for test, name, reason in failures:
        print(f"FAILED: {test} on {name}: {reason}", file=out)


def print_all(record, results, out):
    plan, machine = record.plan, record.content["machine"]
    done = "" if not record.left() else f", {len(record.left())} runs left"
    print(f"acre {record.content['acre']}, {record.content['started']}, {machine['processor']}, "
          f"{machine['cpus']} CPUs, {machine['system']}, {machine['libc']}, huge pages "
          f"{machine['huge_pages']}", file=out)
    print(f"{plan['rounds']} round{'s' * (plan['rounds'] != 1)} after a warm-up, in shuffled "
          f"order; medians; ± is half the distance of the extremes"
          f"{'; a tenth of the work' if plan['quick'] else ''}{done}", file=out)
    print_ratios(results, "wall", seconds, out)
    print_ratios(results, "cpu", seconds, out)
    print_ratios(results, "memory_kib", kib, out)
    print_limits(results, out)
    print_behind(results, out)
    if record.content["skipped"] or results.failures:
        print(file=out)
    print_skipped(record.content["skipped"], results.failures, out)
