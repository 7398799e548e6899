#!/usr/bin/env python3
"""jobs.py - job control: ^Z, fg and ^C on a terminal do with acre what they do with the program.

A small shell of our own runs on a pseudo-terminal, starts a job in a process group of its own, puts
it in the foreground and reports what wait tells it.

SPDX-License-Identifier: MIT
"""
import os
import pty
import select
import signal
import sys
import time

import cli


class Terminal:
    """A pseudo-terminal with the small shell on it."""

    def __init__(self, bench, words):
        report, self.report_end = os.pipe()
        self.command, command = os.pipe()
        self.report, self.order = report, command
        self.output = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                self.shell(bench, words)
            finally:
                os._exit(1)
        os.close(self.report_end)
        os.close(self.command)

    def shell(self, bench, words):
        """The shell's side: starts the job, reports each change, continues it when told."""
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpgrp())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.execve(bench.acre, [bench.acre, *words], bench.env)
        while True:
            _, status = os.waitpid(job, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                os.write(self.report_end, b"ended %d\n" % os.waitstatus_to_exitcode(status))
                os._exit(0)
            os.tcsetpgrp(0, os.getpgrp())
            os.write(self.report_end, b"stopped %d\n" % os.WSTOPSIG(status))
            if os.read(self.command, 1) == b"":
                os.killpg(job, signal.SIGKILL)
                os._exit(0)
            os.tcsetpgrp(0, job)
            os.killpg(job, signal.SIGCONT)

    def expect(self, text, seconds=10):
        """Waits until the terminal shows this text."""
        end = time.monotonic() + seconds
        while text not in self.output:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            cli.true(ready, f"waited for {text!r}, the terminal shows {self.output!r}")
            try:
                self.output += os.read(self.master, 4096)
            except OSError:
                raise AssertionError(f"no {text!r} in {self.output!r}") from None
        self.output = self.output.split(text, 1)[1]

    def type(self, keys):
        """Types these bytes on the keyboard."""
        os.write(self.master, keys)

    def change(self, seconds=10):
        """Waits for what the shell reports next; returns None when it reports nothing."""
        ready, _, _ = select.select([self.report], [], [], seconds)
        return os.read(self.report, 100).decode().strip() if ready else None

    def resume(self):
        """Does what `fg` does."""
        os.write(self.order, b"c")

    def close(self):
        """Ends all of it. The hang-up of the terminal ends what is left."""
        for fd in (self.order, self.report, self.master):
            os.close(fd)
        os.waitpid(self.pid, 0)


def with_terminal(bench, words, play):
    terminal = Terminal(bench, words)
    try:
        play(terminal)
    finally:
        terminal.close()


def case_stop_continue_and_end(bench):
    def play(terminal):
        terminal.type(b"one\n")
        terminal.expect(b"one\r\none\r\n")
        for _ in range(2):
            terminal.type(b"\x1a")
            cli.equal(terminal.change(), "stopped 20", "after ^Z")
            terminal.resume()
            terminal.type(b"two\n")
            terminal.expect(b"two\r\ntwo\r\n")
        terminal.type(b"\x04")
        cli.equal(terminal.change(), "ended 0", "after ^D")
    for way in cli.WAYS:
        with_terminal(bench, ["run", *way, "cat"], play)


def case_interrupt_and_quit_end_both_by_the_signal(bench):
    for way in cli.WAYS:
        for key, number in ((b"\x03", 2), (b"\x1c", 3)):
            def play(terminal, key=key, number=number):
                terminal.type(b"one\n")
                terminal.expect(b"one\r\none\r\n")
                terminal.type(key)
                cli.equal(terminal.change(), f"ended {-number}", "after the key")
            with_terminal(bench, ["run", *way, "sh", "-c", "ulimit -c 0; exec cat"], play)


COUNTER = """
import signal, sys, time
counts = {}
def handler(number, frame):
    counts[int(number)] = counts.get(int(number), 0) + 1
for number in (signal.SIGINT, signal.SIGTSTP):
    signal.signal(number, handler)
print("ready", flush=True)
end = time.monotonic() + 10
while sum(counts.values()) < int(sys.argv[1]) and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.3)
print("counts", sorted(counts.items()), flush=True)
sys.exit(5)
"""


def case_a_program_that_catches_the_keys_gets_each_once_and_goes_on(bench):
    def play(terminal):
        terminal.expect(b"ready")
        terminal.type(b"\x03")
        time.sleep(0.1)
        terminal.type(b"\x1a")
        terminal.expect(b"counts [(2, 1), (20, 1)]")
        cli.equal(terminal.change(), "ended 5", "the program's own end")
    for way in cli.WAYS:
        with_terminal(bench, ["run", *way, sys.executable, "-c", COUNTER, "2"], play)


def case_a_program_that_stops_itself_stops_acre(bench):
    def play(terminal):
        cli.equal(terminal.change(), "stopped 19", "after SIGSTOP")
        terminal.resume()
        cli.equal(terminal.change(), "ended 3", "after being continued")
    for way in cli.WAYS:
        with_terminal(bench, ["run", *way, "sh", "-c", "kill -STOP $$; exit 3"], play)


def case_progress_is_shown_on_a_terminal_and_goes_away(bench):
    def play(terminal):
        terminal.expect(b"\racre: round 2 of 3: ")
        terminal.expect(b"\r\x1b[K")
        terminal.expect(b"allocator")
        cli.equal(terminal.change(), "ended 0", "the end")
    with_terminal(bench, ["run", "--compare", "--peers", "none", "--repeat", "2",
                          "sleep", "0.6"], play)


cli.main(sys.modules[__name__])
