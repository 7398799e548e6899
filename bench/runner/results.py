"""From runs to results: medians, ratios to the system's malloc, means, who is behind, limits.

A ratio is taken between two runs of the same round, which are seconds apart, and the median of the
rounds counts: a machine that is slow in one minute and fast in the next moves both sides.

SPDX-License-Identifier: MIT
"""
import statistics

KINDS = ("wall", "cpu", "memory_kib", "faults")
TIME_BEHIND = 1.05
MEMORY_BEHIND = 1.10
PAGE_BYTES = 4096
LEAST_LIVE_BYTES = 1 << 20  # below, the libraries of the process are most of its memory


def summary(values):
    """Median and spread; the spread is the distance of the extremes in percent of the median."""
    middle = statistics.median(values)
    spread = (max(values) - min(values)) / middle * 100 if middle else 0.0
    return {"median": middle, "min": min(values), "max": max(values),
            "spread_percent": round(spread, 2), "values": values}


class Results:
    """Answers questions about the runs of a record that count."""

    def __init__(self, record, tests, clock="wall"):
        self.clock = clock  # what time means in charts and judgements
        self.names = [a["name"] for a in record.plan["allocators"]]
        self.acre = [a["name"] for a in record.plan["allocators"] if a["is_acre"]]
        self.tests = [t for t in tests if t.name in record.plan["tests"]]
        self.runs = {}
        self.failures = []
        for run in record.runs:
            if "failure" in run:
                self.failures.append((run["test"], run["allocator"], run["failure"]))
            elif run["round"] > 0:
                self.runs.setdefault((run["test"], run["allocator"]), {})[run["round"]] = run

    def has(self, test, name):
        broken = any(failure[:2] == (test.name, name) for failure in self.failures)
        return (test.name, name) in self.runs and not broken

    def of(self, test, name, kind):
        """Median and spread of one kind of number, or None."""
        if not self.has(test, name):
            return None
        runs = self.runs[test.name, name]
        return summary([runs[number][kind] for number in sorted(runs)])

    def ratio(self, test, name, kind, base="system"):
        """The median of the rounds' ratios to another allocator, or None."""
        if not self.has(test, name) or not self.has(test, base):
            return None
        mine, theirs = self.runs[test.name, name], self.runs[test.name, base]
        found = [mine[n][kind] / theirs[n][kind] for n in mine if n in theirs and theirs[n][kind]]
        return statistics.median(found) if found else None

    def compared(self, kind):
        """The tests in which this kind of number says something."""
        what = "time" if kind in ("wall", "cpu") else "memory"
        return [t for t in self.tests if what in t.compares]

    def mean(self, name, kind, tests=None):
        """Geometric mean of the ratios, and of how many tests; None when there is none."""
        wanted = self.compared(kind)
        found = [self.ratio(t, name, kind) for t in wanted if tests is None or t in tests]
        found = [ratio for ratio in found if ratio]
        return (statistics.geometric_mean(found), len(found)) if found else None

    def best_peer(self, test, kind):
        """The allocator other than acre with the lowest median, or None."""
        found = [(self.of(test, n, kind)["median"], n) for n in self.names
                 if n not in self.acre and self.has(test, n)]
        return min(found)[1] if found else None

    def behind(self, name, kind, limit):
        """(test, best peer, ratio to it) of the tests where acre is further behind than `limit`."""
        found = []
        for test in self.compared(kind):
            peer = self.best_peer(test, kind)
            ratio = self.ratio(test, name, kind, peer) if peer else None
            if ratio and ratio > limit:
                found.append((test, peer, ratio))
        return sorted(found, key=lambda each: -each[2])

    def live_bytes(self, test):
        """The most that was live at once, if the test knows and it is enough to compare with."""
        for name in self.names:
            for run in self.runs.get((test.name, name), {}).values():
                live = run.get("peak_live_bytes", 0)
                return live if live >= LEAST_LIVE_BYTES and not test.is_idle else None
        return None

    def limits(self, test, name):
        """(peak memory per live byte, page faults per page of live bytes), or None."""
        live, memory = self.live_bytes(test), self.of(test, name, "memory_kib")
        if not live or not memory:
            return None
        faults = self.of(test, name, "faults")["median"]
        return memory["median"] * 1024 / live, faults / (live / PAGE_BYTES)

    def rss_over_time(self, test, name):
        """The looks of the run with the median memory after the wait, without those of its exit."""
        runs = [run for run in self.runs.get((test.name, name), {}).values()
                if run.get("rss_over_time")]
        runs.sort(key=lambda run: run["memory_kib"])
        if not runs:
            return []
        run = runs[len(runs) // 2]
        looks = list(run["rss_over_time"])
        while looks and looks[-1][1] < run["memory_kib"] * 0.9:
            looks.pop()
        return looks

    def groups(self):
        """(what they are called, the tests) for means of parts of the suite."""
        patterns = [t for t in self.tests if t.group != "jobs"]
        jobs = [t for t in self.tests if t.group == "jobs"]
        parts = [("all tests", self.tests)]
        if patterns and jobs:
            parts += [("patterns", patterns), ("real programs", jobs)]
        return parts

    def document(self):
        """What is added to the JSON when all is done."""
        means = {part: {name: {kind: self.mean(name, kind, tests) for kind in KINDS}
                        for name in self.names} for part, tests in self.groups()}
        return {
            "results": [self.one_document(t, n) for t in self.tests for n in self.names],
            "geometric_means": {
                part: {name: {kind: value and {"ratio": value[0], "tests": value[1]}
                              for kind, value in kinds.items()} for name, kinds in names.items()}
                for part, names in means.items()},
            "behind": [
                {"allocator": name, "test": test.name, "kind": kind, "peer": peer, "ratio": ratio}
                for name in self.acre
                for kind, limit in ((self.clock, TIME_BEHIND), ("memory_kib", MEMORY_BEHIND))
                for test, peer, ratio in self.behind(name, kind, limit)],
        }

    def one_document(self, test, name):
        failure = next((f[2] for f in self.failures if f[:2] == (test.name, name)), None)
        found = {"test": test.name, "group": test.group, "allocator": name, "failure": failure,
                 "compares": sorted(test.compares)}
        for kind in KINDS:
            numbers = self.of(test, name, kind)
            found[kind] = numbers and {**numbers, "ratio": self.ratio(test, name, kind)}
        limits = self.limits(test, name)
        found["memory_per_live_byte"] = limits and limits[0]
        found["faults_per_live_page"] = limits and limits[1]
        return found
