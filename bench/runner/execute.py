"""One run: a test on an allocator, and what it used.

A run is a dictionary with numbers in seconds, KiB and counts, or with the reason of its failure.
What a test says of itself (`key=value` on its last line) counts more than what was seen from
outside: a pattern knows its peak page by page, a driver knows which process the allocator is in.

SPDX-License-Identifier: MIT
"""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import allocators
import tests

TIMEOUT_S = 300
OWN_NUMBERS = {"memory_kib": "memory_kib", "wall_seconds": "wall", "cpu_seconds": "cpu",
               "page_faults": "faults"}


class Runner:
    """Knows where inputs and scratch files are, and what was printed before."""

    def __init__(self, directory, percent, seed, printed):
        self.directory = pathlib.Path(directory)
        self.inputs = self.directory / "inputs"
        self.percent = percent
        self.seed = seed
        self.process = None
        self.printed = printed  # test name: what its first run printed

    def run(self, test, allocator):
        scratch = self.directory / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        output = scratch / "stdout"
        with output.open("wb") as out, (scratch / "stderr").open("wb") as err:
            usage = self.start(test, allocator, scratch, out, err)
        complaint = (scratch / "stderr").read_text(errors="replace").strip()
        reason = why_failed(usage, complaint)
        if reason:
            return {"failure": reason}
        return self.numbers(test, usage, output)

    def start(self, test, allocator, scratch, out, err):
        """Runs it to its end and returns what run_once says."""
        found = tests.places(test, self.inputs, scratch)
        env = allocators.environment(allocator, self.percent, self.seed)
        env["SCRATCH"] = str(scratch)
        if allocator.library:
            env["BENCH_PRELOAD" if test.is_driver else "RUN_ONCE_PRELOAD"] = allocator.library
        stdin = tests.filled(test.stdin, found) if test.stdin else os.devnull
        watch = ["--every", str(test.watches)] if test.watches else []
        read_end, write_end = os.pipe()
        with open(stdin, "rb") as source, os.fdopen(read_end, "r") as result:
            self.process = subprocess.Popen(
                [str(tests.HERE / "run_once"), *watch, str(write_end), str(TIMEOUT_S),
                 *(tests.filled(word, found) for word in test.command)],
                env=env, stdin=source, stdout=out, stderr=err, pass_fds=(write_end,),
                cwd=scratch, start_new_session=True)
            os.close(write_end)
            line = result.read()
            self.process.wait()
            self.process = None
        return json.loads(line) if line.endswith("\n") else {}

    def end(self):
        """Ends what runs now; run_once takes everything with it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def numbers(self, test, usage, output):
        text = output.read_bytes()
        own = said(text)
        result = {
            "wall": usage["wall"], "cpu": usage["user"] + usage["system"],
            "memory_kib": max(usage["peak_rss_kib"], usage.get("tree_rss_kib", 0)),
            "faults": usage["minor_faults"] + usage["major_faults"],
        }
        for name, key in OWN_NUMBERS.items():
            if name in own:
                result[key] = own[name]
        if test.is_idle:
            result["rss_over_time"] = usage["rss"]
        for name in ("peak_live_bytes", "live_bytes"):
            if name in own:
                result[name] = own[name]
        printed = own.get("checksum", hashlib.sha256(text).hexdigest()[:16])
        if self.printed.setdefault(test.name, printed) != printed:
            return {"failure": "its result differs from that on the system's malloc"}
        return result


def said(text):
    """`key=number` words of the last line."""
    last = text.strip().rsplit(b"\n", 1)[-1][:4000].decode(errors="replace")
    found = {}
    for word in last.split():
        key, equals, value = word.partition("=")
        try:
            if equals:
                found[key] = float(value)
        except ValueError:
            pass
    return found


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def why_failed(usage, complaint):
    last = complaint.rsplit("\n", 1)[-1][:200]
    if not usage:
        return f"it could not be started: {last}"
    if "cannot be preloaded" in complaint:
        return "the library cannot be preloaded"
    if usage["late"]:
        return f"not done after {TIMEOUT_S} seconds"
    if usage["signal"]:
        return f"ended by {signal_name(usage['signal'])}" + (f": {last}" if last else "")
    if usage["exit"]:
        return f"exit status {usage['exit']}" + (f": {last}" if last else "")
    return None
