// pool_model_test.c - random operations on a pool beside a naive model of it: which blocks are live,
// what they hold, and which block comes next. Each kind of pool; the audit after each step.
// SPDX-License-Identifier: MIT
#include "acre/pool.h"
#include "unit/fixture.h"

enum { COUNT = 75, BLOCK_BYTES = 40, STEPS = 20000, MEMORY_BYTES = 4096 };

static _Alignas(16) unsigned char memory[MEMORY_BYTES];

struct model {
    acre_pool pool;
    uint64_t seed;
    uint64_t fills[COUNT]; // 0: not live; else what the block was filled with
    size_t stack[COUNT];   // blocks that were put back, newest last: what comes next
    size_t stacked;
    size_t live;
};

static const char *model_get(struct model *model, bool shared)
{
    void *block = acre_pool_get(&model->pool);
    if (block == NULL) {
        return model->live == COUNT ? NULL : "no block although one is free";
    }
    size_t index = acre_pool_index(&model->pool, block);
    if (index >= COUNT || model->fills[index] != 0) {
        return "a live block was handed out";
    }
    if (!shared && model->stacked != 0) {
        model->stacked -= 1;
        if (model->stack[model->stacked] != index) {
            return "not the block that was put back last";
        }
    }
    model->fills[index] = random_next(&model->seed) | 1;
    block_fill(block, BLOCK_BYTES, model->fills[index]);
    model->live += 1;
    return NULL;
}

static const char *model_put(struct model *model)
{
    size_t index = random_below(&model->seed, COUNT);
    void *block = acre_pool_at(&model->pool, index);
    const char *fault = acre_pool_fault(&model->pool, block);
    if ((fault == NULL) != (model->fills[index] != 0)) {
        return "the pool is mistaken about which block is live";
    }
    if (fault != NULL) {
        return NULL;
    }
    if (!block_holds(block, BLOCK_BYTES, model->fills[index])) {
        return "a live block was written to";
    }
    acre_pool_put(&model->pool, block);
    model->fills[index] = 0;
    model->stack[model->stacked % COUNT] = index;
    model->stacked += 1;
    model->live -= 1;
    return NULL;
}

static const char *run(struct model *model, bool shared)
{
    for (unsigned step = 0; step < STEPS; step++) {
        // Long phases in which more is taken, or more is given: all states between empty and full.
        size_t share = step / 500 % 2 == 0 ? 60 : 25;
        bool get = random_below(&model->seed, 100) < share;
        const char *broken = get ? model_get(model, shared) : model_put(model);
        if (broken == NULL) {
            broken = acre_pool_audit(&model->pool);
        }
        acre_pool_stats stats;
        acre_pool_get_stats(&model->pool, &stats);
        if (broken != NULL || stats.live_count != model->live) {
            return broken != NULL ? broken : "the pool counts wrongly";
        }
        if (!shared && random_below(&model->seed, 4000) == 0) {
            (void)acre_pool_trim(&model->pool);
            model->stacked = 0; // the order is another one now: learn it anew
            while (model->pool.head != 0) {
                broken = model_get(model, shared);
                if (broken != NULL) {
                    return broken;
                }
            }
        }
    }
    return NULL;
}

static void pools_do_what_the_model_does(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    for (size_t i = 0; i < 6; i++) {
        static struct model model;
        model = (struct model){.seed = seed + i};
        acre_pool_options options = {
            .block_bytes = BLOCK_BYTES, .count = COUNT, .flags = flags[i / 2]};
        pages_sim_init(&sim, 256, true);
        acre_status status = i % 2 == 0
                                 ? acre_pool_init(&model.pool, memory, sizeof(memory), &options)
                                 : acre_pool_open(&model.pool, &sim.pages, &options);
        T_EXPECT(status == ACRE_OK);
        T_EXPECT_SOUND(run(&model, i / 2 == 2));
        T_EXPECT(acre_pool_close(&model.pool) == ACRE_OK);
    }
}

T_MAIN(T_CASE(pools_do_what_the_model_does))
