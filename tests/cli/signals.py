#!/usr/bin/env python3
"""signals.py - a program on acre dies by its signals, gets those sent to acre, and keeps its masks.

SPDX-License-Identifier: MIT
"""
import os
import re
import signal
import subprocess
import sys
import time

import cli

# Says "ready", then waits for any of these signals, tells its name and ends with status 7.
CATCHER = """
import os, signal, sys
names = sys.argv[1:]
wanted = {int(name) for name in names}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
os.write(1, b"ready %d\\n" % os.getpid())
print(int(signal.sigwaitinfo(wanted).si_signo))
sys.exit(7)
"""


def start_catcher(bench, numbers, **options):
    process = bench.start("run", *cli.WATCH, sys.executable, "-c", CATCHER,
                          *map(str, numbers), **options)
    ready = process.stdout.readline().split()
    cli.equal(ready[0], b"ready", "first line")
    return process, int(ready[1])


def case_a_program_that_dies_by_a_signal_makes_acre_die_by_it(bench):
    for way in cli.WAYS:
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM,
                       signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGPIPE,
                       signal.SIGALRM, signal.SIGRTMIN):
            done = bench.run("run", *way, "sh", "-c", f"kill -{int(number)} $$")
            cli.equal(done.returncode, -number, f"status with {way}")
            cli.equal((done.stdout, done.stderr), (b"", b""), "output")


def case_a_shell_sees_128_and_the_number(bench):
    for way in cli.WAYS:
        words = " ".join(["run", *way])
        done = subprocess.run(
            ["sh", "-c", f"'{bench.acre}' {words} sh -c 'kill -9 $$'; echo $?"],
            env=bench.env, capture_output=True, check=False, timeout=cli.TIMEOUT_S)
        cli.equal(done.stdout, b"137\n", f"status with {way}")


def case_a_core_is_not_written_twice(bench):
    pattern = open("/proc/sys/kernel/core_pattern", encoding="utf-8").read().strip()
    if pattern.startswith("|") or "/" in pattern:
        raise cli.Skip("cores do not go to the current directory")
    place = bench.dir / "cores"
    place.mkdir()
    done = subprocess.run(
        ["sh", "-c", f"ulimit -c unlimited; exec '{bench.acre}' run {' '.join(cli.WATCH)} "
         "sh -c 'kill -SEGV $$'"], cwd=place, env=bench.env, check=False, timeout=cli.TIMEOUT_S)
    cli.equal(done.returncode, -11, "status")
    cli.true(len(list(place.iterdir())) <= 1, "at most one core")


def case_signals_sent_to_acre_reach_the_program(bench):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT,
                   signal.SIGQUIT, signal.SIGCONT, signal.SIGALRM, signal.SIGWINCH,
                   signal.SIGRTMIN + 1):
        process, _ = start_catcher(bench, [number])
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=cli.TIMEOUT_S)
        cli.equal((out, err, process.returncode), (b"%d\n" % number, b"", 7), f"signal {number}")


def case_a_signal_that_the_program_does_not_catch_ends_both(bench):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process, pid = start_catcher(bench, [signal.SIGUSR1])
        os.kill(process.pid, number)
        process.communicate(timeout=cli.TIMEOUT_S)
        cli.equal(process.returncode, -number, "status")
        cli.true(not cli.is_running(pid), "the program is gone")


def case_a_program_that_signals_its_group_gets_it_once(bench):
    program = """
import os, signal, time
count = 0
def handler(number, frame):
    global count
    count += 1
signal.signal(signal.SIGUSR1, handler)
for _ in range(6):
    os.killpg(0, signal.SIGUSR1)
    time.sleep(0.05)
print(count)
"""
    done = bench.run("run", *cli.WATCH, sys.executable, "-c", program, start_new_session=True)
    cli.equal((done.stdout, done.returncode), (b"6\n", 0), "signals caught")


def case_killing_acre_kills_the_program(bench):
    process, pid = start_catcher(bench, [signal.SIGUSR1])
    process.kill()
    process.communicate(timeout=cli.TIMEOUT_S)
    cli.wait_until(lambda: not cli.is_running(pid), "the program's end")


def masks(text):
    return re.findall(rb"Sig(?:Blk|Ign|Cgt):\s*\w+", text)


def case_masks_and_ignored_signals_are_inherited(bench):
    def arrange():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR2, signal.SIGTERM})
    for prepare in (None, arrange):
        plain = subprocess.run(["cat", "/proc/self/status"], env=bench.env, preexec_fn=prepare,
                               stdout=subprocess.PIPE, check=True)
        for way in cli.WAYS:
            done = bench.run("run", *way, "cat", "/proc/self/status", preexec_fn=prepare)
            cli.equal(masks(done.stdout), masks(plain.stdout), f"masks with {way}")
            cli.equal(done.returncode, 0, "exit status")


def case_status_is_known_though_the_caller_ignores_children(bench):
    done = bench.run("run", *cli.WATCH, "sh", "-c", "exit 9",
                     preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    cli.equal(done.returncode, 9, "exit status")


def case_an_alarm_set_before_reaches_the_program(bench):
    for way in cli.WAYS:
        start = time.monotonic()
        done = bench.run("run", *way, "sleep", "20",
                         preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 0.3))
        cli.equal(done.returncode, -signal.SIGALRM, f"status with {way}")
        cli.true(time.monotonic() - start < 10, "at once")


cli.main(sys.modules[__name__])
