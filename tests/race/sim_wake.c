// sim_wake.c - a slab that sleeps wakes when it should, whoever frees and whatever comes in between:
// no wake-up is lost, so that every free block can be had again.
// SPDX-License-Identifier: MIT
#include "heap/block.h"
#include "scene.h"

static void free_large(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
}

static void free_small(void)
{
    scene_free(scene.shared[sched_self()], SMALL);
}

static void allocate_large(void)
{
    (void)scene_alloc_sure(LARGE);
}

static void allocate_two_small(void)
{
    (void)scene_alloc_sure(SMALL);
    (void)scene_alloc_sure(SMALL);
}

static void free_small_and_allocate(void)
{
    scene_free(scene.shared[sched_self()], SMALL);
    (void)scene_alloc_sure(SMALL);
}

/// `count` blocks of one size on slot 0; the first few in scene.shared.
static void hold(unsigned count, size_t size)
{
    for (unsigned i = 0; i < count; i++) {
        void *block = scene_alloc_sure(size);
        if (i < SCENE_SHARED) {
            scene.shared[i] = block;
        }
    }
}

/// Five blocks: the first slab sleeps, the fifth block is of a new one.
static void a_sleeping_slab_wakes_at_frees_from_both_slots(void)
{
    scene_make(2);
    hold(5, LARGE);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_large, free_large, free_large},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

/// The slab is full and active; whoever allocates puts it to sleep while others free into it.
static void a_slab_that_falls_asleep_misses_no_free(void)
{
    scene_make(2);
    hold(4, LARGE);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_large, free_large, allocate_large},
            .start = {1, SCHED_WAITS, 0},
            .check = scene_check},
        2);
}

/// A slab of 51 sleeps until two of one kind, own or foreign, are free.
static void a_slab_that_wakes_at_two_misses_none(void)
{
    scene_make(2);
    hold(52, SMALL);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_small, free_small, free_small},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        3);
}

static void a_slab_of_many_falls_asleep_between_frees(void)
{
    scene_make(2);
    hold(51, SMALL);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_small, free_small_and_allocate, allocate_two_small},
            .start = {1, SCHED_WAITS, 0},
            .check = scene_check},
        2);
}

/// An awake slab is drained, found full and put back to sleep while its blocks are freed.
static void an_awake_slab_goes_back_to_sleep(void)
{
    scene_make(2);
    hold(5, LARGE);
    scene_free(scene.shared[3], LARGE);
    hold(1, LARGE); // takes the rest of the second slab
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {allocate_large, free_large, free_large},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

/// The active slab has blocks left to carve when an awake one takes its place.
static void a_slab_with_blocks_to_carve_does_not_sleep(void)
{
    scene_make(2);
    hold(54, SMALL); // three in the second slab
    scene_free(scene.shared[3], SMALL);
    scene_free(scene.shared[4], SMALL);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {allocate_two_small, free_small},
            .start = {0, 1},
            .check = scene_check},
        2);
}

/// A live block that has, by the program's own doing, the two words of a free one: free then searches
/// the slab's lists, which others use meanwhile. Its thread keeps to its slot, since from another it
/// cannot search all lists and may take the block for a free one (heap/suspect.c).
static void free_what_looks_free(void)
{
    acre_block *block = scene.shared[sched_self()];
    scene_unmark(block, SMALL);
    block->next = NULL;
    block->tag = block_mark(scene.heap, block);
    acre_heap_free(scene.heap, block);
}

static void a_search_of_the_lists_loses_no_event(void)
{
    scene_make(2);
    hold(52, SMALL);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_what_looks_free, free_small, free_small},
            .start = {0, 1, SCHED_WAITS},
            .pinned = 1,
            .check = scene_check},
        2);
}

static void a_search_for_a_lonely_block_loses_no_event(void)
{
    scene_make(2);
    hold(52, SMALL);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 1,
            .threads = 3,
            .body = {free_what_looks_free, free_small, free_small},
            .start = {0, SCHED_WAITS, SCHED_WAITS},
            .check = scene_check},
        2);
}

T_MAIN(
    T_CASE(a_search_of_the_lists_loses_no_event),
    T_CASE(a_search_for_a_lonely_block_loses_no_event),
    T_CASE(a_sleeping_slab_wakes_at_frees_from_both_slots),
    T_CASE(a_slab_that_falls_asleep_misses_no_free), T_CASE(a_slab_that_wakes_at_two_misses_none),
    T_CASE(a_slab_of_many_falls_asleep_between_frees), T_CASE(an_awake_slab_goes_back_to_sleep),
    T_CASE(a_slab_with_blocks_to_carve_does_not_sleep))
