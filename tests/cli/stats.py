#!/usr/bin/env python3
"""stats.py - --stats and --json: what one run used, and what its heap held.

SPDX-License-Identifier: MIT
"""
import json
import os
import re
import sys
import time

import cli

MEMBERS = [
    "acre", "command", "library", "exit_status", "signal", "wall_seconds", "user_seconds",
    "system_seconds", "peak_rss_bytes", "minor_faults", "major_faults", "heap"]

HEAP_MEMBERS = {
    "acre", "pid", "slots_binding", "live_bytes", "live_blocks", "small_bytes", "run_bytes",
    "huge_bytes", "huge_blocks", "free_small_bytes", "virgin_bytes", "dirty_free_bytes",
    "cached_huge_bytes", "metadata_bytes", "committed_bytes", "reserved_bytes", "limit_bytes",
    "slots", "segments", "peak_rss_bytes"}

SUMMARY = re.compile(
    r"acre: (?P<ending>exit status \d+|signal \d+ \(.+\)) after \d+\.\d{3} s; "
    r"CPU \d+\.\d{3} s user, \d+\.\d{3} s system\n"
    r"acre: peak memory \d+\.\d [KMG]iB; page faults \d+ minor, \d+ major\n"
    r"acre: (?P<heap>.*)\n")

HEAP = re.compile(
    r"heap at exit \d+\.\d [KMG]iB in \d+ blocks; holds \d+\.\d [KMG]iB, \d+\.\d [KMG]iB of it "
    r"bookkeeping; \d+ slots? \((rseq|thread)\)")

NO_HEAP = ("no statistics of the heap: the program ended by _exit, as shells do, "
           "or cleared its environment")
KILLED = "no statistics of the heap: a signal ended the program"


def summary(done):
    found = SUMMARY.fullmatch(done.stderr.decode())
    cli.true(found, f"summary: {done.stderr.decode()}")
    return found


def report(bench, *words, **options):
    """Runs with --json FILE; returns what acre did and the object in the file."""
    path = bench.dir / "report.json"
    done = bench.run("run", "--json", str(path), *words, **options)
    text = path.read_text()
    cli.equal(text.count("\n"), 1, "lines of JSON")
    return done, json.loads(text)


def case_the_summary_is_three_lines_on_stderr(bench):
    done = bench.run("run", "--stats", "echo", "hello")
    cli.equal((done.stdout, done.returncode), (b"hello\n", 0), "the program")
    found = summary(done)
    cli.equal(found["ending"], "exit status 0", "ending")
    cli.true(HEAP.fullmatch(found["heap"]), f"heap: {found['heap']}")


def case_the_summary_tells_another_ending(bench):
    done = bench.run("run", "--stats", "sh", "-c", "exit 3")
    cli.equal((summary(done)["ending"], done.returncode), ("exit status 3", 3), "ending")
    done = bench.run("run", "--stats", "sh", "-c", "kill -9 $$")
    cli.equal((summary(done)["ending"], done.returncode), ("signal 9 (Killed)", -9), "ending")
    cli.equal(summary(done)["heap"], KILLED, "heap")


def case_a_program_that_ends_by_underscore_exit_has_no_heap_statistics(bench):
    program = (sys.executable, "-c", "import os; os._exit(4)")
    done = bench.run("run", "--stats", *program)
    cli.equal((summary(done)["heap"], done.returncode), (NO_HEAP, 4), "summary")
    done, found = report(bench, *program)
    cli.equal((found["heap"], found["exit_status"], done.returncode), (None, 4, 4), "JSON")


def case_json_has_every_member(bench):
    program = (sys.executable, "-c", "raise SystemExit(5)", "\xff\"\\\n")
    done, found = report(bench, *program)
    cli.equal((done.stdout, done.stderr, done.returncode), (b"", b"", 5), "the program")
    cli.equal(list(found), MEMBERS, "members")
    cli.equal(found["command"], list(program), "command")
    cli.equal(found["library"], bench.library, "library")
    cli.equal((found["exit_status"], found["signal"]), (5, None), "ending")
    cli.true(HEAP_MEMBERS <= set(found["heap"]), f"missing: {HEAP_MEMBERS - set(found['heap'])}")
    cli.true(found["heap"]["committed_bytes"] > 0, "the heap holds memory")
    _, found = report(bench, "sh", "-c", "kill -15 $$")
    cli.equal((found["exit_status"], found["signal"], found["heap"]), (None, 15, None), "ending")


def case_json_escapes_bytes_that_are_no_text(bench):
    _, found = report(bench, "true", b"a\xff\xc3(\xed\xa0\x80b")
    cli.equal(found["command"][1], "a\ufffd\ufffd(\ufffd\ufffd\ufffdb", "argument")


def case_json_goes_to_stderr_and_to_stdout(bench):
    done = bench.run("run", "--stats=json", "echo", "hello")
    cli.equal(done.stdout, b"hello\n", "stdout")
    cli.equal(list(json.loads(done.stderr)), MEMBERS, "members on stderr")
    done = bench.run("run", "--json", "-", "true")
    cli.equal(list(json.loads(done.stdout)), MEMBERS, "members on stdout")
    cli.equal(done.stderr, b"", "stderr")
    done = bench.run("run", "--json=-", "--stats", "true")
    cli.equal(list(json.loads(done.stdout)), MEMBERS, "members on stdout")
    summary(done)


def case_a_report_that_cannot_be_written_is_125(bench):
    marker = bench.dir / "marker"
    done = bench.run("run", "--json", "/nonexistent/report", "touch", str(marker))
    cli.one_line(done, 125, "acre: cannot write '/nonexistent/report': No such file or directory")
    cli.true(not marker.exists(), "the program was not started")
    if os.path.exists("/dev/full"):
        cli.one_line(bench.run("run", "--json", "/dev/full", "true"), 125,
                     "acre: cannot write '/dev/full': No space left on device")


def case_only_the_program_itself_writes_statistics(bench):
    program = "import os, subprocess\nprint(os.getpid(), flush=True)\n" \
        "subprocess.run(['true'], close_fds=False, check=True)"
    done, found = report(bench, sys.executable, "-c", program)
    cli.equal(found["heap"]["pid"], int(done.stdout), "process of the statistics")


def case_a_program_that_becomes_another_is_reported_at_its_end(bench):
    program = "import os; print(os.getpid()); raise SystemExit(6)"
    done, found = report(bench, "sh", "-c", f"exec '{sys.executable}' -c '{program}'")
    cli.equal((found["heap"]["pid"], found["exit_status"]), (int(done.stdout), 6), "the last one")


def case_processes_that_stay_behind_are_not_waited_for(bench):
    start = time.monotonic()
    program = "import subprocess\nprint(subprocess.Popen(['sleep', '5'], close_fds=False, " \
        "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"
    done, found = report(bench, sys.executable, "-c", program)
    seconds = time.monotonic() - start
    os.kill(int(done.stdout), 9)
    cli.true(seconds < 4, f"took {seconds:.1f} s")
    cli.true(found["heap"] is not None, "the heap is known all the same")


def case_times_and_memory_are_measured(bench):
    _, found = report(bench, "sleep", "0.3")
    cli.true(0.3 <= found["wall_seconds"] < 3, f"wall: {found['wall_seconds']}")
    cli.true(found["user_seconds"] + found["system_seconds"] < 0.2, "hardly any processor time")
    spin = "import time\nwhile time.process_time() < 0.4: pass"
    _, found = report(bench, sys.executable, "-c", spin)
    cpu = found["user_seconds"] + found["system_seconds"]
    cli.true(0.35 <= cpu <= found["wall_seconds"] * 1.1, f"CPU: {cpu}")
    small = report(bench, "true")[1]
    large = report(bench, sys.executable, "-c", "len(bytearray(b'x' * (64 << 20)))")[1]
    cli.true(large["peak_rss_bytes"] > 64 << 20, f"peak: {large['peak_rss_bytes']}")
    cli.true(small["peak_rss_bytes"] < 16 << 20, f"peak: {small['peak_rss_bytes']}")
    cli.true(large["minor_faults"] > small["minor_faults"], "page faults")


def case_children_that_were_waited_for_count(bench):
    spin = f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.3: pass'; true"
    _, found = report(bench, "sh", "-c", spin)
    cli.true(found["user_seconds"] + found["system_seconds"] >= 0.25, "CPU of the child")


def case_slots_are_passed_on(bench):
    for binding in ("thread", "rseq"):
        done, found = report(bench, f"--slots={binding}", "true")
        if done.stderr:
            raise cli.Skip(f"{binding}: {done.stderr.decode()}")
        cli.equal(found["heap"]["slots_binding"], binding, "binding")


def case_rubbish_in_the_pipe_is_not_believed(bench):
    # The program writes into acre's pipe before the library does.
    program = "import os\nfd = int(os.environ['ACRE_CONF'].split('stats_fd=')[1].split(',')[0])\n" \
        "os.write(fd, {!r})\nos._exit(0)"
    for rubbish in (b"x", b"x\n", b"{}\n", b'{"a":}\n', b'{"a":1,"b":[1]}\n', b'{"a":01}\n',
                    b'{"a":1} x\n', b'{"a":1}', b'{"a":1', b'{"a":1\n', b'"a"\n',
                    b'{"a":"\x01"}\n', b"\0" * 50, b"x" * 40000 + b"\n"):
        _, found = report(bench, sys.executable, "-c", program.format(rubbish))
        cli.equal(found["heap"], None, f"heap after {rubbish[:20]!r}")
    _, found = report(bench, sys.executable, "-c", program.format(
        b'{"a": -1.5e+3, "b":"\\"", "c":null, "d":true ,"e":0}\n'))
    cli.equal(found["heap"], {"a": -1500, "b": '"', "c": None, "d": True, "e": 0}, "good JSON")


cli.main(sys.modules[__name__])
