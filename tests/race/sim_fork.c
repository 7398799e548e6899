// sim_fork.c - a process forks at any moment: in the child, which has one thread and all of the
// memory, no block is handed out that somebody had, nothing is waited for, and no event that was on
// its way is lost for good.
// SPDX-License-Identifier: MIT
#include "heap/slot.h"
#include "scene.h"

/// 1 in scene.flags[0] for each thread that is inside a call to the heap.
static void enter(void)
{
    scene.flags[0] |= (uint64_t)1 << sched_self();
}

static void leave(void)
{
    scene.flags[0] &= ~((uint64_t)1 << sched_self());
}

static void allocate_and_free(void)
{
    enter();
    void *block = scene_alloc_sure(LARGE);
    scene_free(block, LARGE);
    leave();
}

static void free_one(void)
{
    enter();
    scene_free(scene.shared[sched_self()], LARGE);
    leave();
}

static void free_and_allocate(void)
{
    enter();
    scene_free(scene.shared[sched_self()], LARGE);
    (void)scene_alloc_sure(LARGE);
    leave();
}

/// What the child does: opens the locks, uses what it has and all that it can get.
static void be_child(void)
{
    acre_sim.aborts += 1;
    slot_unlock_all(scene.heap);
    if (scene.flags[0] == 0) {
        const char *broken = scene_check_still();
        if (broken != NULL) {
            acre_port_halt(broken, __FILE__, __LINE__);
        }
    }
    scene_free(scene.shared[0], LARGE);
    scene.heap->limit_bytes = scene.heap->held_bytes;
    for (unsigned slot = 0; slot < acre_sim.slots; slot++) {
        acre_sim.self->slot = slot;
        unsigned count = 0;
        void *blocks[4 * SCENE_SLICES];
        while ((blocks[count] = scene_alloc(LARGE)) != NULL) {
            count += 1;
        }
        while (count-- != 0) {
            scene_free(blocks[count], LARGE);
        }
    }
}

static void fork_once(void)
{
    slot_lock_all(scene.heap);
    sched_in_copy(be_child);
    slot_unlock_all(scene.heap);
}

static void fork_then_free(void)
{
    fork_once();
    scene_free(scene.shared[0], LARGE);
}

static void make_full_slab(void)
{
    scene_make(2);
    for (unsigned i = 0; i < 5; i++) {
        scene.shared[i] = scene_alloc_sure(LARGE);
    }
}

static void frees_are_under_way(void)
{
    make_full_slab();
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {fork_then_free, free_one, free_one},
            .start = {SCHED_WAITS, 0, 1},
            .check = scene_check},
        2);
}

static void a_refill_is_under_way(void)
{
    make_full_slab();
    scene_free(scene.shared[3], LARGE);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {fork_then_free, free_and_allocate, allocate_and_free},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        1);
}

/// Slot 1 is made while the fork takes the locks of those that there are.
static void a_slot_is_being_made(void)
{
    scene_make(1);
    scene.shared[0] = scene_alloc_sure(LARGE);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {fork_then_free, allocate_and_free},
            .start = {0, 1},
            .check = scene_check},
        2);
}

T_MAIN(T_CASE(frees_are_under_way), T_CASE(a_refill_is_under_way), T_CASE(a_slot_is_being_made))
