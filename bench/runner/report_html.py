"""One HTML page with charts and tables: it needs no other file, no network and no script.

SPDX-License-Identifier: MIT
"""
import html
import pathlib

import charts
import report_text as text_form
import results as res

STYLE = pathlib.Path(__file__).resolve().parent / "style.css"

GROUPS = (
    ("single", "One thread, one or many sizes"),
    ("rows", "Small programs, one to sixteen threads"),
    ("whole", "Containers, growth, phases, hand-over, threads and processes"),
    ("memory", "Memory under churn"),
    ("idle", "After the peak, when nothing calls malloc any more"),
    ("jobs", "Real programs"),
)


def tag(name, words, **more):
    more = "".join(f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in more.items())
    return f"<{name}{more}>{words}</{name}>"


def section(title, words, *parts):
    said = tag("p", words) if words else ""
    return tag("section", tag("h2", html.escape(title)) + said + "".join(parts))


def legend(results):
    return tag("p", "".join(
        tag("span", f'<i class="{charts.colour(results.names, name)}"></i>{html.escape(name)}')
        for name in results.names), class_="legend")


def scatters(results):
    figures = []
    for part, tests in results.groups():
        points = []
        for name in results.names:
            time, memory = (results.mean(name, kind, tests)
                            for kind in (results.clock, "memory_kib"))
            if time and memory:
                points.append((name, memory[0], time[0]))
        if points:
            figures.append(tag("figure", charts.scatter(points, results.names, part) +
                               tag("figcaption", html.escape(part))))
    if not figures:
        return ""
    what = "CPU time" if results.clock == "cpu" else "time"
    return section("Time against memory", f"Geometric means of {what} and of peak memory relative "
                   "to the system's malloc: nearer to the lower left corner is better.",
                   tag("div", "".join(figures), class_="figures"))


def card(results, test):
    columns = []
    if "time" in test.compares:
        columns.append(("time", [(n, results.ratio(test, n, "wall")) for n in results.names]))
        columns.append(("CPU time", [(n, results.ratio(test, n, "cpu")) for n in results.names]))
    heading = "memory after the wait" if test.is_idle else "peak memory"
    columns.append((heading, [(n, results.ratio(test, n, "memory_kib")) for n in results.names]))
    base = [results.of(test, "system", kind) for kind in ("wall", "memory_kib")]
    caption = test.name
    if all(base):
        time = f"{text_form.seconds(base[0]['median'])}, " if "time" in test.compares else ""
        caption += f": {time}{text_form.kib(base[1]['median'])} on system"
    return tag("figure", charts.bars(columns, results.names, test.name) +
               tag("figcaption", html.escape(caption)))


def bar_sections(results):
    parts = []
    for group, title in GROUPS:
        tests = [t for t in results.tests if t.group == group]
        if tests:
            parts.append(tag("h3", html.escape(title)))
            parts.append(tag("div", "".join(card(results, t) for t in tests), class_="figures"))
    return section("Test by test", "Ratios to the system's malloc, which is the line at 1: shorter "
                   "is better.", legend(results), *parts)


def curves(results):
    parts = []
    for test in results.tests:
        found = {n: results.rss_over_time(test, n) for n in results.names}
        found = {n: points for n, points in found.items() if len(points) > 1}
        if test.is_idle and found:
            parts.append(tag("figure", charts.over_time(found, results.names, test.name) +
                             tag("figcaption", html.escape(test.name))))
    if not parts:
        return ""
    return section("Memory over time", "Resident memory of the idle tests: it rises to the peak, "
                   "most is freed, then the program waits.",
                   tag("div", "".join(parts), class_="figures"))


def table(heading, rows):
    head = tag("tr", "".join(tag("th", html.escape(cell)) for cell in heading))
    body = "".join(tag("tr", tag("th", html.escape(row[0])) + "".join(
        tag("td", html.escape(cell)) for cell in row[1:])) for row in rows)
    return tag("div", tag("table", tag("thead", head) + tag("tbody", body)), class_="scroll")


def number_tables(results):
    parts = []
    for kind, show in (("wall", text_form.seconds), ("cpu", text_form.seconds),
                       ("memory_kib", text_form.kib), ("faults", lambda v: f"{v:.0f}")):
        rows = []
        for test in results.compared(kind):
            row = [test.name]
            for name in results.names:
                found = results.of(test, name, kind)
                row.append(f"{show(found['median'])} {text_form.spread(found)}"
                           if found else "failed")
            rows.append(row)
        if not rows:
            continue
        means = [[row[0], *(f"{cell}".strip() for cell in row[1:])]
                 for row in text_form.mean_rows(results, kind)]
        title = text_form.TITLES.get(kind, "page faults")
        parts += [tag("h3", html.escape(title)), table(["", *results.names], rows + means)]
    return section("Numbers", "Medians of the rounds; ± is half the distance of the extremes. The "
                   "means are ratios to the system's malloc.", *parts)


def limits(results):
    rows = []
    for test in results.tests:
        if results.live_bytes(test):
            found = [results.limits(test, name) for name in results.names]
            rows.append([test.name, text_form.kib(results.live_bytes(test) / 1024),
                         *(f"{f[0]:.2f} / {f[1]:.2f}" if f else "-" for f in found)])
    if not rows:
        return ""
    return section("Physical limits", "Peak memory for each byte that was live at the peak / page "
                   "faults for each 4 KiB of it. Nothing can do with less than 1.00 of the first; "
                   "of the second only who uses huge pages.",
                   table(["", "live", *results.names], rows))


def behind(results):
    rows = []
    for name in results.acre:
        for kind, limit, word in ((results.clock, res.TIME_BEHIND, "time"),
                                  ("memory_kib", res.MEMORY_BEHIND, "memory")):
            for test, peer, ratio in results.behind(name, kind, limit):
                rows.append([test.name, name, word, f"{ratio - 1:+.0%}", peer,
                             text_form.spread(results.of(test, name, kind))])
    words = ("More than 5 % behind the best peer of the test in time, or 10 % in memory." if rows
             else "Nowhere by more than 5 % in time or 10 % in memory.")
    return section("Where acre is behind", words, table(
        ["test", "allocator", "in", "by", "behind", "noise"], rows) if rows else "")


def remarks(record, results):
    lines = [f"skipped: {each['name']}: {each['reason']}" for each in record.content["skipped"]]
    lines += [f"failed: {test} on {name}: {reason}" for test, name, reason in results.failures]
    if record.left():
        lines.append(f"unfinished: {len(record.left())} runs were not done")
    if not lines:
        return ""
    return section("Left out", "", tag("ul", "".join(tag("li", html.escape(x)) for x in lines)))


def page(record, results):
    machine, plan = record.content["machine"], record.plan
    told = (f"acre {record.content['acre']}; {record.content['started']}; {machine['processor']}, "
            f"{machine['cpus']} CPUs; {machine['system']}; {machine['libc']}; huge pages: "
            f"{machine['huge_pages']}; {plan['rounds']} rounds after a warm-up, interleaved in "
            f"shuffled order{'; a tenth of the work' if plan['quick'] else ''}.")
    body = (tag("h1", "acre bench") + tag("p", html.escape(told)) + scatters(results) +
            behind(results) + remarks(record, results) + bar_sections(results) + curves(results) +
            limits(results) + number_tables(results))
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>acre bench</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n"
            f"</head>\n<body>\n{body}\n</body>\n</html>\n")
