#!/usr/bin/env python3
"""defects.py - breaks the library on purpose, one way at a time; the simulated races must notice.

A search that finds nothing proves something only if it would find what is there. Each defect below is
a piece of source that is replaced in a copy; a test with the copy in it must then fail. A piece that
is not there exactly once is an error: source and defect have to be changed together.

    defects.py BUILD_DIR [NAME...]     CC and CFLAGS are taken from the environment

SPDX-License-Identifier: MIT
"""
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
JOBS = 2
RUN_SECONDS = 120

INCLUDES = ["include", "src", "ports/sim", "tests"]
FRAME = ["tests/race/scene.c", "tests/t.c", "tests/t_host.c", "ports/sim/sched_sim.c",
         "ports/sim/sched_state.c", "ports/sim/port_sim.c"]


class Defect:
    """One piece of source replaced by another, and the case that must notice."""

    def __init__(self, name, path, old, new, test, case, depth=0):
        self.depth = depth  # deviations more than the case has; it passed with them, too
        self.name, self.path, self.old, self.new = name, path, old, new
        self.test, self.case = test, case

    def source(self):
        text = (ROOT / self.path).read_text()
        # Words and signs must be the same; how they are spaced does not matter.
        pattern = r"\s*".join(re.escape(sign) for sign in re.findall(r"\w+|[^\w\s]", self.old))
        broken, count = re.subn(pattern, lambda _: self.new, text)
        if count != 1:
            sys.exit(f"defects.py: {self.name}: {self.path} has the piece to be replaced "
                     f"{count} times, not once:\n{self.old}")
        return broken


DEFECTS = [
    Defect("a hot list is taken under the lock, not in a commit", "src/heap/slab.c",
           "if (!acre_port_take(slot->number, &slab->hot, slab->wake, list)) {",
           "*list = slab->hot.head; ACRE_PORT_STEP(); slab->hot.due = slab->wake;\n"
           "    slab->hot.head = NULL;\n    if (false) {",
           "sim_commits", "pop_and_push_on_one_slab"),
    Defect("the counters alone say that a slab is empty", "src/heap/slab.c",
           "enum found all_free = slab_count_all(heap, slot, slab);",
           "(void)slab_count_all(heap, slot, slab); enum found all_free = FOUND;",
           "sim_empty", "memory_changes_its_size_only_when_all_is_free"),
    Defect("an aborted push eats the event", "ports/sim/port_sim.c",
           "*out = (int16_t)hot->due <= 0 ?", "*out = hot->due == 0 ?",
           "sim_wake", "a_sleeping_slab_wakes_at_frees_from_both_slots"),
    Defect("slabs change hands without a barrier", "src/heap/takeover.c",
           "const bool ended = acre_port_barrier();", "const bool ended = true;", "sim_takeover", "a_push_is_under_way"),
    Defect("a slab is given back because its counters say that it is empty", "src/heap/takeover.c",
           "return count == slab->carved && (hot_last == NULL || hot_last != foreign_last);",
           "return true;", "sim_takeover",
           "an_empty_slab_is_given_back_while_pushes_are_under_way"),
    Defect("a slab leaves a slot in use with a block of it live", "src/heap/takeover.c",
           "if (claim != ACRE_CLAIM_NO || foreign_count(slab) == slab->carved) {", "if (true) {",
           "sim_takeover",
           "a_slab_that_others_emptied_leaves_a_slot_in_use"),
    Defect("slabs change hands without being in transit", "src/heap/takeover.c",
           "owner_set(slab, ACRE_SLOT_NONE);", "",
           "sim_takeover", "a_push_is_under_way"),
    Defect("a foreign free wakes a slab one too late", "src/heap/foreign.c",
           "count == wake ||", "count == wake + 1u ||",
           "sim_wake", "a_slab_that_wakes_at_two_misses_none"),
    Defect("the foreign list is taken in two steps", "src/heap/foreign.c",
           "old = swap_word_both(&slab->foreign, old & ~list_bits);",
           "old = load_relaxed(&slab->foreign);\n"
           "    store_relaxed(&slab->foreign, old & ~list_bits);",
           "sim_wake", "a_slab_that_falls_asleep_misses_no_free"),
    Defect("a block is pushed into a slab that is another by now", "ports/sim/port_sim.c",
           "if (*owner != seen || (seen & 0xffff) != slot) {",
           "if ((*owner & 0xffff) != slot) {",
           "sim_misuse", "two_free_a_block_of_their_slot_at_once"),
    Defect("a slab is counted before it is renewed", "src/heap/search.c",
           "owner_renew(slab, ACRE_SLOT_NONE, generation);", "",
           "sim_misuse", "two_free_a_block_of_their_slot_at_once", depth=1),
    Defect("a block is spliced into a slab that is another by now", "src/heap/foreign.c",
           "if ((old & ~list_bits) != seen * generation_one) {", "if (false) {",
           "sim_misuse", "two_free_a_block_of_another_slot_at_once"),
    Defect("a foreign free that begins anew takes its own link for a double free", "src/heap/miss.c",
           "history = PUSH_BEGUN; // the slab", "// the slab",
           "sim_empty", "a_block_freed_elsewhere_while_its_slab_is_counted"),
    Defect("a list is installed over one that is there", "ports/sim/port_sim.c",
           "*refused = *head != NULL;", "*refused = false;",
           "sim_wake", "a_search_for_a_lonely_block_loses_no_event"),
    Defect("a pop that is aborted goes on", "ports/sim/port_sim.c",
           "acre_block *rest = (*out)->next; if (moved_since(moves)) {",
           "acre_block *rest = (*out)->next;\n    sim_step();\n    if (false) {",
           "sim_commits", "pop_gives_each_block_once"),
    Defect("commits for a given slot do not look where they are", "ports/sim/port_sim.c",
           "*moved = sim_slot() != slot;", "*moved = slot > 1000;",
           "sim_commits", "pop_and_push_on_one_slab"),
    Defect("a slab sleeps with blocks left to carve", "src/heap/slab.c",
           "if (slab_is_carved(slab)) { slab->state = SLAB_ASLEEP;",
           "if (slab_is_carved(slab) || true) {\n        slab->state = SLAB_ASLEEP;",
           "sim_wake", "a_slab_with_blocks_to_carve_does_not_sleep"),
    Defect("lists of runs are taken while commits are under way", "src/heap/runlist.c",
           "claim == ACRE_CLAIM_EXCLUSIVE || acre_port_barrier()", "true",
           "sim_runs", "lists_are_taken_from_a_slot_in_use"),
    Defect("lists of runs are taken that are not closed", "src/heap/runlist.c",
           "slot->run_owner | ACRE_SLOT_NONE", "slot->run_owner",
           "sim_runs", "lists_are_taken_from_a_slot_in_use"),
    Defect("a run is popped off lists that are closed", "ports/sim/port_sim.c",
           "moved = moved || *owner != seen;", "",
           "sim_runs", "lists_are_taken_from_a_slot_in_use"),
    Defect("lists of runs are cut while somebody else takes them", "src/heap/runlist.c",
           "for (unsigned i = 0; is_open(slot) && i < RUN_LISTS; i++) {",
           "for (unsigned i = 0; i < RUN_LISTS; i++) {",
           "sim_runs", "two_take_the_lists_at_once"),
    Defect("a run is marked as kept by a load and a store", "src/heap/space.c",
           "pages != 0 && (entry & RUN_KEPT) == 0 && cas_acquire(length, &entry, pages | RUN_KEPT);",
           "pages != 0 && (entry & RUN_KEPT) == 0;\n"
           "    if (kept) { store_relaxed(length, pages | RUN_KEPT); }",
           "sim_runs", "two_free_a_run_at_once"),
    Defect("fork misses a slot that is being made", "src/heap/slot.c",
           "if (count == heap->slots_made) {", "if (count <= heap->slots_made) {",
           "sim_fork", "a_slot_is_being_made"),
    Defect("a shared pool's block is claimed by a load and a store", "src/pools/pool.c",
           "if (cas_acquire(live, &seen, seen | bit)) {",
           "store_relaxed(live, seen | bit);\n            if (true) {",
           "sim_pool", "two_threads_that_take_and_give"),
    Defect("a shared pool's block is given back by a load and a store", "src/pools/pool.c",
           "} while (!cas_release(live, &seen, seen & ~bit));",
           "} while (store_relaxed(live, seen & ~bit), false);",
           "sim_pool", "three_threads_and_three_blocks"),
    Defect("a chunk of a cache is given back while it can be chosen", "src/pools/cache_chunks.c",
           "store_relaxed(&chunk->state, CHUNK_LEAVING);",
           "store_relaxed(&chunk->state, CHUNK_ABSENT);",
           "sim_cache", "a_chunk_leaves_while_objects_are_wanted"),
    Defect("objects leave a cache's depot without its lock", "src/pools/cache.c",
           "uint32_t count = 0; acre_port_lock_take(&cache->lock);",
           "uint32_t count = 0;\n    sim_step();\n    void *first = cache->depot;\n    sim_step();\n"
           "    if (first != NULL) { objects[0] = first; cache->depot = *cache_link_of(cache, first);\n"
           "        cache->depot_count -= 1; return 1; }\n    acre_port_lock_take(&cache->lock);",
           "sim_cache", "objects_change_hands_through_the_depot"),
]


def compiler(directory):
    includes = [f"-I{ROOT / directory}" for directory in INCLUDES]
    return [*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11", "-O1", "-g", "-DACRE_DEBUG=1",
            *shlex.split(os.environ.get("CFLAGS", "")), *includes, f"-I{directory}"]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)


def compile_file(source, output, origin):
    """`origin` is the folder of the original, where a copy finds its neighbours."""
    done = run([*compiler(output.parent), f"-I{origin}", "-c", str(source), "-o", str(output)])
    if done.returncode != 0:
        sys.exit(f"defects.py: cannot compile {source}\n{done.stdout}")
    return output


def library_sources():
    sources = FRAME + ["src/base/bitmap.c", "src/base/sizeclass.c", "src/base/text.c"]
    sources += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "src/heap").glob("*.c"))]
    sources += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "src/pools").glob("*.c"))]
    return sources


def object_of(directory, path):
    return directory / (path.replace("/", "_") + ".o")


def play(program, case, depth=0):
    """Plays one case. Returns whether all was well, whether a schedule broke, and what was said."""
    environment = dict(os.environ, RACE_CASE=case, RACE_RANDOM="0", RACE_DEPTH=str(depth))
    try:
        done = run([str(program)], env=environment, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        return False, False, "no end"
    words = [line[2:] for line in done.stdout.splitlines() if line.startswith("#")]
    # Only a schedule that broke counts: not a test that could not run.
    broke = done.returncode != 0 and any("RACE_REPLAY=" in line for line in words)
    return done.returncode == 0, broke, "; ".join(words[:2])


def is_sound(case, directory, objects):
    """The control: without a defect the same case must pass, or it would prove nothing."""
    test, name = case
    program = directory / test
    link(program, [object_of(directory, f"tests/race/{test}.c"), *objects.values()], directory)
    passed, _, words = play(program, name)
    return passed, words


def link(program, objects, directory):
    done = run([*compiler(directory), "-o", str(program), *map(str, objects)])
    if done.returncode != 0:
        sys.exit(f"defects.py: cannot link {program}\n{done.stdout}")


def is_found(defect, directory, objects):
    """Builds the test with the defect in it and returns whether the test fails as it should."""
    number = DEFECTS.index(defect)
    source = directory / f"defect{number}.c"
    source.write_text(defect.source())
    broken = compile_file(source, source.with_suffix(".o"), (ROOT / defect.path).parent)
    others = [each for path, each in objects.items() if path != defect.path]
    program = directory / f"defect{number}"
    link(program, [object_of(directory, f"tests/race/{defect.test}.c"), broken, *others], directory)
    return play(program, defect.case, defect.depth)[1:]


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    directory = pathlib.Path(sys.argv[1]).resolve() / "tests" / "race" / "defects"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = [each for each in DEFECTS if len(sys.argv) == 2 or each.name in sys.argv[2:]]
    sources = library_sources()
    tests = sorted({f"tests/race/{each.test}.c" for each in wanted})
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        made = pool.map(lambda path: compile_file(ROOT / path, object_of(directory, path),
                                                  (ROOT / path).parent), sources + tests)
        objects = dict(zip(sources, list(made)))
        cases = sorted({(each.test, each.case) for each in wanted})
        # One after the other: cases of a test share its program.
        controls = {case: is_sound(case, directory, objects) for case in cases}
        results = list(pool.map(lambda each: is_found(each, directory, objects), wanted))
    unsound = [case for case in cases if not controls[case][0]]
    for test, case in unsound:
        print(f"UNSOUND {test} {case}: fails without a defect: {controls[test, case][1]}")
    missed = 0
    for defect, (found, words) in zip(wanted, results):
        missed += not found
        print(f"{'found ' if found else 'MISSED'} {defect.name}: {words}")
    print(f"{len(wanted) - missed} of {len(wanted)} defects found")
    return 1 if missed or unsound else 0


if __name__ == "__main__":
    sys.exit(main())
