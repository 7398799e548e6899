// sim_takeover.c - slabs change hands from a slot that was thought idle while its threads free into
// them, allocate from them, and move.
// SPDX-License-Identifier: MIT
#include "heap/takeover.h"
#include "scene.h"

static void free_one(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
}

static void allocate_one(void)
{
    (void)scene_alloc_sure(LARGE);
}

static void allocate_two(void)
{
    (void)scene_alloc_sure(LARGE);
    (void)scene_alloc_sure(LARGE);
}

static void allocate_small(void)
{
    (void)scene_alloc_sure(SMALL);
}

static void free_and_allocate(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
    (void)scene_alloc_sure(LARGE);
}

/// Slot 0 has a slab that is awake, with `free` of its four blocks free, and an active one that is
/// full. shared[] has the blocks of the first.
static void make_idle_slot(unsigned free)
{
    scene_make(2);
    for (unsigned i = 0; i < 8; i++) {
        scene.shared[i] = scene_alloc_sure(LARGE);
    }
    (void)scene_alloc_sure(LARGE);
    for (unsigned i = 4 - free; i < 4; i++) {
        scene_free(scene.shared[i], LARGE);
    }
    scene_make_idle(0);
}

static void a_push_is_under_way(void)
{
    make_idle_slot(2);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {free_one, allocate_two},
            .start = {0, 1},
            .check = scene_check},
        3);
}

static void two_threads_free_and_one_takes_over(void)
{
    make_idle_slot(1);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, free_one, allocate_one},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        2);
}

static void the_idle_slot_wakes_up(void)
{
    make_idle_slot(2);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {allocate_one, free_and_allocate, allocate_one},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        1);
}

/// All four blocks are free: an empty slab goes over and changes its size there.
static void an_empty_slab_is_taken_over(void)
{
    make_idle_slot(3);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, allocate_one, allocate_small},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        2);
}

static void give_back_and_allocate(void)
{
    (void)takeover_retire(scene.heap, 0, true, 0);
    (void)scene_alloc_sure(SMALL);
}

/// A helper, which is on no slot, looks at a slab's lists while the last of its blocks are freed.
static void an_empty_slab_is_given_back_while_pushes_are_under_way(void)
{
    make_idle_slot(2);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, free_one, give_back_and_allocate},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        2);
}

static void a_slab_is_given_back_while_its_slot_is_used(void)
{
    make_idle_slot(3);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_and_allocate, allocate_one, give_back_and_allocate},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        1);
}

static acre_claim claim_nothing(unsigned slot)
{
    (void)slot;
    return ACRE_CLAIM_NO;
}

/// A slot that cannot be claimed: only what others have freed all of may leave it, and no barrier is needed.
static void a_slab_that_others_emptied_leaves_a_slot_in_use(void)
{
    make_idle_slot(0);
    acre_sim.claim = claim_nothing;
    acre_sim.barrier = NULL;
    acre_sim.barrier_fails = true;
    scene_on(1);
    for (unsigned i = 2; i < 4; i++) {
        scene_free(scene.shared[i], LARGE);
    }
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_one, free_one, allocate_two},
            .start = {0, SCHED_WAITS, 1},
            .check = scene_check},
        2);
}

static void a_barrier_that_fails_leaves_slabs_where_they_are(void)
{
    make_idle_slot(2);
    acre_sim.barrier = NULL;
    acre_sim.barrier_fails = true;
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {free_and_allocate, allocate_two},
            .start = {0, 1},
            .check = scene_check},
        2);
}

T_MAIN(
    T_CASE(a_push_is_under_way), T_CASE(two_threads_free_and_one_takes_over),
    T_CASE(the_idle_slot_wakes_up), T_CASE(an_empty_slab_is_taken_over),
    T_CASE(an_empty_slab_is_given_back_while_pushes_are_under_way),
    T_CASE(a_slab_is_given_back_while_its_slot_is_used),
    T_CASE(a_slab_that_others_emptied_leaves_a_slot_in_use),
    T_CASE(a_barrier_that_fails_leaves_slabs_where_they_are))
