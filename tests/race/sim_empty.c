// sim_empty.c - a slab is given away only when none of its blocks is live, whatever its counters say:
// pushes are aborted between counting and linking, and those who look have left the slot.
// SPDX-License-Identifier: MIT
#include "heap/map.h"
#include "heap/miss.h"
#include "heap/slab.h"
#include "heap/slot.h"
#include "scene.h"

static void free_one(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
}

static void free_two(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
    scene_free(scene.shared[sched_self() + 3], LARGE);
}

static void free_and_allocate_small(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
    (void)scene_alloc(SMALL);
}

static void allocate_small(void)
{
    (void)scene_alloc(SMALL);
}

static void allocate_large(void)
{
    (void)scene_alloc(LARGE);
}

/// Eight blocks: shared[0..3] in a slab that sleeps, the others in the active one.
static void make_two_slabs(void)
{
    scene_make(2);
    for (unsigned i = 0; i < 8; i++) {
        scene.shared[i] = scene_alloc_sure(LARGE);
    }
    (void)scene_alloc_sure(LARGE); // the second one sleeps as well
}

/// The last blocks of a slab are freed while another size wants its memory, and there is no other.
static void memory_changes_its_size_only_when_all_is_free(void)
{
    make_two_slabs();
    scene_free(scene.shared[2], LARGE);
    scene_free(scene.shared[3], LARGE);
    scene_limit(0);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {free_one, free_and_allocate_small},
            .start = {0, SCHED_WAITS},
            .check = scene_check},
        2);
}

static void three_threads_empty_a_slab_that_is_wanted(void)
{
    make_two_slabs();
    scene_free(scene.shared[3], LARGE);
    scene_limit(0);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, free_one, free_and_allocate_small},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

/// One block is left; an aborted take of the slab's list must not make the counters lie.
static void a_drain_that_is_moved_empties_nothing(void)
{
    make_two_slabs();
    scene_free(scene.shared[3], LARGE);
    scene_limit(0);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, allocate_large, allocate_small},
            .start = {SCHED_WAITS, 0, 1},
            .check = scene_check},
        2);
}

/// Frees from the other slot drain a slab; the owner, or who was it, looks when it wants memory.
static void a_slab_drained_from_elsewhere_is_found(void)
{
    make_two_slabs();
    scene_on(1);
    scene_free(scene.shared[2], LARGE);
    scene_free(scene.shared[3], LARGE);
    scene_limit(0);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, free_one, allocate_small},
            .start = {1, SCHED_WAITS, 0},
            .check = scene_check},
        2);
}

/// The slot keeps two empty slabs already; a third goes back to the heap, and to whoever wants it.
static void a_surplus_slab_goes_back_when_it_is_empty(void)
{
    scene_make(2);
    void *blocks[16];
    for (unsigned i = 0; i < 16; i++) {
        blocks[i] = scene_alloc_sure(LARGE);
    }
    (void)scene_alloc_sure(LARGE);
    for (unsigned i = 4; i < 12; i++) {
        scene_free(blocks[i], LARGE);
    }
    for (unsigned i = 0; i < 4; i++) {
        scene.shared[i] = blocks[i];
    }
    scene_free(blocks[2], LARGE);
    scene_limit(0);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_two, free_one, allocate_small},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        2);
}

static void free_as_by_hand(void)
{
    scene_unmark(scene.shared[0], LARGE);
    miss_free(scene.heap, scene.shared[0]); // where the hand-written free goes from another slot
}

/// By an aborted push the counters say that a slab is empty whose last block is being freed elsewhere. Its
/// blocks are counted, in a new generation, while that push is between its link and its exchange.
static void a_block_freed_elsewhere_while_its_slab_is_counted(void)
{
    make_two_slabs();
    struct slab *slab = map_find(scene.heap, (uintptr_t)scene.shared[0]);
    scene_free(scene.shared[3], LARGE);
    slab->hot.due = (uint16_t)(slab->hot.due - 1);
    acre_sim.aborts += 1;
    scene_free(scene.shared[2], LARGE);
    scene_free(scene.shared[1], LARGE);
    scene_limit(0);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {free_as_by_hand, allocate_small},
            .start = {1, 0},
            .check = scene_check},
        2);
}

T_MAIN(
    T_CASE(a_block_freed_elsewhere_while_its_slab_is_counted),
    T_CASE(memory_changes_its_size_only_when_all_is_free),
    T_CASE(three_threads_empty_a_slab_that_is_wanted),
    T_CASE(a_drain_that_is_moved_empties_nothing), T_CASE(a_slab_drained_from_elsewhere_is_found),
    T_CASE(a_surplus_slab_goes_back_when_it_is_empty))
