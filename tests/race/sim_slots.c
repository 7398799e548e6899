// sim_slots.c - a slot's structure is made when it is first needed, by whoever needs it, and a lower
// number may come after a higher one.
// SPDX-License-Identifier: MIT
#include "heap/slot.h"
#include "heap/space.h"
#include "scene.h"

static void allocate_and_free(void)
{
    scene_free(scene_alloc_sure(LARGE), LARGE);
}

static void allocate_small(void)
{
    (void)scene_alloc_sure(SMALL);
}

static void take_all_locks(void)
{
    slot_lock_all(scene.heap);
    slot_unlock_all(scene.heap);
}

static void three_threads_are_the_first(void)
{
    scene_make(0);
    (void)space_take_spare(scene.heap, LINE_BYTES); // the segment is there, and no slot
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {allocate_and_free, allocate_small, allocate_small},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        1);
}

static void a_lower_slot_is_made_while_all_are_locked(void)
{
    scene_make(0);
    scene_on(1);
    (void)scene_alloc_sure(LARGE);
    scene_on(0);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {take_all_locks, allocate_and_free, allocate_and_free},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

T_MAIN(T_CASE(three_threads_are_the_first), T_CASE(a_lower_slot_is_made_while_all_are_locked))
