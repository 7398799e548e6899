// sim_commits.c - every commit, by three threads on two slots that move between any two steps:
// pop, push, pop_on, take, install, due_set, due_add.
// SPDX-License-Identifier: MIT
#include "scene.h"

static void allocate_one(void)
{
    scene.shared[sched_self()] = scene_alloc_sure(LARGE);
}

static void allocate_small(void)
{
    scene.shared[sched_self()] = scene_alloc_sure(SMALL);
}

static void free_own(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
}

static void allocate_and_free(void)
{
    scene_free(scene_alloc_sure(LARGE), LARGE);
}

static void free_and_allocate(void)
{
    scene_free(scene.shared[sched_self()], LARGE);
    scene.shared[sched_self()] = scene_alloc_sure(LARGE);
}

/// The bin of slot 0 has two blocks; the third is carved.
static void pop_gives_each_block_once(void)
{
    scene_make(2);
    (void)scene_alloc_sure(SMALL);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {allocate_small, allocate_small, allocate_small},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

static void hold(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        scene.shared[i] = scene_alloc_sure(LARGE);
    }
}

static void push_loses_no_block(void)
{
    scene_make(2);
    hold(4);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_own, free_own, free_own},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        3);
}

/// Two blocks in the hot list of slot 0, one in the foreign list; all three wait for refills.
static void refill_takes_each_list_once(void)
{
    scene_make(2);
    hold(4);
    scene_free(scene.shared[0], LARGE);
    scene_free(scene.shared[1], LARGE);
    scene_on(1);
    scene_free(scene.shared[2], LARGE);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {allocate_one, allocate_one, allocate_one},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

static void pop_and_push_on_one_slab(void)
{
    scene_make(2);
    hold(3);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {free_and_allocate, free_own, allocate_one},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

static void new_slabs_are_opened_once(void)
{
    scene_make(2);
    scene_play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 3,
            .body = {allocate_and_free, allocate_one, allocate_one},
            .start = {0, 1, SCHED_WAITS},
            .check = scene_check},
        2);
}

T_MAIN(
    T_CASE(pop_gives_each_block_once), T_CASE(push_loses_no_block),
    T_CASE(refill_takes_each_list_once), T_CASE(pop_and_push_on_one_slab),
    T_CASE(new_slabs_are_opened_once))
