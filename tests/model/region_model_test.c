// region_model_test.c - random operations on a region beside a model that knows each block that is live,
// what it holds, each mark and each deferred call. The audit after each step.
// SPDX-License-Identifier: MIT
#include "acre/region.h"
#include "unit/fixture.h"

enum { BLOCKS = 400, MARKS = 8, STEPS = 6000, CALLS = 64 };

static _Alignas(16) unsigned char memory[60000];

struct model {
    acre_region region;
    uint64_t seed;
    struct {
        unsigned char *at;
        size_t bytes;
        uint64_t fill;
    } blocks[BLOCKS]; // oldest first
    size_t block_count;
    struct {
        acre_mark mark;
        size_t blocks; // that were there
        unsigned calls;
    } marks[MARKS];
    size_t mark_count;
    acre_mark stale; // one that was good once
    unsigned calls_due;
};

static struct model model;
static unsigned calls_made;

static void expect_call(void *argument)
{
    // Newest first: the number that was deferred last is called first.
    model.calls_due -= (uintptr_t)argument == model.calls_due ? 1 : 1000;
    calls_made += 1;
}

static const char *overlaps(const unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < model.block_count; i++) {
        if (at < model.blocks[i].at + model.blocks[i].bytes && model.blocks[i].at < at + bytes) {
            return "two live blocks overlap";
        }
    }
    return NULL;
}

static size_t random_size(void)
{
    size_t most = random_below(&model.seed, 10) == 0 ? 9000 : 200;
    return random_below(&model.seed, most) + 1;
}

static const char *step_alloc(void)
{
    size_t bytes = random_size();
    size_t align = (size_t)1 << random_below(&model.seed, 9);
    bool aligned = random_below(&model.seed, 4) == 0;
    if (model.block_count == BLOCKS) {
        return NULL;
    }
    unsigned char *at = aligned ? acre_region_aligned(&model.region, align, bytes)
                                : acre_region_alloc(&model.region, bytes);
    if (at == NULL) {
        return model.region.pages == NULL ? NULL : "no memory";
    }
    const char *broken = overlaps(at, bytes);
    if (((uintptr_t)at & ((aligned ? align : ACRE_REGION_ALIGN) - 1)) != 0) {
        broken = "a block is not aligned";
    }
    uint64_t fill = random_next(&model.seed);
    block_fill(at, bytes, fill);
    model.blocks[model.block_count].at = at;
    model.blocks[model.block_count].bytes = bytes;
    model.blocks[model.block_count].fill = fill;
    model.block_count += 1;
    return broken;
}

static const char *step_resize(void)
{
    if (model.block_count == 0 ||
        (model.mark_count != 0 && model.marks[model.mark_count - 1].blocks == model.block_count)) {
        return NULL;
    }
    size_t last = model.block_count - 1;
    size_t bytes = random_size();
    size_t both = bytes < model.blocks[last].bytes ? bytes : model.blocks[last].bytes;
    unsigned char *at =
        acre_region_realloc(&model.region, model.blocks[last].at, model.blocks[last].bytes, bytes);
    if (at == NULL) {
        return model.region.pages == NULL ? NULL : "no memory";
    }
    if (!block_holds(at, both / 8 * 8, model.blocks[last].fill)) {
        return "resizing lost contents";
    }
    model.block_count -= 1;
    const char *broken = overlaps(at, bytes);
    model.block_count += 1;
    model.blocks[last].at = at;
    model.blocks[last].bytes = bytes;
    block_fill(at, bytes, model.blocks[last].fill);
    return broken;
}

static const char *step_mark(void)
{
    acre_mark mark;
    if (model.mark_count == MARKS || acre_region_mark(&model.region, &mark) != ACRE_OK) {
        return NULL;
    }
    model.marks[model.mark_count].mark = mark;
    model.marks[model.mark_count].blocks = model.block_count;
    model.marks[model.mark_count].calls = model.calls_due;
    model.mark_count += 1;
    return NULL;
}

static const char *step_defer(void)
{
    uintptr_t number = model.calls_due + 1;
    if (number <= CALLS &&
        acre_region_defer(&model.region, expect_call, (void *)number, NULL) == ACRE_OK) {
        model.calls_due += 1;
    }
    return NULL;
}

static const char *step_rewind(void)
{
    if (model.stale.region != NULL &&
        acre_region_rewind(&model.region, model.stale) != ACRE_BAD_ARGUMENT) {
        return "a stale mark was taken for a good one";
    }
    if (model.mark_count == 0) {
        return NULL;
    }
    size_t to = random_below(&model.seed, model.mark_count);
    for (size_t i = 0; i < model.block_count; i++) {
        if (!block_holds(model.blocks[i].at, model.blocks[i].bytes, model.blocks[i].fill)) {
            return "a live block was written to";
        }
    }
    if (acre_region_rewind(&model.region, model.marks[to].mark) != ACRE_OK) {
        return "a good mark was refused";
    }
    model.stale = model.marks[model.mark_count - 1].mark;
    model.block_count = model.marks[to].blocks;
    model.mark_count = to;
    return model.calls_due == model.marks[to].calls ? NULL : "deferred calls went wrong";
}

static const char *step_reset(void)
{
    static const size_t keep[] = {0, 5000, SIZE_MAX};
    acre_region_reset(&model.region, keep[random_below(&model.seed, 3)]);
    model.block_count = 0;
    model.mark_count = 0;
    return model.calls_due == 0 ? NULL : "a reset forgot deferred calls";
}

static const char *step(void)
{
    size_t choice = random_below(&model.seed, 1000);
    return choice < 600   ? step_alloc()
           : choice < 750 ? step_resize()
           : choice < 850 ? step_defer()
           : choice < 920 ? step_mark()
           : choice < 995 ? step_rewind()
                          : step_reset();
}

static void regions_do_what_the_model_does(void)
{
    static const acre_region_options options[] = {
        {.chunk_bytes = 4096},
        {.chunk_bytes = 8192, .keep_bytes = 40000},
        {.chunk_bytes = 4096, .reserve_bytes = 1 << 20},
        {.chunk_bytes = 1},
    };
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    for (size_t i = 0; i < 5; i++) {
        model = (struct model){.seed = seed + i};
        calls_made = 0;
        pages_sim_init(&sim, 4096, true);
        T_EXPECT(
            (i == 4 ? acre_region_init(&model.region, memory, sizeof(memory))
                    : acre_region_open(&model.region, &sim.pages, &options[i])) == ACRE_OK);
        for (unsigned done = 0; done < STEPS; done++) {
            T_EXPECT_SOUND(step());
            T_EXPECT_SOUND(acre_region_audit(&model.region));
            T_EXPECT(i == 4 || model.region.held_bytes == sim.committed_bytes);
        }
        T_EXPECT(calls_made > 100);
        acre_region_close(&model.region);
        T_EXPECT(model.calls_due == 0 && sim.reserved_bytes == 0);
    }
}

T_MAIN(T_CASE(regions_do_what_the_model_does))
