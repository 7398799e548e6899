// create.c - making a pool: where each of its books lies in the memory that it was given.
//
//     +------------+--------------------+--------------------+--------------+------------------+
//     | acre_frames| lines: 4 a slot    | trees: 4 bytes each| lanes: 16 B  | rows: 512 B      |
//     +------------+--------------------+--------------------+--------------+------------------+
//                                         each begins on a cache line of its own
//
// All zero but for the first two means that nothing is there, so memory that reads as zero is not written.
// SPDX-License-Identifier: MIT
#include "frames/layout.h"

enum { META_ALIGN = 64 };

/// Where each book lies: offsets in bytes from the pool.
struct plan {
    uint64_t base, trees, slots;
    uint64_t words, lanes, rows, bytes;
};

static uint64_t align64(uint64_t bytes)
{
    return (bytes + META_ALIGN - 1) & ~(uint64_t)(META_ALIGN - 1);
}

/// False: the options make no sense.
RARE static bool make_plan(const acre_frames_options *options, struct plan *plan)
{
    const uint64_t tree_bytes = (uint64_t)TREE_FRAMES << ACRE_FRAME_LOG2;
    uint64_t high = options->high.addr;
    if (options->slots == 0 || options->slots > ACRE_FRAMES_SLOTS_MAX ||
        high <= options->low.addr || high > (uint64_t)1 << ACRE_PHYS_BITS) {
        return false;
    }
    uint64_t first = options->low.addr / tree_bytes;
    plan->base = first << TREE_LOG2;
    plan->trees = (high + tree_bytes - 1) / tree_bytes - first;
    if (plan->trees > UINT32_MAX / TREE_HALVES) {
        return false; // half rows have 32 bits
    }
    plan->slots = 1;
    while (plan->slots < options->slots) {
        plan->slots *= 2;
    }
    plan->words = sizeof(acre_frames) + plan->slots * SLOT_LINES * sizeof(struct line);
    plan->lanes = align64(plan->words + plan->trees * sizeof(uint32_t));
    plan->rows = align64(plan->lanes + plan->trees * TREE_LANE_WORDS * sizeof(uint64_t));
    plan->bytes = plan->rows + plan->trees * TREE_ROWS * sizeof(uint64_t);
    return true;
}

SLOW uint64_t acre_frames_bytes(const acre_frames_options *options)
{
    struct plan plan;
    return make_plan(options, &plan) ? plan.bytes : 0;
}

/// How many of the pool's first trees lie below the `absolute`-th of the machine.
SLOW static uint32_t trees_below(const struct plan *plan, uint64_t absolute)
{
    uint64_t first = plan->base >> TREE_LOG2;
    uint64_t below = first < absolute ? absolute - first : 0;
    return (uint32_t)(below < plan->trees ? below : plan->trees);
}

/// Which frames a hand may have: so a free need not ask what is in the span.
SLOW static void set_hands(acre_frames *pool)
{
    const uint64_t first = pool->first - pool->base;
    const uint64_t end = first + pool->count;
    pool->hand_from = first > pool->low_frames ? first : pool->low_frames;
    pool->hand_frames = end > pool->hand_from ? end - pool->hand_from : 0;
}

/// Frames that a slot takes at a time: as many as a hand has, unless what all slots so hold back were more
/// than a 64th of the pool.
SLOW static uint32_t hand_max(const acre_frames *pool)
{
    enum { MOST = 32, LEAST = 8, LINE_WORDS = 2, FRAME_KINDS = 2, PART = 64 };
    const uint64_t slots = (uint64_t)pool->slot_mask + 1;
    uint32_t most = MOST;
    while (most > LEAST && slots * most * LINE_WORDS * FRAME_KINDS * PART > pool->frames) {
        most /= 2;
    }
    return most;
}

SLOW acre_frames *acre_frames_create(void *meta, const acre_frames_options *options)
{
    struct plan plan;
    if (!make_plan(options, &plan) || meta == NULL || (uintptr_t)meta % META_ALIGN != 0) {
        return NULL;
    }
    char *bytes = meta;
    if (!options->meta_is_zero) {
        __builtin_memset(meta, 0, (size_t)plan.bytes);
    }
    acre_frames *pool = meta;
    pool->rows = (uint64_t *)(void *)(bytes + plan.rows);
    pool->lanes = (uint64_t *)(void *)(bytes + plan.lanes);
    pool->trees = (uint32_t *)(void *)(bytes + plan.words);
    pool->base = plan.base;
    pool->frames = plan.trees << TREE_LOG2;
    pool->tree_count = (uint32_t)plan.trees;
    pool->dma32_trees = trees_below(&plan, DMA32_TREES);
    if (!options->use_isa_dma) {
        pool->low_frames = (uint64_t)trees_below(&plan, LOW_TREES) << TREE_LOG2;
    }
    pool->slot_mask = (uint32_t)plan.slots - 1;
    pool->hand_max = hand_max(pool);
    pool->first = options->low.addr >> ACRE_FRAME_LOG2;
    pool->count = ((options->high.addr + ACRE_FRAME_BYTES - 1) >> ACRE_FRAME_LOG2) - pool->first;
    set_hands(pool);
    pool->meta_bytes = plan.bytes;
    for (uint32_t i = 0; i < line_count(pool); i++) {
        // Slots begin their search far from each other.
        pool->lines[i].tree_at = (uint32_t)(plan.trees * i / line_count(pool));
    }
    return pool;
}

void acre_frames_get_span(const acre_frames *pool, acre_frame *first, uint64_t *count)
{
    first->number = pool->first;
    *count = pool->count;
}
