// sim_pool.c - a shared pool under every schedule up to a bound: no block is ever held twice, none is
// lost, and a get fails only when all blocks could be held by others.
// SPDX-License-Identifier: MIT
#include "../t.h"
#include "acre/pool.h"
#include "sched_sim.h"

enum { BLOCKS = 3, ROUNDS = 2, BLOCK_BYTES = 8 };

static struct {
    acre_pool pool;
    _Alignas(8) unsigned char memory[BLOCKS * BLOCK_BYTES + 4];
    uint32_t holder[BLOCKS]; // thread + 1
    const char *broken;      // what went wrong first
} stage;

static void hold(void *block)
{
    uint32_t *holder = &stage.holder[acre_pool_index(&stage.pool, block)];
    if (*holder != 0) {
        stage.broken = "a block is held twice";
    }
    *holder = sched_self() + 1;
}

static void let_go(void *block)
{
    uint32_t *holder = &stage.holder[acre_pool_index(&stage.pool, block)];
    *holder = 0;
    if (acre_pool_fault(&stage.pool, block) != NULL) {
        stage.broken = "a block that is held is free";
        return;
    }
    acre_pool_put(&stage.pool, block);
}

static void take_and_give(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        void *block = acre_pool_get(&stage.pool);
        if (block == NULL) {
            stage.broken = "no block although one is free";
            return;
        }
        hold(block);
        let_go(block);
    }
}

/// Two threads that hold at most two blocks each, of three.
static void take_two(void)
{
    void *a = acre_pool_get(&stage.pool);
    if (a == NULL) {
        stage.broken = "no first block although one of three is free";
        return;
    }
    hold(a);
    void *b = acre_pool_get(&stage.pool);
    if (b != NULL) {
        hold(b);
        let_go(a);
        a = b;
    }
    let_go(a);
}

static const char *check(void)
{
    if (stage.broken != NULL) {
        return stage.broken;
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        void *block = acre_pool_get(&stage.pool);
        if (block == NULL) {
            return "a block was lost";
        }
    }
    return acre_pool_get(&stage.pool) == NULL ? NULL : "there is a block too many";
}

static void play(
    const char *name, const struct sched_scene *scene, unsigned deviations, uint64_t states_min)
{
    sim_reset();
    stage.broken = NULL;
    acre_pool_options options = {
        .block_bytes = BLOCK_BYTES, .count = BLOCKS, .flags = ACRE_POOL_SHARED};
    stage.pool = (acre_pool){0};
    T_EXPECT(acre_pool_init(&stage.pool, stage.memory, sizeof(stage.memory), &options) == ACRE_OK);
    sched_forget_regions();
    sched_region(&stage, sizeof(stage), 0, 1, true);
    struct sched_report report;
    sched_explore(scene, deviations, 2000000, &report);
    t_say_number("schedules", report.schedules);
    t_say_number("states", report.states);
    if (report.broken != NULL) {
        t_say("RACE_REPLAY=");
        t_say(name);
        t_say(report.schedule);
    }
    T_EXPECT_SOUND(report.broken);
    T_EXPECT(report.complete && report.states >= states_min);
    sched_random(scene, 2000, t_seed(20261120), &report);
    T_EXPECT_SOUND(report.broken);
}

static void two_threads_that_take_and_give(void)
{
    play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {take_and_give, take_and_give},
            .start = {0, 1},
            .check = check},
        4, 1000);
}

static void three_threads_and_three_blocks(void)
{
    play(
        __func__,
        &(struct sched_scene){
            .slots = 3,
            .threads = 3,
            .body = {take_and_give, take_and_give, take_and_give},
            .start = {0, 1, 2},
            .check = check},
        3, 1000);
}

static void two_threads_that_want_more_than_there_is(void)
{
    play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {take_two, take_two},
            .start = {0, 1},
            .check = check},
        4, 1000);
}

T_MAIN(
    T_CASE(two_threads_that_take_and_give), T_CASE(three_threads_and_three_blocks),
    T_CASE(two_threads_that_want_more_than_there_is))
