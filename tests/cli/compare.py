#!/usr/bin/env python3
"""compare.py - --compare and --repeat: which runs take place, the table, the JSON, failures.

SPDX-License-Identifier: MIT
"""
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

import cli

# Preloaded into a program, ends it as told; leaves acre itself alone, which tries every library.
SPOILER = r"""
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void spoil(void)
{
    const char *how = getenv("SPOIL");
    if (how == NULL || strcmp(program_invocation_short_name, "acre") == 0) {
        return;
    }
    if (strcmp(how, "crash") == 0) {
        kill(getpid(), SIGSEGV);
    }
    _exit(9);
}
"""

ALONE = ("--compare", "--peers", "none")


def table(done):
    """The rows of the table: name -> list of the words behind it."""
    lines = done.stdout.decode().split("\n\n")[1].strip().split("\n")
    cli.true(re.fullmatch(r"allocator +wall m?s +x +spread +CPU m?s +x +peak MiB +x +faults +x",
                          lines[0]), f"heading: {lines[0]}")
    for line in lines:
        cli.equal(line, line.rstrip(), "no spaces at the end")
    return {line.split()[0]: line.split()[1:] for line in lines[1:]}


def logged(bench, *words, program="echo \"${LD_PRELOAD:-none}\" >> log", **options):
    """Runs a program that logs what is preloaded; returns the lines of the log."""
    log = bench.dir / "log"
    log.unlink(missing_ok=True)
    done = bench.run("run", *words, "sh", "-c", program, cwd=bench.dir, **options)
    cli.equal((done.returncode, done.stderr), (0, b""), "the runs")
    return log.read_text().split("\n")[:-1]


def case_the_table_has_the_systems_malloc_and_acre(bench):
    done = bench.run("run", *ALONE, "--repeat", "3", "--", "echo", "hello  you")
    cli.equal((done.returncode, done.stderr), (0, b""), "status")
    title = done.stdout.decode().split("\n")[:2]
    cli.equal(title, ["echo hello  you", "3 rounds, medians after a warm-up; x is the ratio to "
                      "system"], "title")
    rows = table(done)
    cli.equal(list(rows), ["system", "acre"], "rows")
    for name, words in rows.items():
        cli.equal(len(words), 10, f"words of {name}")
        for word in words[:4] + words[5:]:
            float(word.rstrip("%") or 0)
    cli.equal([rows["system"][i] for i in (1, 5, 7, 9)], ["1.00"] * 4, "ratios of the first row")


def case_every_peer_takes_part_and_only_those_asked_for(bench):
    found = table(bench.run("run", "--compare", "--repeat", "1", "true"))
    cli.equal(list(found)[:2], ["system", "acre"], "first rows")
    known = ["mimalloc", "jemalloc", "tcmalloc", "tbbmalloc"]
    peers = list(found)[2:]
    cli.equal(peers, [name for name in known if name in peers], "order of peers")
    installed = [name for name in ("mimalloc", "jemalloc", "tcmalloc_minimal")
                 if list(pathlib.Path("/usr/lib").glob(f"*-linux-*/lib{name}.so.*"))]
    for name in installed:
        cli.true(name.split("_")[0] in peers, f"{name} is installed and not in the table")
    if len(peers) >= 2:
        words = ",".join(peers[:2])
        asked = table(bench.run("run", "--compare", "--repeat=1", "--peers", words, "true"))
        cli.equal(list(asked), ["system", "acre", *peers[:2]], "rows")


def case_runs_are_counted_with_one_round_to_warm_up(bench):
    cli.equal(len(logged(bench, *ALONE)), 2 * 6, "runs by default")
    cli.equal(len(logged(bench, *ALONE, "--repeat", "1")), 2, "runs with 1 round")
    cli.equal(len(logged(bench, *ALONE, "--repeat", "3")), 2 * 4, "runs with 3 rounds")
    cli.equal(len(logged(bench, "--repeat", "3")), 4, "runs on acre alone")
    cli.equal(len(logged(bench, "--repeat", "1")), 1, "an ordinary run")


def case_rounds_are_interleaved_in_changing_order(bench):
    lines = logged(bench, *ALONE, "--repeat", "30")
    rounds = [tuple(lines[i:i + 2]) for i in range(0, len(lines), 2)]
    for pair in rounds:
        cli.equal(sorted(pair), sorted(["none", bench.library]), "one run of each in a round")
    cli.equal(len(set(rounds)), 2, "orders seen in 31 rounds")


def case_wall_times_that_differ_much_are_said_to(bench):
    # The first run is to warm up; the second and third of each allocator take 60 and 200 ms or so.
    turn = bench.dir / "turn"
    program = f'echo x >>{turn}; n=$(wc -l <{turn}); [ $n -gt 4 ] && sleep 0.2; sleep 0.06'
    said = bench.run("run", *ALONE, "--repeat", "2", "--", "sh", "-c", program).stdout
    cli.true(b"Wall times of one allocator differ by up to " in said, said)
    short = bench.run("run", *ALONE, "--repeat", "5", "--", "true").stdout  # milliseconds say nothing
    cli.true(b"Wall times" not in short, short)


def case_nothing_but_the_preloaded_library_differs(bench):
    other = bench.compile("libother.so", "int acre_test_other;", "-shared", "-fPIC")
    old = f"{bench.library}:{other}"
    lines = logged(bench, *ALONE, "--repeat", "1", env={"LD_PRELOAD": old})
    cli.equal(sorted(lines), sorted([other, old]), "LD_PRELOAD")
    lines = logged(bench, *ALONE, "--repeat", "1", "--slots=thread",
                   program="echo \"${LD_PRELOAD:+acre} $ACRE_CONF\" >> log")
    cli.equal(sorted(lines), [" ", "acre slots=thread"], "ACRE_CONF")


def case_output_is_hidden_unless_shown(bench):
    program = ("sh", "-c", "echo out; echo err >&2")
    done = bench.run("run", *ALONE, "--repeat", "1", *program)
    cli.true(b"out" not in done.stdout.split(b"\n", 1)[1], "stdout is hidden")
    cli.equal(done.stderr, b"", "stderr")
    done = bench.run("run", *ALONE, "--repeat", "1", "--show-output", *program)
    cli.equal(done.stdout.count(b"out\n"), 2, "stdout is shown")
    cli.equal(done.stderr, b"err\n" * 2, "stderr is shown")


def case_input_is_empty_or_the_file_in_each_run(bench):
    path = bench.write("input", "one\ntwo\n")
    done = bench.run("run", *ALONE, "--repeat=2", "--show-output", "wc", "-l", input=b"x\ny\nz\n")
    cli.equal(done.stdout.split(b"\n")[:6], [b"0"] * 6, "lines read")
    done = bench.run("run", *ALONE, "--repeat=2", "--input", path, "--show-output", "wc", "-l")
    cli.equal(done.stdout.split(b"\n")[:6], [b"2"] * 6, "lines read")
    missing = bench.run("run", *ALONE, "--input", "/nonexistent", "true")
    cli.one_line(missing, 125, "acre: cannot read '/nonexistent': No such file or directory")


def check_numbers(found):
    base = found["allocators"][0]
    for allocator in found["allocators"]:
        for kind in ("wall_seconds", "cpu_seconds", "peak_rss_bytes", "page_faults"):
            numbers = allocator[kind]
            values = numbers["values"]
            cli.equal(len(values), found["rounds"], "values")
            true_median = statistics.median(values)
            cli.true(abs(numbers["median"] - true_median) <= 1e-8 * max(1, true_median), "median")
            cli.equal((numbers["min"], numbers["max"]), (min(values), max(values)), "range")
            if base[kind]["median"] > 0:
                ratio = numbers["median"] / base[kind]["median"]
                cli.true(abs(numbers["ratio"] - ratio) <= 1e-5 * ratio, "ratio")


def case_json_has_every_run(bench):
    path = bench.dir / "comparison.json"
    for rounds in (4, 5):
        done = bench.run("run", *ALONE, "--repeat", str(rounds), "--json", str(path),
                         "sleep", "0.01")
        found = json.loads(path.read_text())
        rows = table(done)
        cli.equal(list(rows), ["system", "acre"], "the table is printed as well")
        for allocator in found["allocators"]:
            words = rows[allocator["name"]]
            faults = allocator["page_faults"]
            cli.true(abs(float(words[8]) - faults["median"]) <= 0.5, "page faults in the table")
            cli.true(abs(float(words[9]) - faults["ratio"]) <= 0.006, "ratio in the table")
            mib = allocator["peak_rss_bytes"]["median"] / (1 << 20)
            cli.true(abs(float(words[6]) - mib) <= 0.06, "peak in the table")
            ms = allocator["wall_seconds"]["median"] * 1000
            cli.true(abs(float(words[0]) - ms) <= 0.06, "wall in the table")
        cli.equal(found["command"], ["sleep", "0.01"], "command")
        cli.equal((found["rounds"], found["warm_up_rounds"], found["baseline"]),
                  (rounds, 1, "system"), "rounds")
        cli.equal([(each["name"], each["library"], each["runs"], each["failed_runs"],
                    each["failure"], each["loadable"]) for each in found["allocators"]],
                  [("system", None, rounds, 0, None, True),
                   ("acre", bench.library, rounds, 0, None, True)], "allocators")
        check_numbers(found)
    done = bench.run("run", *ALONE, "--repeat", "1", "--json", "-", "true")
    check_numbers(json.loads(done.stdout))


def case_an_allocator_on_which_the_program_fails_says_so(bench):
    spoiler = bench.compile("libspoiler.so", SPOILER, "-shared", "-fPIC", "-D_GNU_SOURCE")
    words = (*ALONE, "--repeat", "2", "--with", f"spoiler={spoiler}", "--json")
    for how, line, failure in (
            ("crash", "failed: signal 11 (Segmentation fault) in 2 of 2 runs",
             "signal 11 (Segmentation fault)"),
            ("exit", "failed: exit status 9 in 2 of 2 runs (expected: exit status 0)",
             "exit status 9")):
        path = bench.dir / "failed.json"
        done = bench.run("run", *words, str(path), "true", env={"SPOIL": how})
        cli.equal((done.returncode, done.stderr), (0, b""), "a peer's failure is not acre's")
        cli.equal(" ".join(table(done)["spoiler"]), line, "row")
        cli.equal(len(table(done)["acre"]), 10, "the other rows have numbers")
        spoiled = json.loads(path.read_text())["allocators"][2]
        cli.equal((spoiled["failed_runs"], spoiled["failure"]), (2, failure), "JSON")
    done = bench.run("run", *words, str(path), "true")
    cli.equal(len(table(done)["spoiler"]), 10, "a row with numbers when all is well")


def case_a_library_that_cannot_be_loaded_is_named_and_not_run(bench):
    bench.compile("libgone.so", "int acre_test_gone;", "-shared", "-fPIC")
    needy = bench.compile("libneedy.so", "int acre_test_needy;", "-shared", "-fPIC",
                          "-Wl,--no-as-needed", f"-L{bench.dir}", "-lgone")
    # One ends every program at its start; of the other the loader complains, and goes on without.
    gone = bench.dir / "libgone.so"
    data = bytearray(gone.read_bytes())
    data[20] = 9  # the version of ELF
    future = bench.write("libfuture.so", bytes(data), 0o755)
    gone.unlink()
    for path in (needy, future):
        done = bench.run("run", *ALONE, "--repeat", "1", "--with", f"it={path}", "true")
        cli.equal(" ".join(table(done)["it"]), f"not run: '{path}' cannot be preloaded", "row")
        cli.equal((done.returncode, done.stderr), (0, b""), "status")


def case_the_exit_status_is_the_programs(bench):
    done = bench.run("run", *ALONE, "--repeat", "1", "sh", "-c", "exit 3")
    cli.equal(done.returncode, 3, "exit status")
    cli.true(done.stdout.endswith(b"\n\nThe program ends with exit status 3.\n"), "it is said")
    cli.equal(len(table(done)["acre"]), 9, "a status that all agree on is no failure")
    done = bench.run("run", *ALONE, "--repeat", "1", "sh", "-c", "kill -9 $$")
    cli.equal(done.returncode, 137, "exit status after a signal")
    for name in ("system", "acre"):
        cli.equal(" ".join(table(done)[name]), "failed: signal 9 (Killed) in 1 of 1 runs", name)
    only_acre = "case \"$LD_PRELOAD\" in *acre*) exit 4;; esac"
    done = bench.run("run", *ALONE, "--repeat", "1", "sh", "-c", only_acre)
    cli.equal(done.returncode, 4, "exit status when it fails on acre alone")
    cli.equal(" ".join(table(done)["acre"]),
              "failed: exit status 4 in 1 of 1 runs (expected: exit status 0)", "acre")


def case_repeat_alone_measures_acre(bench):
    done = bench.run("run", "--repeat", "2", "true")
    cli.equal(list(table(done)), ["acre"], "rows")


def case_a_signal_ends_the_comparison(bench):
    log = bench.dir / "started"
    process = bench.start("run", *ALONE, "sh", "-c", f"echo $$ >> {log}; exec sleep 30")
    cli.wait_until(lambda: log.exists() and log.read_text().endswith("\n"), "the program's start")
    start = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=cli.TIMEOUT_S)
    cli.equal((process.returncode, out), (-signal.SIGTERM, b""), "status and output")
    cli.true(time.monotonic() - start < 10, "at once")
    cli.true(not cli.is_running(int(log.read_text())), "the program is gone")
    cli.equal(log.read_text().count("\n"), 1, "runs")


def case_a_program_that_cannot_be_run_is_refused_before_any_run(bench):
    cli.one_line(bench.run("run", "--compare", "no-such-program"), 127,
                 "acre: cannot run 'no-such-program': not found")


def case_a_table_that_cannot_be_written_is_125(bench):
    if not os.path.exists("/dev/full"):
        raise cli.Skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        done = bench.run("run", *ALONE, "--repeat", "1", "true", stdout=full)
    cli.equal((done.returncode, done.stderr),
              (125, b"acre: cannot write 'stdout': No space left on device\n"), "status")


def case_the_compiler_of_this_machine_can_be_measured(bench):
    compiler = os.environ.get("CC", "cc")
    source = bench.write("hello.c", "#include <stdio.h>\nint main(void) { return puts(\"x\"); }\n")
    if subprocess.run(["sh", "-c", f"{compiler} --version"], capture_output=True,
                      check=False).returncode != 0:
        raise cli.Skip("no compiler")
    done = bench.run("run", *ALONE, "--repeat", "1", "--", *compiler.split(), "-c", source,
                     "-o", "/dev/null")
    cli.equal((done.returncode, done.stderr), (0, b""), "status")
    cli.equal(list(table(done)), ["system", "acre"], "rows")


cli.main(sys.modules[__name__])
