// children.c - blocks of 2, 4 and 8 MiB: one, two or four children of one word; see block.h.
//
// One compare-and-swap each, so nothing is ever half done.
// SPDX-License-Identifier: MIT
#include "base/bits.h"
#include "frames/block.h"
#include "frames/lanes.h"
#include "frames/tree.h"

/// In a tree that reaches beyond want->end.
RARE static uint64_t claim_below(acre_frames *pool, uint64_t child, const struct want *want)
{
    const struct lanes_block *block = &lanes_blocks[want->order - CHILD_LOG2];
    unsigned count = block->bits / LANE_BITS;
    for (; (child + count) << CHILD_LOG2 <= want->end; child += count) {
        unsigned shift = lane_shift(child);
        if (lanes_move(
                &pool->lanes[child / 4], block->mask << shift, block->free << shift,
                block->whole << shift)) {
            return child << CHILD_LOG2;
        }
    }
    return NO_FRAME;
}

static inline uint64_t claim_in_tree(
    acre_frames *pool, uint64_t tree, const struct lanes_block *block)
{
    uint64_t *entry = &pool->lanes[tree * TREE_LANE_WORDS];
    for (uint64_t child = tree * TREE_CHILDREN;; child += 4, entry++) {
        uint64_t old = load_relaxed(entry);
        while (true) {
            // The lowest piece that is zero after this is the lowest that is free: subtracting 1 from each
            // borrows into its top bit, and only what lies above a zero can be wrong.
            uint64_t differs = old ^ block->all_free;
            uint64_t zeros = (differs - block->lowest) & ~differs & block->highest;
            if (zeros == 0) {
                break;
            }
            unsigned shift = lowest_bit(zeros) + 1 - block->bits;
            if (likely(cas64_both(entry, &old, old ^ block->flip << shift))) {
                return (child + shift / LANE_BITS) << CHILD_LOG2;
            }
        }
        if (child % TREE_CHILDREN != 0) {
            return NO_FRAME;
        }
    }
}

RARE static uint64_t claim_rarely(acre_frames *pool, uint64_t tree, const struct lanes_block *block)
{
    return claim_in_tree(pool, tree, block);
}

/// The next trees, when the one that the slot holds has no such block. `tree` has the promise, unless it is
/// NO_FRAME.
RARE static acre_frame children_alloc_slow(
    acre_frames *pool, unsigned slot, uint32_t request, uint64_t tree)
{
    enum { TRIES_MAX = 4 };
    struct line *line = line_of(pool, slot, KIND_LARGE);
    const struct lanes_block *block = &lanes_blocks[(uint8_t)request - CHILD_LOG2];
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        bool scattered = tree != NO_FRAME; // free, but not such that there is a block
        if (scattered) {
            (void)held_put(pool, line, tree, block->frames);
            tree = NO_FRAME;
        }
        if ((scattered || !held_fetch(pool, line)) &&
            !held_change(pool, line, KIND_LARGE, block->frames)) {
            break;
        }
        if (held_take(line, block->frames, &tree)) {
            uint64_t frame = claim_rarely(pool, tree, block);
            if (likely(frame != NO_FRAME)) {
                return (acre_frame){pool->base + frame};
            }
        }
    }
    if (tree != NO_FRAME) {
        (void)held_put(pool, line, tree, block->frames);
    }
    return children_search(pool, slot, request);
}

RARE uint64_t children_claim(acre_frames *pool, uint64_t tree, const struct want *want)
{
    if ((tree + 1) << TREE_LOG2 > want->end) {
        return claim_below(pool, tree * TREE_CHILDREN, want);
    }
    return claim_rarely(pool, tree, &lanes_blocks[want->order - CHILD_LOG2]);
}

acre_frame children_alloc(acre_frames *pool, unsigned slot, uint32_t request)
{
    const struct lanes_block *block = &lanes_blocks[(uint8_t)request - CHILD_LOG2];
    uint64_t tree = NO_FRAME;
    if (likely(held_take(line_of(pool, slot, KIND_LARGE), block->frames, &tree))) {
        uint64_t frame = claim_in_tree(pool, tree, block);
        if (likely(frame != NO_FRAME)) {
            return (acre_frame){pool->base + frame};
        }
    }
    return children_alloc_slow(pool, slot, request, tree);
}

RARE static acre_status children_why_not(
    const acre_frames *pool, uint64_t frame, const struct lanes_block *block, unsigned order)
{
    return in_span(pool, frame, block->frames) ? block_why_not(pool, frame, order)
                                               : ACRE_BAD_ARGUMENT;
}

// A block that reaches beyond the span was never allocated: no need to look for it before.
acre_status children_free(acre_frames *pool, struct line *line, uint64_t frame, uint32_t request)
{
    const struct lanes_block *block = &lanes_blocks[(uint8_t)request - CHILD_LOG2];
    if (unlikely(frame >= pool->frames || (frame & (block->frames - 1)) != 0)) {
        return ACRE_BAD_ARGUMENT;
    }
    unsigned shift = (unsigned)(frame >> CHILD_LOG2) % 4 * LANE_BITS;
    uint64_t *entry = &pool->lanes[(frame >> CHILD_LOG2) / 4];
    uint64_t old = load_relaxed(entry);
    do {
        if (unlikely((old >> shift & block->mask) != block->whole)) {
            return children_why_not(pool, frame, block, (uint8_t)request);
        }
    } while (!cas64_both(entry, &old, old ^ block->flip << shift));
    return held_put(pool, line, frame >> TREE_LOG2, block->frames);
}
