"""acre bench - every way of using memory, and real programs, on every allocator.

Started by the acre command as `main.py VERSION --peer NAME=FILE ... -- OPTIONS`: the command knows
where its library is and which allocators are installed.

SPDX-License-Identifier: MIT
"""
import argparse
import difflib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile

import allocators
import execute
import inputs
import record as rec
import report_html
import report_text
import results as res
import say
import tests

ROUNDS, QUICK_ROUNDS, ROUNDS_MAX = 5, 3, 1000
QUICK_PERCENT = 10
GROUPS = {"patterns": lambda t: t.group != "jobs"}
RESUMED = ("only", "quick", "rounds", "extra", "conf", "allocators", "seed")
UNFINISHED = "acre-bench-unfinished.json"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with what was probably meant."""

    def error(self, message):
        say.wrong(message.replace("argument ", "", 1) + "; try 'acre bench --help'")

    def check_known(self, words):
        known = [name for action in self._actions for name in action.option_strings]
        for word in words:
            if word.startswith("-"):
                meant = difflib.get_close_matches(word.split("=")[0], known, 1)
                hint = f"did you mean '{meant[0]}'?" if meant else "try 'acre bench --help'"
                say.wrong(f"unknown option '{word.split('=')[0]}'; {hint}")
            say.wrong(f"unexpected argument '{word}'; try 'acre bench --help'")


def names(word):
    found = [name for name in word.split(",") if name]
    if not found:
        say.wrong(f"'{word}' names nothing; separate names by commas")
    return found


def number(low, high, what):
    def parse(word):
        if not word.isascii() or not word.isdigit() or not low <= int(word) <= high:
            say.wrong(f"'{word}' is no {what}; use a number from {low} to {high}")
        return int(word)
    return parse


def parse(words):
    parser = Parser(prog="acre bench", add_help=False, allow_abbrev=False)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", action="append", type=names, default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=number(1, ROUNDS_MAX, "count for --rounds"))
    parser.add_argument("--seed", type=number(0, 2**32 - 1, "seed"))
    parser.add_argument("--allocators", type=names, default=[])
    parser.add_argument("--with", dest="extra", action="append", default=[])
    parser.add_argument("--conf", action="append", default=[])
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--json")
    parser.add_argument("--html")
    parser.add_argument("--resume")
    options, rest = parser.parse_known_args(words)
    parser.check_known(rest)
    if options.resume:
        for name in RESUMED:
            if getattr(options, name) not in (None, False, []):
                option = "with" if name == "extra" else name
                say.wrong(f"--resume takes what to do from the file; leave out --{option}")
    for option, path in (("--json", options.json), ("--html", options.html)):
        if path in ("", "-"):
            say.wrong(f"'{path}' is no file for {option}; use the name of one")
    options.only = [name for part in options.only for name in part]
    return options


def choose(everything, only):
    """The tests that were asked for by name or group."""
    if not only:
        return everything
    groups = {t.group for t in everything} | set(GROUPS)
    known = [t.name for t in everything] + sorted(groups)
    for name in only:
        if name not in known:
            meant = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{meant[0]}'?" if meant else "see 'acre bench --list'"
            say.wrong(f"unknown test '{name}'; {hint}")
    wanted = set(only)
    return [t for t in everything if wanted & {t.name, t.group} or
            any(name in wanted and fits(t) for name, fits in GROUPS.items())]


HOW_TO_BUILD = "type 'cmake --build build --target bench_programs' in acre's sources"


def print_list(everything):
    rows = [[t.name, t.group, tests.why_not(t) or ""] for t in everything]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for name, group, reason in rows:
        note = f"skipped: {reason}" if reason else ""
        print(f"{name:{widths[0]}}  {group:{widths[1]}}  {note}".rstrip())
    if any("was not built" in reason for _, _, reason in rows):
        print(f"\nTo have the pattern programs, {HOW_TO_BUILD}.")


def split_runnable(wanted):
    skipped = [{"name": t.name, "reason": tests.why_not(t)} for t in wanted if tests.why_not(t)]
    return [t for t in wanted if not tests.why_not(t)], skipped


def begin(options, version, peers, everything):
    """A new record, or that of --resume."""
    if options.resume:
        record = rec.load(options.resume)
        if options.json:
            record.path = pathlib.Path(options.json)
        unknown = set(record.plan["tests"]) - {t.name for t in everything}
        if unknown:
            say.wrong(f"'{options.resume}' has a test that is not here: '{min(unknown)}'")
        if record.left():
            rec.check_same(record)
        return record
    wanted, skipped = split_runnable(choose(everything, options.only))
    chosen = allocators.collect(peers, options)
    if not wanted:
        reasons = "; ".join(f"{each['name']}: {each['reason']}" for each in skipped)
        say.failed(f"nothing to measure: {reasons}")
    options.order_seed = options.seed
    if options.seed is None:
        options.seed, options.order_seed = 0, random.randrange(2**32)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    return rec.fresh(options, version, wanted, skipped, chosen)


def measure(record, everything, directory):
    """Does what is left of the plan."""
    plan = record.plan
    known = {t.name: t for t in everything}
    chosen = {a.name: a for a in record.allocators()}
    percent = QUICK_PERCENT if plan["quick"] else 100
    runner = execute.Runner(directory, percent, plan["seed"], record.content["printed"])
    left = record.left()
    progress = say.Progress(len(left))
    try:
        progress.show("making inputs")
        inputs.make({known[test] for _, test, _ in left}, runner.inputs, percent, plan["seed"])
        broken = set()
        for number_of_round, test, name in left:
            if (test, name) not in broken:
                progress.show(f"round {number_of_round} of {plan['rounds']}, {test} on {name}")
                run = runner.run(known[test], chosen[name])
                record.add({"round": number_of_round, "test": test, "allocator": name, **run})
                if "failure" in run:
                    broken.add((test, name))
            progress.done += 1
    finally:
        runner.end()
        progress.clear()


def on_signal(number_of_signal, _):
    raise KeyboardInterrupt(number_of_signal)


def interrupted(record, options):
    """Keeps what there is and says how to go on."""
    if not record.runs:
        say.note("interrupted; nothing was measured yet")
        return say.INTERRUPTED
    path = record.path or pathlib.Path(UNFINISHED)
    record.save(path)
    say.note(f"interrupted with {len(record.left())} runs left; to go on, type: "
             f"acre bench --resume {path}" + (f" --html {options.html}" if options.html else ""))
    return say.INTERRUPTED


def finish(record, everything, options):
    found = res.Results(record, everything, options.clock)
    record.content.update(found.document())
    record.save()
    report_text.print_all(record, found, sys.stdout)
    if options.html:
        pathlib.Path(options.html).write_text(report_html.page(record, found), encoding="utf-8")
    return say.RUN_FAILED if found.failures else say.DONE


def check_writable(*paths):
    """Before hours of work, not after them."""
    for path in paths:
        if path and not pathlib.Path(path).resolve().parent.is_dir():
            say.failed(f"cannot write '{path}': No such file or directory")


def main(words):
    version, own = words[0], words[1:]
    split = own.index("--")
    peers = [word for word in own[:split] if word != "--peer"]
    options = parse(own[split + 1:])
    everything = tests.read_all()
    if options.list:
        print_list(choose(everything, options.only))
        return say.DONE
    check_writable(options.json, options.html)
    for number_of_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number_of_signal, on_signal)
    directory = None
    record = None
    try:
        if not (tests.HERE / "run_once").exists():
            say.failed(f"the pattern programs are not in '{tests.HERE}'; {HOW_TO_BUILD}")
        record = begin(options, version, peers, everything)
        directory = tempfile.mkdtemp(prefix="acre-bench-")
        measure(record, everything, directory)
    except KeyboardInterrupt:
        return interrupted(record, options) if record else say.INTERRUPTED
    finally:
        if directory:
            shutil.rmtree(directory, ignore_errors=True)
    return finish(record, everything, options)


def run():
    """Ends with one line, not with a traceback, for what the machine refuses."""
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to flush
        say.failed(f"cannot use '{error.filename or 'stdout'}': {error.strerror}")
    except subprocess.CalledProcessError as error:
        say.failed(f"'{error.cmd[0]}' failed while inputs were made")
    return status


if __name__ == "__main__":
    sys.exit(run())
