// sim_misuse.c - two threads free the same block at once. One may have found it live and be held up while
// all else happens: the other frees it, its slab is emptied and cut into blocks of another size. However
// that goes, no block is handed out that overlaps a live one. A run may end by the double free's report.
// SPDX-License-Identifier: MIT
#include "heap/slab.h"
#include "scene.h"

static void free_shared(void)
{
    acre_heap_free(scene.heap, scene.shared[1]);
}

static void free_shared_and_allocate_small(void)
{
    acre_heap_free(scene.heap, scene.shared[1]);
    (void)scene_alloc(SMALL);
}

/// A slab of four blocks, of which only shared[1] is left, and no other memory.
static void make_last_block(void)
{
    scene_make(2);
    for (unsigned i = 0; i < 8; i++) {
        scene.shared[i] = scene_alloc_sure(LARGE);
    }
    (void)scene_alloc_sure(LARGE);
    for (unsigned i = 0; i < 4; i++) {
        if (i != 1) {
            scene_free(scene.shared[i], LARGE);
        }
    }
    scene_unmark(scene.shared[1], LARGE);
    scene_limit(0);
}

/// The threads start on these slots.
static void play(const char *name, int first, int second)
{
    make_last_block();
    scene_play(
        name,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {free_shared, free_shared_and_allocate_small},
            .start = {first, second},
            .check = scene_check_overlap,
            .misuse = true},
        2);
}

static void two_free_a_block_of_their_slot_at_once(void)
{
    play(__func__, 0, SCHED_WAITS);
}

static void two_free_a_block_of_another_slot_at_once(void)
{
    play(__func__, 1, 0);
}

/// Who counts the blocks of the emptied slab has left its slot in the middle; the other frees there.
static void one_frees_while_the_other_counts(void)
{
    play(__func__, SCHED_WAITS, 0);
}

T_MAIN(
    T_CASE(two_free_a_block_of_their_slot_at_once),
    T_CASE(two_free_a_block_of_another_slot_at_once), T_CASE(one_frees_while_the_other_counts))
