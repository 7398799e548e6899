"""The JSON document: the plan, every run of it so far, and the results. It can be gone on with.

The plan is fixed when it is made; the order of its runs follows from its seed. So a document that
was left in the middle says exactly what is still to be done, and by what:

    round 0 (warm-up, does not count)   tests in random order, of each test the allocators in
    round 1 ... rounds                  random order: what runs before whom changes in each round

In the warm-up the system's malloc comes first: what a test prints there is what it must print.

SPDX-License-Identifier: MIT
"""
import dataclasses
import json
import os
import pathlib
import platform
import random
import time

import allocators
import say

FORMAT = 1
SAVE_EVERY_S = 2.0


def machine():
    model = ""
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {"processor": model or platform.machine(), "cpus": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
            "huge_pages": huge_pages(), "libc": allocators.system_name()}


def huge_pages():
    try:
        text = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
        return text[text.index("[") + 1:text.index("]")]
    except (OSError, ValueError):
        return "unknown"


class Record:
    """The document in memory, and in its file if it has one."""

    def __init__(self, content, path):
        self.content = content
        self.path = pathlib.Path(path) if path else None
        self.saved_at = 0.0

    @property
    def plan(self):
        return self.content["plan"]

    @property
    def runs(self):
        return self.content["runs"]

    def allocators(self):
        return [allocators.Allocator(a["name"], a["library"], a["conf"], a["is_acre"])
                for a in self.plan["allocators"]]

    def left(self):
        """(round, test name, allocator name) of each run that is still to be done."""
        done = {(r["round"], r["test"], r["allocator"]) for r in self.runs}
        broken = {(r["test"], r["allocator"]) for r in self.runs if "failure" in r}
        return [run for run in self.order() if run not in done and run[1:] not in broken]

    def order(self):
        generator = random.Random(self.plan["order_seed"])
        names = [a["name"] for a in self.plan["allocators"]]
        for number in range(self.plan["rounds"] + 1):
            for test in generator.sample(self.plan["tests"], len(self.plan["tests"])):
                order = generator.sample(names, len(names))
                if number == 0:
                    order.sort(key=lambda name: name != allocators.SYSTEM)
                for name in order:
                    yield number, test, name

    def add(self, run):
        self.runs.append(run)
        if time.monotonic() - self.saved_at > SAVE_EVERY_S:
            self.save()

    def save(self, path=None):
        """Whole or not at all: the file is never half written."""
        target = path or self.path
        if target is None:
            return
        target = pathlib.Path(target)
        text = json.dumps(self.content, indent=1) + "\n"
        try:
            if str(target) == "/dev/stdout" or (target.exists() and not target.is_file()):
                target.write_text(text)
            else:
                beside = target.with_name(target.name + ".part")
                beside.write_text(text)
                beside.replace(target)
        except OSError as error:
            say.failed(f"cannot write '{target}': {error.strerror}")
        self.saved_at = time.monotonic()


def fresh(options, version, tests, skipped, chosen):
    return Record({
        "acre_bench": FORMAT, "acre": version, "machine": machine(),
        "started": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "plan": {
            "tests": [t.name for t in tests], "rounds": options.rounds, "quick": options.quick,
            "seed": options.seed, "order_seed": options.order_seed,
            "allocators": [{**dataclasses.asdict(a), "digest": a.digest()} for a in chosen],
        },
        "skipped": skipped, "printed": {}, "runs": [],
    }, options.json)


def load(path):
    """The document in a file, for --resume."""
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        say.wrong(f"cannot read '{path}': {error.strerror}")
    except ValueError:
        say.wrong(f"'{path}' is no result of acre bench: it is no JSON")
    if not isinstance(content, dict) or content.get("acre_bench") != FORMAT:
        say.wrong(f"'{path}' is no result of this version of acre bench")
    missing = {"acre", "machine", "started", "plan", "skipped", "printed", "runs"} - set(content)
    if missing:
        say.wrong(f"'{path}' is damaged: it has no '{min(missing)}'")
    return Record(content, path)


def check_same(record):
    """What is gone on with must be what was begun with."""
    for allocator, told in zip(record.allocators(), record.plan["allocators"]):
        try:
            is_same = allocator.digest() == told["digest"]
        except OSError:
            is_same = False
        if not is_same:
            say.wrong(f"the library of {allocator.name} is not the one that was measured "
                      f"('{allocator.library}'); begin anew, without --resume")
