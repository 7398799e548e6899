// partitions_model_test.c - random operations on a partition set beside a naive model of it: which blocks
// are live, in which partition, what they hold, and whether a request must be served. The audit after
// each step.
//
// The last case is what a plan promises: a run with no more live blocks of any range of sizes than the plan
// was made from is served, whatever the order.
// SPDX-License-Identifier: MIT
#include "acre/partitions.h"
#include "unit/fixture.h"

enum { PARTITIONS = 5, LIVE_MAX = 120, STEPS = 20000, SIZE_MOST = 420 };

static const acre_partition plan[PARTITIONS] = {{16, 9}, {48, 40}, {64, 3}, {208, 12}, {400, 5}};
static _Alignas(16) unsigned char memory[16384];

struct block {
    unsigned char *at; // NULL: none
    size_t bytes;      // asked for
    size_t partition;
    uint64_t fill;
};

struct model {
    acre_partitions *set;
    uint64_t seed;
    bool spill;
    struct block blocks[LIVE_MAX];
    size_t live[PARTITIONS];
    size_t peak[PARTITIONS];
    size_t failed[PARTITIONS];
    size_t spilled[PARTITIONS];
};

static size_t home_of(size_t bytes)
{
    for (size_t i = 0; i < PARTITIONS; i++) {
        if (bytes <= plan[i].block_bytes) {
            return i;
        }
    }
    return PARTITIONS;
}

/// Which partition must serve a request that comes from nowhere; PARTITIONS if none.
static size_t expect(struct model *model, size_t bytes)
{
    size_t home = home_of(bytes);
    size_t last = home < PARTITIONS ? home : PARTITIONS - 1;
    for (size_t i = home; i < PARTITIONS; i++) {
        if (model->live[i] < plan[i].count) {
            model->spilled[home] += i != home;
            return i;
        }
        if (!model->spill) {
            break;
        }
    }
    model->failed[last] += 1;
    return PARTITIONS;
}

static void enter(struct model *model, size_t partition)
{
    model->live[partition] += 1;
    if (model->live[partition] > model->peak[partition]) {
        model->peak[partition] = model->live[partition];
    }
}

/// Puts a block into the model. NULL, or what is wrong with it.
static const char *settle(
    struct model *model, struct block *block, unsigned char *at, size_t bytes, size_t partition)
{
    if (acre_partitions_size(model->set, at) != plan[partition].block_bytes) {
        return "a block of another partition than the model's";
    }
    for (size_t i = 0; i < LIVE_MAX; i++) {
        const struct block *other = &model->blocks[i];
        if (other != block && other->at != NULL && at < other->at + other->bytes &&
            other->at < at + bytes) {
            return "two live blocks overlap";
        }
    }
    *block = (struct block){at, bytes, partition, random_next(&model->seed)};
    block_fill(at, bytes, block->fill);
    return NULL;
}

static const char *take(struct model *model, struct block *block)
{
    size_t bytes = random_below(&model->seed, SIZE_MOST) + 1;
    bool clear = random_below(&model->seed, 4) == 0;
    unsigned char *at = clear ? acre_partitions_calloc(model->set, bytes, 1)
                              : acre_partitions_alloc(model->set, bytes);
    size_t partition = expect(model, bytes);
    if ((at == NULL) != (partition == PARTITIONS)) {
        return at == NULL ? "a request was not served" : "a block from nowhere";
    }
    if (at == NULL) {
        return NULL;
    }
    if (clear && !block_is_zero(at, bytes)) {
        return "calloc did not clear";
    }
    enter(model, partition);
    return settle(model, block, at, bytes, partition);
}

static const char *give(struct model *model, struct block *block)
{
    if (!block_holds(block->at, block->bytes, block->fill)) {
        return "a live block was written to";
    }
    if (random_below(&model->seed, 2) == 0) {
        acre_partitions_free(model->set, block->at);
    } else {
        acre_partitions_free_sized(model->set, block->at, block->bytes);
    }
    if (acre_partitions_fault(model->set, block->at) == NULL) {
        return "a freed block is live";
    }
    model->live[block->partition] -= 1;
    block->at = NULL;
    return NULL;
}

static const char *resize(struct model *model, struct block *block)
{
    size_t bytes = random_below(&model->seed, SIZE_MOST) + 1;
    size_t home = home_of(bytes);
    size_t from = block->partition;
    size_t to;
    if (home == from || (home < PARTITIONS && model->live[home] < plan[home].count)) {
        to = home;
    } else if (bytes <= plan[from].block_bytes) {
        to = from;
    } else {
        to = expect(model, bytes);
    }
    unsigned char *old = block->at;
    unsigned char *at = acre_partitions_realloc(model->set, old, bytes);
    if ((at == NULL) != (to == PARTITIONS)) {
        return "realloc did not do what the model does";
    }
    if (at == NULL) {
        return block_holds(old, block->bytes, block->fill) ? NULL : "a failed realloc wrote";
    }
    size_t kept = bytes < block->bytes ? bytes : block->bytes;
    if (!block_holds(at, kept, block->fill) || (to == from && at != old)) {
        return "realloc lost the contents, or moved a block for nothing";
    }
    if (to != from) {
        model->live[from] -= 1;
        enter(model, to);
    }
    return settle(model, block, at, bytes, to);
}

static const char *compare(const struct model *model, bool shared)
{
    for (size_t i = 0; i < PARTITIONS; i++) {
        acre_partition_stats stats;
        if (acre_partitions_get_stats(model->set, i, &stats) != ACRE_OK ||
            stats.live_count != model->live[i] || stats.failed_count != model->failed[i] ||
            stats.spilled_count != model->spilled[i] ||
            stats.live_peak != (shared ? 0 : model->peak[i])) {
            return "the set counts wrongly";
        }
    }
    return acre_partitions_audit(model->set);
}

static const char *run(struct model *model, bool shared)
{
    for (unsigned step = 0; step < STEPS; step++) {
        struct block *block = &model->blocks[random_below(&model->seed, LIVE_MAX)];
        const char *broken = NULL;
        // Long phases in which more is taken, or more is given.
        size_t share = step / 500 % 2 == 0 ? 20 : 60;
        if (block->at == NULL) {
            broken = take(model, block);
        } else if (random_below(&model->seed, 100) < share) {
            broken = give(model, block);
        } else {
            broken = resize(model, block);
        }
        broken = broken != NULL ? broken : compare(model, shared);
        if (broken != NULL) {
            return broken;
        }
    }
    return NULL;
}

static void sets_do_what_the_model_does(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    for (size_t i = 0; i < 6; i++) {
        static struct model model;
        model = (struct model){.seed = seed + i, .spill = i % 2 != 0};
        const acre_partitions_options options = {
            .flags = flags[i / 2] | (model.spill ? ACRE_PARTITIONS_SPILL : 0)};
        T_EXPECT(
            acre_partitions_init(memory, sizeof(memory), plan, PARTITIONS, &options, &model.set) ==
            ACRE_OK);
        T_EXPECT_SOUND(run(&model, i / 2 == 2));
    }
}

/// One random step of a run within the plan; realloc is used as often as the rest.
static const char *step_within(struct model *model, struct block *block)
{
    size_t home = random_below(&model->seed, PARTITIONS);
    size_t less = home == 0 ? 0 : plan[home - 1].block_bytes;
    size_t bytes = less + 1 + random_below(&model->seed, plan[home].block_bytes - less);
    size_t from = block->at == NULL ? PARTITIONS : block->partition;
    bool fits = home == from || model->live[home] < plan[home].count;
    if (block->at != NULL && random_below(&model->seed, 8) == 0) {
        return give(model, block);
    }
    if (!fits) {
        return NULL; // the plan says nothing of it
    }
    unsigned char *at = acre_partitions_realloc(model->set, block->at, bytes);
    if (at == NULL || acre_partitions_size(model->set, at) != plan[home].block_bytes) {
        return "a run within its plan was not served as planned";
    }
    if (from != PARTITIONS) {
        model->live[from] -= 1;
    }
    enter(model, home);
    return settle(model, block, at, bytes, home);
}

static void a_run_within_its_plan_is_always_served(void)
{
    for (unsigned spill = 0; spill < 2; spill++) {
        static struct model model;
        model = (struct model){.seed = t_seed(20261121), .spill = spill != 0};
        const acre_partitions_options options = {.flags = spill * ACRE_PARTITIONS_SPILL};
        T_EXPECT(
            acre_partitions_init(memory, sizeof(memory), plan, PARTITIONS, &options, &model.set) ==
            ACRE_OK);
        for (unsigned step = 0; step < STEPS; step++) {
            struct block *block = &model.blocks[random_below(&model.seed, LIVE_MAX)];
            T_EXPECT_SOUND(step_within(&model, block));
        }
        T_EXPECT_SOUND(compare(&model, false));
        for (size_t i = 0; i < PARTITIONS; i++) {
            T_EXPECT(model.peak[i] == plan[i].count); // or the case has asked for too little
        }
    }
}

T_MAIN(T_CASE(sets_do_what_the_model_does), T_CASE(a_run_within_its_plan_is_always_served))
