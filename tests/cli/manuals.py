#!/usr/bin/env python3
"""manuals.py - the manual pages are well formed and name what the command and the library have.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import shutil
import subprocess
import sys

import cli

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = TOP / "docs" / "man"


def words(page):
    """The text of a page, without its markup."""
    text = (PAGES / page).read_text(encoding="utf-8")
    return text.replace("\\-", "-")


def options(text):
    """Names of the long options in a help text."""
    return set(re.findall(r"--[a-z][a-z-]+", text))


def case_mandoc_has_nothing_to_say(_):
    if shutil.which("mandoc") is None:
        raise cli.Skip("no mandoc")
    for page in ("acre.1", "acre-run.1", "acre-bench.1", "acre-partitions.1", "acre_options.5",
                 "acre-pools.3"):
        done = subprocess.run(["mandoc", "-Tlint", "-Wstyle", page], cwd=PAGES, text=True,
                              capture_output=True, check=False)
        # What manual pages this machine has installed is not the page's business.
        found = [line for line in (done.stdout + done.stderr).split("\n")
                 if line and "mandoc.db" not in line and "referenced manual not found" not in line]
        cli.equal(found, [], page)


def case_help_and_manual_have_the_same_options(bench):
    for command, page in ((("help", "run"), "acre-run.1"), (("help", "bench"), "acre-bench.1"),
                          (("--help",), "acre.1")):
        shown = options(bench.run(*command).stdout.decode())
        told = {f"-{name}" for name in re.findall(r"Fl (-[a-z][a-z-]+)", words(page))}
        if page == "acre.1":
            # The short help shows options of run in its examples.
            told |= options(words(page)) | {"--help", "--quick"}
        cli.equal(sorted(shown - told), [], f"options that are not in {page}")
    for command in ("run", "bench"):
        shown = options(bench.run("help", command).stdout.decode())
        told = {f"-{name}" for name in re.findall(r"^\.It Fl (-[a-z][a-z-]+)",
                                                  words(f"acre-{command}.1"), re.M)}
        cli.equal(sorted(told - shown), [], f"options that are in acre-{command}.1 only")


def case_manual_of_pools_has_each_header_and_no_other(_):
    # Which header belongs to which library is told by the names that the library exports.
    exported = (TOP / "scripts" / "symbols_pools.txt").read_text(encoding="utf-8")
    headers = {path.name for path in (TOP / "include" / "acre").glob("*.h")
               if any(f"{name}(" in path.read_text(encoding="utf-8")
                      for name in re.findall(r"^acre_\w+$", exported, re.M))}
    text = words("acre-pools.3")
    named = set(re.findall(r"^\.It In acre/(\w+\.h)", text, re.M))
    cli.equal(sorted(named), sorted(headers), "headers in acre-pools.3")
    cli.equal(sorted(set(re.findall(r"^\.In acre/(\w+\.h)$", text, re.M)) & headers), sorted(headers), "synopsis")


def case_options_in_the_source_are_in_the_help(bench):
    source = (TOP / "tools" / "acre" / "options.c").read_text(encoding="utf-8")
    known = set(re.findall(r'\{"(--[a-z-]+)"', source))
    cli.true(len(known) >= 10, f"options in the source: {known}")
    cli.equal(sorted(known - options(bench.run("help", "run").stdout.decode())), [], "not in help")


def case_options_of_the_runner_are_in_the_help(bench):
    source = (TOP / "bench" / "runner" / "main.py").read_text(encoding="utf-8")
    known = set(re.findall(r'add_argument\("(--[a-z-]+)"', source)) | {"--help"}
    cli.equal(sorted(known), sorted(options(bench.run("help", "bench").stdout.decode())), "options")


def case_the_keys_of_acre_conf_are_in_the_manual(_):
    source = (TOP / "src" / "front" / "options.c").read_text(encoding="utf-8")
    known = re.findall(r'\{"(\w+)", set_\w+, ', source)
    cli.true(len(known) >= 6, f"keys in the source: {known}")
    page = words("acre_options.5")
    # Once in the table, once in full.
    table = re.findall(r"^\.It Cm (\w+) Ta ", page, re.M)
    full = page.split(".Pp\nIn full:")[1].split(".Ss Errors")[0]
    cli.equal(sorted(table), sorted(known), "keys in the table")
    cli.equal(sorted(re.findall(r"^\.It Cm (\w+)$", full, re.M)), sorted(known), "keys in full")


def case_statistics_of_the_heap_are_in_the_manual(_):
    header = (TOP / "include" / "acre" / "heap.h").read_text(encoding="utf-8")
    fields = re.search(r"typedef struct acre_heap_stats \{(.*?)\}", header, re.S).group(1)
    names = re.findall(r"size_t (\w+);", fields)
    cli.true(len(names) > 10, f"fields: {names}")
    page = words("acre_options.5")
    cli.equal([name for name in names if not re.search(rf"\b{name}\b", page)], [], "not told of")


cli.main(sys.modules[__name__])
