"""cli.py - what the tests of the acre command share: running it, building programs, reporting.

Each test is a program: `python3 NAME.py BUILD_DIR`, where BUILD_DIR holds acre and libacre.so. It
prints a line for each case, `ok` or `not ok` or `skip` with the reason, and ends with status 1 when
a case failed.

SPDX-License-Identifier: MIT
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TIMEOUT_S = 60

# The two ways of running one program: acre becomes it, or stays as its parent.
BECOME = ()
WATCH = ("--json", "/dev/null")
WAYS = (BECOME, WATCH)


class Skip(Exception):
    """Raised by a case that cannot be tried here; says why."""


class Bench:
    """The command under test, a directory for files, and a clean environment."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.acre = str(self.build / "acre")
        self.library = os.path.realpath(self.build / "libacre.so")
        # Open to other users, because some cases change the user.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="acre-cli-"))
        self.dir.chmod(0o755)
        self.started = []
        self.env = {
            name: value for name, value in os.environ.items()
            if name not in ("LD_PRELOAD", "ACRE_CONF", "ACRE_LIBRARY")}
        self.env["LC_ALL"] = "C"

    def run(self, *words, env=None, **options):
        """Runs acre with these words; returns what subprocess.run returns, with bytes."""
        options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
        if options["stdin"] is None:
            del options["stdin"]
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.run([self.acre, *words], env={**self.env, **(env or {})},
                              timeout=TIMEOUT_S, check=False, **options)

    def start(self, *words, env=None, **options):
        """Starts acre with these words; returns a Popen."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([self.acre, *words], env={**self.env, **(env or {})},
                                   start_new_session=True, **options)
        self.started.append(process)
        return process

    def clean_up(self):
        """Ends what a failed case left running, and what that had started."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        self.started.clear()

    def compile(self, name, source, *flags):
        """Compiles a C program or library; skips the case when the compiler cannot."""
        path = self.dir / name
        compiler = os.environ.get("CC", "cc").split()
        done = subprocess.run([*compiler, "-x", "c", "-", "-o", path, *flags],
                              input=source.encode(), capture_output=True, check=False,
                              timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise Skip(f"cannot compile {name} with {' '.join(flags) or 'no flags'}")
        return str(path)

    def write(self, name, content, mode=0o644):
        """Writes a file and returns its path."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return str(path)

    def copy_command(self, directory, library_directory):
        """Copies acre and its library to other places; returns the path of the copied acre."""
        for place, source in ((directory, self.acre), (library_directory, self.library)):
            if place is not None:
                target = self.dir / place
                target.mkdir(parents=True, exist_ok=True)
                name = "acre" if source == self.acre else "libacre.so"
                shutil.copy(source, target / name)
                (target / name).chmod(0o755)
        return str(self.dir / directory / "acre")


def equal(found, expected, what="value"):
    """Fails the case unless both are the same."""
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def true(condition, what):
    """Fails the case unless the condition holds."""
    if not condition:
        raise AssertionError(what)


def one_line(done, status, line):
    """Fails the case unless acre ended with this status, this line on stderr and nothing else."""
    equal(done.stderr.decode(), line + "\n", "stderr")
    equal(done.stdout, b"", "stdout")
    equal(done.returncode, status, "exit status")


def wait_until(condition, what, seconds=10):
    """Waits until the condition holds; fails the case when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        true(time.monotonic() < end, f"waited {seconds} s for: {what}")
        time.sleep(0.01)


def is_running(pid):
    """Whether the process exists and is no zombie."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] not in "ZX"


def main(module):
    """Runs each function of the module whose name starts with `case_`, and exits."""
    if len(sys.argv) != 2:
        sys.exit(f"{sys.argv[0]}: type: {sys.argv[0]} BUILD_DIR")
    cases = [(name[len("case_"):], value) for name, value in vars(module).items()
             if name.startswith("case_")]
    failed = 0
    bench = Bench(sys.argv[1])
    try:
        for number, (name, case) in enumerate(cases, 1):
            try:
                case(bench)
                print(f"ok {number} - {name}", flush=True)
            except Skip as why:
                print(f"ok {number} - {name} # skip {why}", flush=True)
            except Exception:  # A case that breaks is a case that failed.
                failed += 1
                print(f"not ok {number} - {name}", flush=True)
                print("    " + traceback.format_exc().replace("\n", "\n    "), flush=True)
            bench.clean_up()
    finally:
        shutil.rmtree(bench.dir, ignore_errors=True)
    print(f"1..{len(cases)}")
    sys.exit(1 if failed else 0)
