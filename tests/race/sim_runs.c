// sim_runs.c - runs that slots keep on lists: they come and go, lists are counted and cut, and taken from slots
// that are in use, while threads move between any two steps.
// SPDX-License-Identifier: MIT
#include "heap/runcache.h"
#include "heap/slot.h"
#include "scene.h"

static void free_one(void)
{
    scene_free(scene.shared[sched_self()], RUN);
}

static void allocate_one(void)
{
    (void)scene_alloc_sure(RUN);
}

static void free_and_allocate(void)
{
    scene_free(scene.shared[sched_self()], RUN);
    (void)scene_alloc_sure(RUN);
}

static void allocate_and_free(void)
{
    scene_free(scene_alloc_sure(RUN), RUN);
}

/// A helper, which is on no slot, gives away what slot 0 keeps; somebody has the memory at once.
static void flush_and_allocate(void)
{
    (void)runcache_flush_slot(scene.heap, slot_of(scene.heap, 0));
    (void)scene_alloc(SMALL);
}

static void flush_all(void)
{
    (void)runcache_flush(scene.heap);
}

/// Every run that is kept can be had: the audit finds those that nobody keeps.
static const char *check_runs(void)
{
    const char *broken = scene_check_still();
    if (broken == NULL) {
        (void)runcache_flush(scene.heap);
        broken = scene_check_still();
    }
    for (unsigned slot = 0; slot < 2 && broken == NULL; slot++) {
        const struct slot *each = slot_of(scene.heap, slot);
        for (unsigned i = 0; i < RUN_LISTS; i++) {
            broken = each->run_lists[i].head != NULL ? "a list is not flushed" : broken;
        }
        broken = (each->run_owner & 0xffff) != slot ? "a slot's lists stay closed" : broken;
    }
    acre_heap_destroy(scene.heap);
    return broken;
}

/// shared[] has a run for each thread; slot 0 keeps `kept` more.
static void make_runs(unsigned kept)
{
    void *runs[8];
    scene_make_for_runs(2);
    for (unsigned i = 0; i < 4; i++) {
        scene.shared[i] = scene_alloc_sure(RUN);
    }
    for (unsigned i = 0; i < kept; i++) {
        runs[i] = scene_alloc_sure(RUN);
    }
    for (unsigned i = 0; i < kept; i++) {
        scene_free(runs[i], RUN);
    }
}

static void runs_come_and_go(void)
{
    make_runs(1);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_and_allocate, allocate_and_free, allocate_one},
            .start = {0, 1, SCHED_WAITS},
            .check = check_runs},
        2);
}

static void lists_are_cut_while_runs_come_and_go(void)
{
    make_runs(7);
    scene.heap->slots_made =
        32; // of which each may keep six such runs: the next free finds too much
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, allocate_one, free_one},
            .start = {0, SCHED_WAITS, 1},
            .check = check_runs},
        2);
}

static void lists_are_taken_from_a_slot_in_use(void)
{
    make_runs(2);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_and_allocate, allocate_one, flush_and_allocate},
            .start = {0, SCHED_WAITS, 1},
            .check = check_runs},
        2);
}

static void two_take_the_lists_at_once(void)
{
    make_runs(2);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_and_allocate, flush_all, flush_all},
            .start = {0, 1, SCHED_WAITS},
            .check = check_runs},
        2);
}

static void a_barrier_that_fails_leaves_the_lists(void)
{
    make_runs(2);
    acre_sim.barrier = NULL;
    acre_sim.barrier_fails = true;
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {free_and_allocate, flush_and_allocate},
            .start = {0, 1},
            .check = scene_check_overlap},
        2);
}

static void free_shared(void)
{
    acre_heap_free(scene.heap, scene.shared[0]);
}

/// What can be had on each slot is handed out, each run held against all others.
static const char *take_runs(void)
{
    scene.heap->limit_bytes = scene.heap->held_bytes;
    for (unsigned slot = 0; slot < 2; slot++) {
        acre_sim.self->slot = slot;
        while (scene_alloc(RUN) != NULL) {
        }
    }
    return NULL;
}

/// Of two who free a run at once one is found out.
static void two_free_a_run_at_once(void)
{
    make_runs(0);
    scene_unmark(scene.shared[0], RUN);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {free_shared, free_shared},
            .start = {0, 1},
            .check = take_runs,
            .misuse = true},
        2);
}

T_MAIN(
    T_CASE(runs_come_and_go), T_CASE(lists_are_cut_while_runs_come_and_go),
    T_CASE(lists_are_taken_from_a_slot_in_use), T_CASE(two_take_the_lists_at_once),
    T_CASE(a_barrier_that_fails_leaves_the_lists), T_CASE(two_free_a_run_at_once))
