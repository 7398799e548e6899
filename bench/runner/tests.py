"""What can be measured: the pattern programs of patterns.txt and the real programs of jobs.txt.

SPDX-License-Identifier: MIT
"""
import dataclasses
import pathlib
import shlex
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent  # patterns.txt and the programs are here


@dataclasses.dataclass(frozen=True)
class Test:
    """One thing that is run on every allocator."""
    name: str
    group: str  # of patterns.txt, or "jobs"
    command: tuple
    compares: frozenset  # of "time" and "memory"
    watches: int = 0  # look at the memory of all its processes every so many milliseconds
    is_driver: bool = False  # puts the allocator under a program that it starts, not under itself
    needs: tuple = ()  # programs of which one must be there, by name
    package: str = ""
    stdin: str = ""

    @property
    def is_idle(self):
        return self.group == "idle"


BOTH = frozenset({"time", "memory"})
IDLE_LOOK_MS = 50
TREE_LOOK_MS = 10


def lines(path):
    """The lines of a table that are not empty and no comment."""
    text = path.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_patterns():
    found = []
    for line in lines(HERE / "patterns.txt"):
        name, group, _, *command = line.split()
        compares = BOTH if group not in ("memory", "idle") else frozenset({"memory"})
        watches = IDLE_LOOK_MS if group == "idle" else 0
        found.append(Test(name, group, (str(HERE / command[0]), *command[1:]), compares, watches))
    return found


def read_jobs():
    """A line is: name | programs | package | flags | command; jobs.txt says what they mean."""
    found = []
    for line in lines(HERE / "jobs.txt"):
        name, needs, package, flags, command = (part.strip() for part in line.split("|", 4))
        words = shlex.split(command)
        stdin = ""
        if "<" in words:
            stdin = words[words.index("<") + 1]
            words = words[:words.index("<")]
        found.append(Test(
            name, "jobs", tuple(words), BOTH, TREE_LOOK_MS if "tree" in flags.split() else 0,
            "driver" in flags.split(), tuple(needs.split()), package, stdin))
    return found


def read_all():
    return read_patterns() + read_jobs()


def program_of(name):
    """Where one of the program's names is, or None."""
    if name == "python3":
        return sys.executable
    for choice in name.split("/"):
        path = shutil.which(choice)
        if path:
            return path
    return None


def why_not(test):
    """Why a test cannot be run here, or None."""
    if test.group != "jobs":
        if not pathlib.Path(test.command[0]).exists():
            return f"the pattern program '{pathlib.Path(test.command[0]).name}' was not built"
        return None
    missing = [name for name in test.needs if not program_of(name)]
    if missing:
        names = " and ".join(name.replace("/", " or ") for name in missing)
        return f"{names} not installed (Debian: {test.package})"
    return None


def places(test, inputs, scratch):
    """What the words in braces of a job's command stand for."""
    found = {"inputs": str(inputs), "jobs": str(HERE / "jobs"), "scratch": str(scratch)}
    for name in test.needs:
        found[name.split("/")[0]] = program_of(name)
    return found


def filled(word, found):
    for name, value in found.items():
        word = word.replace("{" + name + "}", value)
    return word
