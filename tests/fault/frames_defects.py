#!/usr/bin/env python3
"""frames_defects.py - breaks src/frames on purpose, one way at a time; its tests must notice.

Each defect is a piece of source that is replaced in a copy; of the model test, the fault test and the
stress test at least one must then fail, and without a defect none.

    frames_defects.py BUILD_DIR [NAME...]     CC is taken from the environment

SPDX-License-Identifier: MIT
"""
import concurrent.futures
import os
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "race"))
from defects import ROOT, Defect  # noqa: E402

JOBS = 2
RUN_SECONDS = 60
SIM = ["-DACRE_DEBUG=1", "-D_GNU_SOURCE", f"-I{ROOT}/ports/sim"]
LINUX = ["-D_GNU_SOURCE=", f"-I{ROOT}/ports/linux", "-pthread"]
TSAN = [*LINUX, "-fsanitize=thread"]
HARNESS = ["tests/t.c", "tests/t_host.c", "ports/sim/port_sim.c"]
NATIVE = ["ports/linux/fatal.c", "src/base/text.c"]
# name: (flags, sources beside those of src/frames, arguments); in the order in which they are asked
TESTS = {
    "fault": (SIM, ["tests/fault/frames_fault_test.c", *HARNESS], []),
    "model": (SIM, ["tests/model/frames_model_test.c", *HARNESS], []),
    "stress": (LINUX, ["tests/race/stress_frames.c", *NATIVE], ["30000"]),
    "tsan": (TSAN, ["tests/race/stress_frames.c", *NATIVE], ["1500"]),
}


def defect(name, path, old, new):
    return Defect(name, path, old, new, None, None)


DEFECTS = [
    defect("the undo of several rows leaves the first taken", "src/frames/block.c",
           "while (i-- > 0) { store_release(&pool->rows[row + i], 0);",
           "while (--i > 0 && i < 64) { store_release(&pool->rows[row + i], 0);"),
    defect("the undo of several trees is off by one", "src/frames/block.c",
           "while (i-- > 0) { store_release(&pool->trees[tree + i], TREE_ALL_FREE);",
           "for (; i > 0; i--) { store_release(&pool->trees[tree + i], TREE_ALL_FREE);"),
    defect("a range that is in use keeps what was taken of it", "src/frames/range.c",
           "(void)range_give(pool, frame, at - frame);", ""),
    defect("a part of a row that is in use keeps the child's count", "src/frames/range.c",
           "lane_put(pool, child, frames); return false;", "return false;"),
    defect("a part of a child that is in use keeps the tree's count", "src/frames/range.c",
           "tree_put(pool, tree, frames); return false;", "return false;"),
    defect("a block that was not found keeps the child's count", "src/frames/block.c",
           "return frame; } lane_put(pool, child, frames);", "return frame; }"),
    defect("children that were not found keep the tree's count", "src/frames/children.c",
           "held_put(pool, line, tree, 1u << order);", "(void)tree;"),
    defect("a count goes to whatever tree is held", "src/frames/tree.c",
           "while ((old & TREE_HELD) != 0 && old >> 32 == tree) {",
           "while ((old & TREE_HELD) != 0) {"),
    defect("a slot forgets the tree it held", "src/frames/tree.c",
           "held_give_up(pool, swap64_both(&line->held, held));",
           "(void)swap64_both(&line->held, held);"),
    defect("filling a hand forgets what an interrupt put there", "src/frames/slot.c",
           "flush(pool, line, swap64_both(&line->hand, half << 32 | rest));",
           "(void)swap64_both(&line->hand, half << 32 | rest);"),
    defect("a hand that is claimed in part keeps the counts", "src/frames/slot.c",
           "lane_put(pool, child, missed);", ""),
    defect("what gathered in a held tree is taken twice", "src/frames/tree.c",
           "while (!cas32_both(&pool->trees[tree], &old, old & ~TREE_FREE));",
           "while (!cas32_both(&pool->trees[tree], &old, old));"),
    defect("a tree that is wholly free keeps its class", "src/frames/tree.c",
           "== TREE_FRAMES ? entry & ~TREE_CLASS : entry;", "== TREE_FRAMES ? entry : entry;"),
    defect("a frame is taken from a hand in two steps", "src/frames/slot.h",
           "if (likely(cas64_both(entry, &old, old & (old - 1)))) {",
           "ACRE_PORT_STEP(); store_relaxed(entry, old & (old - 1)); if (true) {"),
    defect("a part of a block of 2 MiB is given without its rows", "src/frames/range.c",
           "open_child(pool, inside >> CHILD_LOG2);", ""),
    defect("frames are handed on without order", "src/base/atomics.h",
           "ACRE_ATOMIC_CAS(at, expected, value, __ATOMIC_ACQ_REL) #define ACRE_ATOMIC64_SWAP",
           "ACRE_ATOMIC_CAS(at, expected, value, __ATOMIC_RELAXED)\n#define ACRE_ATOMIC64_SWAP"),
]


def compile_to(target, path, flags, first_include):
    """One object. `first_include` is where broken headers are found before the sound ones."""
    includes = [first_include / "src", ROOT / "include", ROOT / "src", ROOT / "tests"]
    command = [*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11", "-O1", *flags,
               *(f"-I{each}" for each in includes), "-c", path, "-o", target]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"frames_defects.py: {path} does not compile:\n{done.stdout}")
    return target


def flavour(name):
    """Tests that are compiled with the same flags share the objects of src/frames."""
    return {"model": "sim", "fault": "sim", "stress": "linux", "tsan": "tsan"}[name]


class Builder:
    """Objects without a defect, each compiled once; and programs in which one file is broken."""

    def __init__(self, directory):
        self.directory = directory
        self.sources = [path.relative_to(ROOT).as_posix()
                        for path in sorted((ROOT / "src/frames").glob("*.c"))]
        self.objects = {}
        jobs = [(flavour(name), path) for name, (_, own, _) in TESTS.items()
                for path in [*self.sources, *own]]
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            jobs = sorted(set(jobs))
            self.objects = dict(zip(jobs, pool.map(self.compile_sound, jobs)))

    def compile_sound(self, job):
        kind, path = job
        target = self.directory / f"{kind}_{path.replace('/', '_')}.o"
        flags = next(flags for name, (flags, _, _) in TESTS.items() if flavour(name) == kind)
        return compile_to(target, ROOT / path, flags, ROOT)

    def link(self, name, broken=None):
        flags, own, _ = TESTS[name]
        kind = flavour(name)
        objects = {path: self.objects[kind, path] for path in [*self.sources, *own]}
        place = self.directory
        if broken is not None:
            place = self.directory / broken.path.replace("/", "_") / str(DEFECTS.index(broken))
            (place / broken.path).parent.mkdir(parents=True, exist_ok=True)
            (place / broken.path).write_text(broken.source())
            stale = [broken.path] if broken.path in objects else self.sources
            for path in stale:
                source = place / path if path == broken.path else ROOT / path
                target = place / f"{kind}_{pathlib.Path(path).name}.o"
                objects[path] = compile_to(target, source, flags, place)
        program = place / name
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), *flags, *objects.values(), "-o",
                        program], check=True)
        return program


def fails(program, name):
    """Whether a test fails, and the words with which it does."""
    try:
        done = subprocess.run([program, *TESTS[name][2]], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=RUN_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return True, "it does not end"
    words = [line for line in done.stdout.splitlines()
             if "expected" in line or "FAILED" in line or "WARNING" in line or "acre:" in line]
    return done.returncode != 0, (words or [f"status {done.returncode}"])[0].strip("# ")


def find(each, builder):
    """The first test that notices a defect."""
    for name in TESTS:
        if name == "tsan" and each.path != "src/base/atomics.h":
            continue
        noticed, words = fails(builder.link(name, each), name)
        if noticed:
            return f"{name}: {words}"
    return None


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    directory = pathlib.Path(sys.argv[1]).resolve() / "tests" / "fault" / "frames_defects"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = [each for each in DEFECTS if len(sys.argv) == 2 or each.name in sys.argv[2:]]
    wrong = 0
    builder = Builder(directory)
    for name in TESTS:
        failed, words = fails(builder.link(name), name)
        if failed:
            print(f"UNSOUND {name} fails without a defect: {words}")
            wrong += 1
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        found = pool.map(lambda each: find(each, builder), wanted)
        for each, how in zip(wanted, found):
            print(f"{'found ' if how else 'MISSED'} {each.name}{': ' + how if how else ''}")
            wrong += how is None
    print(f"{len(wanted)} defects, {wrong} not found or unsound")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
