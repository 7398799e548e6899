"""What the measure_*.py scripts share: allocators, running a program on one, tables, verdicts.

SPDX-License-Identifier: MIT
"""
import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name: SONAME of the preloadable library. Every one that is installed takes part.
PEERS = {
    "mimalloc": "libmimalloc.so.2",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "tbb": "libtbbmalloc_proxy.so.2",
}
BINDINGS = ("rseq", "thread")


@dataclasses.dataclass(frozen=True)
class Allocator:
    """A name for tables, the library to preload (None is the system's malloc), more environment."""
    name: str
    library: pathlib.Path | None = None
    conf: str = ""

    def environment(self):
        env = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "ACRE_CONF")}
        if self.library:
            env["LD_PRELOAD"] = str(self.library)
        if self.conf:
            env["ACRE_CONF"] = self.conf
        return env


def fail(message):
    """Ends the script the way a wrong command line does: one line, status 2."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    raise SystemExit(2)


def need_tool(name, package):
    path = shutil.which(name)
    if not path:
        fail(f"'{name}' is not installed (Debian package {package})")
    return path


def need_file(path, hint):
    path = pathlib.Path(path)
    if not path.exists():
        fail(f"{path} does not exist: {hint}")
    return path.resolve()


def find_library(soname):
    """Where the dynamic linker finds a SONAME, or None."""
    tool = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if not tool:
        return None
    listing = subprocess.run([tool, "-p"], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        if line.split(" ")[0].strip() == soname and " => " in line:
            return pathlib.Path(line.split(" => ")[1].strip())
    return None


def installed_peers():
    found = [(name, find_library(soname)) for name, soname in PEERS.items()]
    return [Allocator(name, library) for name, library in found if library]


def acre_allocators(library):
    return [Allocator(f"acre-{b}", library, f"slots={b}") for b in BINDINGS]


def acre_library(build_dir, required):
    """BUILD_DIR/libacre.so; without it, ends the script or returns None."""
    library = pathlib.Path(build_dir) / "libacre.so"
    if required:
        return need_file(library, "build it first with `make`")
    return library.resolve() if library.exists() else None


def pattern_program(build_dir, name):
    return need_file(pathlib.Path(build_dir) / "bench" / name, "type `cmake --build build --target bench_programs`")


def run(command, allocator, timeout_seconds=300, may_complain=False, **more):
    """Standard output of a command on an allocator; anything on stderr or a bad status is an error.

    A library that cannot be preloaded only gets a line on stderr from the dynamic linker, and the
    program would be measured on the system's malloc without notice. The same holds for a binding
    that is not available. `may_complain` allows text on stderr.
    """
    words = [str(part) for part in command]
    what = " ".join([pathlib.Path(words[0]).name, *words[1:]]) + f" on {allocator.name}"
    try:
        done = subprocess.run(words, env=allocator.environment(), text=True, capture_output=True,
                              timeout=timeout_seconds, check=False, **more)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{what}: not done after {timeout_seconds} s") from None
    if done.returncode != 0 or (done.stderr and not may_complain):
        message = done.stderr.strip() or "no message"
        raise RuntimeError(f"{what}: status {done.returncode}: {message}")
    return done.stdout


def fields(line):
    """`NAME key=value key=value` as a dictionary of numbers."""
    return {key: float(value) for key, value in
            (word.split("=", 1) for word in line.split() if "=" in word)}


def quartiles(values):
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, mid, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, mid, high


def print_table(rows, header):
    """Columns as wide as they need; the first to the left, the others to the right."""
    rows = [list(map(str, row)) for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def plain(value):
    """Four digits, and all of a large number."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


class Verdicts:
    """Collects what was asked for and what was found, and says so at the end."""

    def __init__(self):
        self.failures = 0

    def at_most(self, what, value, limit, unit=""):
        self._line(value <= limit, what, f"{plain(value)}{unit}", f"at most {plain(limit)}{unit}")

    def at_least(self, what, value, limit, unit=""):
        self._line(value >= limit, what, f"{plain(value)}{unit}", f"at least {plain(limit)}{unit}")

    def true(self, what, holds, found):
        self._line(holds, what, found, "")

    def _line(self, holds, what, found, limit):
        self.failures += not holds
        print(f"{'ok  ' if holds else 'FAIL'}  {what}: {found}{f' ({limit})' if limit else ''}")

    def status(self, check):
        """Exit status: 1 only when the caller asked for a check and something failed."""
        if self.failures:
            print(f"{self.failures} failed")
        return 1 if check and self.failures else 0
