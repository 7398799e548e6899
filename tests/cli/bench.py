#!/usr/bin/env python3
"""bench.py - acre bench: what is run, tables, JSON, page, going on after an end, failures.

SPDX-License-Identifier: MIT
"""
import html.parser
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import cli

# Preloaded into a pattern, ends it; leaves the programs alone by which the runner gets there.
SPOILER = r"""
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void spoil(void)
{
    if (strcmp(program_invocation_short_name, "batch") == 0) {
        kill(getpid(), SIGSEGV);
    }
}
"""

# Gives one test other numbers than it would have elsewhere.
LIAR = r"""
#include <errno.h>
#include <stdlib.h>
#include <string.h>
__attribute__((constructor)) static void lie(void)
{
    if (strcmp(program_invocation_short_name, "aligned") == 0) {
        setenv("ACRE_BENCH_SEED", "77", 1);
    }
}
"""

# Two processes of 32 MiB at once.
FAMILY = r"""
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static char memory[32 << 20];
int main(void)
{
    pid_t child = fork();
    memset(memory, 1, sizeof memory);
    usleep(300000);
    return child == 0 ? 0 : waitpid(child, NULL, 0) == child ? 5 : 6;
}
"""

FEW = ("bench", "--only", "batch", "--quick", "--rounds", "2", "--allocators", "acre")


def measured(bench, *words, status=0, **options):
    """Runs acre bench and returns its JSON and what it printed."""
    path = bench.dir / "bench.json"
    path.unlink(missing_ok=True)
    done = bench.run("bench", *words, "--json", str(path), **options)
    cli.equal((done.returncode, done.stderr.decode()), (status, ""), "acre bench")
    return json.loads(path.read_text()), done.stdout.decode()


def case_list_has_every_test_and_says_what_is_skipped(bench):
    done = bench.run("bench", "--list")
    cli.equal((done.returncode, done.stderr), (0, b""), "--list")
    rows = [line.split(None, 2) for line in done.stdout.decode().splitlines()]
    groups = {row[0]: row[1] for row in rows}
    for name, group in (("pair", "single"), ("phase", "whole"), ("idle_block", "idle"),
                        ("rss_5k", "memory"), ("redis", "jobs"), ("sqlite", "jobs")):
        cli.equal(groups.get(name), group, name)
    cli.true(len(rows) >= 45, f"tests: {len(rows)}")
    for row in rows:
        if row[1] != "jobs":
            program = bench.build / "bench" / pattern_of(row[0])
            cli.equal(len(row) == 3, not program.exists(), f"{row[0]} skipped")
    empty = bench.dir / "empty"
    empty.mkdir()
    python = pathlib.Path(empty / "python3")
    python.symlink_to(sys.executable)
    listed = bench.run("bench", "--list", "--only", "jobs", env={"PATH": str(empty)})
    lines = listed.stdout.decode().splitlines()
    cli.true("jq jobs skipped: jq not installed (Debian: jq)" in
             [" ".join(line.split()) for line in lines],
             f"without programs: {lines}")
    cli.equal(len([line for line in lines if "skipped" in line]), len(lines) - 1, "skipped jobs")


def pattern_of(name):
    table = pathlib.Path(__file__).resolve().parents[2] / "bench" / "patterns.txt"
    for line in table.read_text().splitlines():
        if line.split()[:1] == [name]:
            return line.split()[3]
    raise AssertionError(f"{name} is in no line of patterns.txt")


def case_json_has_every_run_and_the_results(bench):
    found, printed = measured(bench, *FEW[1:])
    names = ["system", "acre"]
    cli.equal([a["name"] for a in found["plan"]["allocators"]], names, "allocators")
    cli.equal(found["plan"]["allocators"][1]["library"], bench.library, "library")
    cli.equal((found["plan"]["tests"], found["plan"]["rounds"], found["plan"]["quick"]),
              (["batch"], 2, True), "plan")
    runs = sorted((r["round"], r["allocator"]) for r in found["runs"])
    cli.equal(runs, sorted((n, a) for n in range(3) for a in names), "runs, with the warm-up")
    for result in found["results"]:
        cli.equal((result["test"], result["failure"]), ("batch", None), "result")
        for kind in ("wall", "cpu", "memory_kib", "faults"):
            counted = [r[kind] for r in found["runs"]
                       if r["round"] > 0 and r["allocator"] == result["allocator"]]
            cli.equal(sorted(result[kind]["values"]), sorted(counted), kind)
            cli.true(min(counted) <= result[kind]["median"] <= max(counted), "median")
            cli.true(result[kind]["ratio"] > 0, "ratio")
        cli.true(500 < result["memory_kib"]["median"] < 16000, "memory is the pattern's alone")
    system = [r for r in found["results"] if r["allocator"] == "system"][0]
    cli.equal(system["wall"]["ratio"], 1.0, "ratio of the system's malloc")
    means = found["geometric_means"]["all tests"]
    cli.equal(sorted(means), sorted(names), "means")
    cli.equal(means["acre"]["wall"]["tests"], 1, "tests in the mean")
    for words in ("2 rounds after a warm-up", "time: ratios to system", "\nbatch ",
                  "mean, all tests", "peak memory", "best peer"):
        cli.true(words in printed, f"the table has '{words}'")


def case_every_installed_peer_takes_part(bench):
    compared = bench.run("run", "--compare", "--repeat", "1", "true").stdout.decode()
    peers = [line.split()[0] for line in compared.split("\n\n")[1].strip().split("\n")[1:]]
    found, _ = measured(bench, "--only", "batch", "--quick", "--rounds", "1")
    cli.equal([a["name"] for a in found["plan"]["allocators"]], peers, "allocators")


def case_order_is_shuffled_and_a_seed_repeats_it(bench):
    orders = []
    for seed in ("1", "1", "2"):
        found, _ = measured(bench, "--only", "batch,pair", "--quick", "--rounds", "4",
                            "--allocators", "acre", "--conf", "two=keep=1", "--seed", seed)
        orders.append([(r["test"], r["allocator"]) for r in found["runs"]])
    cli.equal(orders[0], orders[1], "the order of one seed")
    cli.true(orders[0] != orders[2], "another seed is another order")
    rounds = [orders[0][i:i + 6] for i in range(0, 30, 6)]
    cli.equal({frozenset(r) for r in rounds}, {frozenset(rounds[0])}, "all are in each round")
    cli.true(len({tuple(t for t, _ in r) for r in rounds}) > 1, "tests change places")
    names = {tuple(name for test, name in r if test == "batch") for r in rounds[1:]}
    cli.true(len(names) > 1, f"allocators change places: {names}")
    cli.equal([name for _, name in rounds[0]][::3], ["system"] * 2, "first in the warm-up")


def case_a_seed_changes_the_work_for_all_alike(bench):
    sums = []
    for seed in ("0", "5"):
        found, _ = measured(bench, "--only", "aligned", "--quick", "--rounds", "1",
                            "--allocators", "acre", "--seed", seed)
        sums.append(found["printed"]["aligned"])
    cli.true(sums[0] != sums[1], f"checksums: {sums}")


def run_once(bench, *words):
    """Runs the program that starts tests; returns what it reports."""
    read_end, write_end = os.pipe()
    options = [word for word in words if word in ("--every", "5")]
    with os.fdopen(read_end) as result:
        done = subprocess.run(
            [bench.build / "bench" / "run_once", *options, str(write_end), *words[len(options):]],
            pass_fds=(write_end,), check=False, capture_output=True, timeout=cli.TIMEOUT_S)
        os.close(write_end)
        text = result.read()
    cli.equal(done.returncode, 0, f"run_once: {done.stderr}")
    return json.loads(text)


def case_processes_that_are_alive_at_once_are_added_up(bench):
    family = bench.compile("family", FAMILY)
    usage = run_once(bench, "--every", "5", "60", family)
    cli.equal((usage["exit"], usage["signal"], usage["late"]), (5, 0, False), "its end")
    mib = {key: usage[key] / 1024 for key in ("peak_rss_kib", "tree_rss_kib")}
    cli.true(32 <= mib["peak_rss_kib"] < 48, f"the largest process: {mib}")
    cli.true(64 <= mib["tree_rss_kib"] < 80, f"both: {mib}")
    cli.true(usage["minor_faults"] > 2 * 32 * 256, f"faults: {usage['minor_faults']}")
    cli.true(usage["wall"] >= 0.3, f"time: {usage['wall']}")
    cli.equal(max(kib for _, kib in usage["rss"]), usage["tree_rss_kib"], "looks")


def case_a_program_that_does_not_end_is_ended_with_all_it_started(bench):
    path = bench.dir / "pids"
    usage = run_once(bench, "0.3", "sh", "-c", f"sleep 77 & echo $! >{path}; wait")
    cli.equal((usage["late"], usage["signal"]), (True, signal.SIGKILL), "its end")
    cli.wait_until(lambda: not cli.is_running(int(path.read_text())), "the end of its child")
    usage = run_once(bench, "60", "sh", "-c", f"sleep 77 & echo $! >{path}")
    cli.equal((usage["late"], usage["exit"]), (False, 0), "the end of one that leaves an orphan")
    cli.true(not cli.is_running(int(path.read_text())), "the orphan was ended")


class Page(html.parser.HTMLParser):
    """Counts tags, checks that they match, and collects what would be fetched."""

    def __init__(self):
        super().__init__()
        self.count = {}
        self.open = []
        self.fetched = []

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.fetched += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        cli.equal(self.open.pop() if self.open else None, tag, "end tag")


def case_the_page_has_the_charts_and_needs_nothing_else(bench):
    path = bench.dir / "page.html"
    found, _ = measured(bench, "--only", "batch,rss_5k,idle_block", "--quick", "--rounds", "1",
                        "--allocators", "acre", "--html", str(path))
    text = path.read_text()
    page = Page()
    page.feed(text)
    cli.equal(page.open, [], "tags that are left open")
    cli.equal((page.fetched, page.count.get("script")), ([], None), "what it would fetch")
    cli.equal(page.count["svg"], 1 + 3 + 1, "charts: means, a card for each test, a curve")
    cli.equal(page.count["circle"], 2, "a point for each allocator")
    cli.equal(page.count["rect"], 2 * 3 + 2 + 2, "bars: three kinds, memory only, memory only")
    cli.equal(page.count["polyline"], 2, "curves")
    cli.true(page.count["table"] >= 5, "tables")
    for words in ("prefers-color-scheme: dark", "Time against memory", "batch", "Memory over time"):
        cli.true(words in text, f"the page has '{words}'")
    looks = [r["rss_over_time"] for r in found["runs"] if r["test"] == "idle_block"]
    cli.true(all(len(each) > 20 for each in looks), "looks at an idle test")
    cli.true(all(max(kib for _, kib in each) > 64 * 1024 for each in looks), "it was seen to fill")


def case_an_interrupted_run_is_gone_on_with(bench):
    path = bench.dir / "half.json"
    words = ("bench", "--only", "batch,pair,vectors", "--quick", "--rounds", "1",
             "--allocators", "acre", "--json", str(path))
    process = bench.start(*words)
    cli.wait_until(lambda: path.exists() and json.loads(path.read_text())["runs"],
                   "some runs", 30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=cli.TIMEOUT_S)
    cli.equal((process.returncode, out), (130, b""), "interrupted")
    before = json.loads(path.read_text())
    left = 2 * 3 * 2 - len(before["runs"])
    cli.equal(err.decode(), f"acre: interrupted with {left} runs left; to go on, type: acre bench "
              f"--resume {path}\n", "what it says")
    cli.true(0 < left < 12, f"left: {left}")
    done = bench.run("bench", "--resume", str(path))
    cli.equal((done.returncode, done.stderr), (0, b""), "gone on")
    after = json.loads(path.read_text())
    cli.equal(after["runs"][:len(before["runs"])], before["runs"], "what was done is not repeated")
    keys = [(r["round"], r["test"], r["allocator"]) for r in after["runs"]]
    cli.equal((len(keys), len(set(keys))), (12, 12), "each run once")
    again = bench.run("bench", "--resume", str(path))
    cli.equal((again.returncode, again.stdout), (0, done.stdout), "nothing is left")
    cli.equal(json.loads(path.read_text())["runs"], after["runs"], "runs")


def children(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def grandchildren(pid):
    """The tests that run: each has run_once as its parent, and that the runner."""
    return [int(test) for child in children(pid) for test in children(child)
            if pathlib.Path(f"/proc/{child}/comm").read_text() == "run_once\n"]


def case_nothing_is_left_behind_by_an_interrupted_run(bench):
    process = bench.start("bench", "--only", "idle_block", "--rounds", "1", "--allocators", "acre",
                          cwd=bench.dir, env={"TMPDIR": str(bench.dir)})
    cli.wait_until(lambda: grandchildren(process.pid), "a run", 30)
    runs = grandchildren(process.pid)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=cli.TIMEOUT_S)
    cli.equal(process.returncode, 130, f"exit status ({err})")
    for pid in runs:
        cli.wait_until(lambda pid=pid: not cli.is_running(pid), "the end of the run")
    cli.equal(list(bench.dir.glob("acre-bench-*")), [], "directories")
    cli.equal(err, b"acre: interrupted; nothing was measured yet\n", "what it says")


def case_a_crash_is_reported_and_the_rest_goes_on(bench):
    spoiler = bench.compile("libspoiler.so", SPOILER, "-shared", "-fPIC", "-D_GNU_SOURCE")
    found, printed = measured(
        bench, "--only", "batch,pair", "--quick", "--rounds", "2", "--allocators", "acre",
        "--with", f"spoiler={spoiler}", status=1)
    failures = {(r["test"], r["allocator"]): r["failure"] for r in found["results"] if r["failure"]}
    cli.equal(failures, {("batch", "spoiler"): "ended by SIGSEGV"}, "failures")
    counts = {}
    for run in found["runs"]:
        key = run["test"], run["allocator"]
        counts[key] = counts.get(key, 0) + 1
    cli.equal(counts, {(t, a): 1 if (t, a) == ("batch", "spoiler") else 3
                       for t in ("batch", "pair") for a in ("system", "acre", "spoiler")}, "runs")
    cli.true("FAILED: batch on spoiler: ended by SIGSEGV\n" in printed, "the report says so")
    row = [line for line in printed.split("\n") if line.startswith("batch ")][0]
    cli.true(row.endswith("failed"), f"the table says so: {row}")


def case_another_result_is_a_failure(bench):
    liar = bench.compile("libliar.so", LIAR, "-shared", "-fPIC", "-D_GNU_SOURCE")
    words = ("--only", "aligned", "--quick", "--rounds", "1", "--allocators", "system", "--with",
             f"liar={liar}", "--seed", "3")
    found, _ = measured(bench, *words, status=1)
    failed = [r["failure"] for r in found["results"] if r["failure"]]
    cli.equal(failed, ["its result differs from that on the system's malloc"], "failures")


def case_conf_is_acre_with_other_options(bench):
    found, _ = measured(bench, "--only", "batch", "--quick", "--rounds", "1", "--allocators",
                        "system", "--conf", "own=slots=thread,keep=1")
    cli.equal([(a["name"], a["conf"], a["library"]) for a in found["plan"]["allocators"]],
              [("system", "", ""), ("own", "slots=thread,keep=1", bench.library)], "allocators")


def case_a_job_with_generated_inputs_runs(bench):
    jobs = [name for name in ("perl", "sqlite3", "redis-server", "git") if shutil.which(name)]
    if not jobs:
        raise cli.Skip("none of the programs")
    names = {"sqlite3": "sqlite", "redis-server": "redis"}
    names = [names.get(name, name) for name in jobs]
    found, _ = measured(bench, "--only", ",".join(names), "--quick", "--rounds", "1",
                        "--allocators", "acre", "--seed", "4")
    cli.equal(sorted((r["test"], r["failure"]) for r in found["results"]),
              sorted((name, None) for name in names * 2), "jobs")
    for result in found["results"]:
        cli.true(result["memory_kib"]["median"] > 1000 and result["cpu"]["median"] > 0, "numbers")
        if result["test"] != "redis":
            cli.equal(len(found["printed"][result["test"]]), 16, "a digest of what it printed")


WRONG = (
    (("--quik",), "unknown option '--quik'; did you mean '--quick'?"),
    (("batch",), "unexpected argument 'batch'; try 'acre bench --help'"),
    (("--only", "bach"), "unknown test 'bach'; did you mean 'batch'?"),
    (("--only", "zzzzz"), "unknown test 'zzzzz'; see 'acre bench --list'"),
    (("--only", ","), "',' names nothing; separate names by commas"),
    (("--rounds", "0"), "'0' is no count for --rounds; use a number from 1 to 1000"),
    (("--rounds", "-1"), "'-1' is no count for --rounds; use a number from 1 to 1000"),
    (("--rounds",), "--rounds: expected one argument; try 'acre bench --help'"),
    (("--rounds", "x\ny"), "'x?y' is no count for --rounds; use a number from 1 to 1000"),
    (("--seed", "1.5"), "'1.5' is no seed; use a number from 0 to 4294967295"),
    (("--allocators", "dlmalloc"), "unknown allocator 'dlmalloc' for --allocators; there are "),
    (("--with", "x"), "'x' is no value for --with; use --with NAME=FILE.so"),
    (("--with", "x=/etc/passwd"),
     "'/etc/passwd' is no shared library that can be preloaded; use --with NAME=FILE.so"),
    (("--with", "acre=/etc/passwd"), "'/etc/passwd' is no shared library that can be preloaded; "),
    (("--conf", "acre=keep=1"), "the name 'acre' is taken; use another for --conf"),
    (("--conf", "a=bogus=1"), "'a=bogus=1' for --conf: unknown key 'bogus'; acre_options(5) has"),
    (("--conf", "keep"), "'keep' is no value for --conf; use --conf NAME=OPTIONS"),
    (("--clock", "sun"), "--clock: invalid choice: 'sun' (choose from 'wall', 'cpu'); try "),
    (("--resume", "/nonexistent"), "cannot read '/nonexistent': No such file or directory"),
    (("--resume", "/etc/passwd"), "'/etc/passwd' is no result of acre bench: it is no JSON"),
    (("--json", "-"), "'-' is no file for --json; use the name of one"),
    (("--resume", "x", "--rounds", "3"),
     "--resume takes what to do from the file; leave out --rounds"),
)


def case_each_wrong_command_line_gets_one_line_and_status_2(bench):
    for words, line in WRONG:
        done = bench.run("bench", *words)
        said = done.stderr.decode()
        cli.true(said.startswith("acre: " + line) and said.count("\n") == 1, f"{words}: {said!r}")
        cli.equal((done.returncode, done.stdout), (2, b""), f"status of {words}")
    for name in ("list", "dict"):
        path = bench.write(f"{name}.json", "[]" if name == "list" else "{}")
        cli.one_line(bench.run("bench", "--resume", path), 2,
                     f"acre: '{path}' is no result of this version of acre bench")
    path = bench.write("damaged.json", '{"acre_bench": 1, "acre": "0"}')
    cli.one_line(bench.run("bench", "--resume", path), 2,
                 f"acre: '{path}' is damaged: it has no 'machine'")


def case_another_library_is_not_gone_on_with(bench):
    path = bench.dir / "other.json"
    bench.run(*FEW, "--json", str(path))
    content = json.loads(path.read_text())
    content["runs"].pop()
    content["plan"]["allocators"][1]["digest"] = "0"
    path.write_text(json.dumps(content))
    done = bench.run("bench", "--resume", str(path))
    cli.one_line(done, 2, "acre: the library of acre is not the one that was measured "
                 f"('{bench.library}'); begin anew, without --resume")


def case_what_cannot_be_written_is_said_before_the_work(bench):
    done = bench.run(*FEW, "--json", "/nonexistent/x.json")
    cli.one_line(done, 125, "acre: cannot write '/nonexistent/x.json': No such file or directory")
    with open("/dev/full", "wb") as full:
        done = bench.run("bench", "--list", stdout=full)
    cli.equal((done.returncode, done.stderr),
              (125, b"acre: cannot use 'stdout': No space left on device\n"), "a full stdout")


def case_a_missing_runner_and_missing_programs_are_named(bench):
    moved = bench.copy_command("alone", "alone")
    done = bench.run("bench", "--list", executable=moved)
    place = os.path.dirname(os.path.realpath(moved))
    cli.one_line(done, 125, f"acre: the runner of acre bench is neither in '{place}/bench' nor in "
                 f"'{place}/../libexec/acre/bench'")
    target = bench.dir / "alone" / "bench"
    shutil.copytree(bench.build / "bench" / "runner", target / "runner")
    for name in ("patterns.txt", "jobs.txt"):
        shutil.copy(bench.build / "bench" / name, target / name)
    done = bench.run("bench", "--only", "pair", executable=moved)
    cli.one_line(done, 125, f"acre: the pattern programs are not in '{place}/bench'; type 'cmake "
                 "--build build --target bench_programs' in acre's sources")


cli.main(sys.modules[__name__])
