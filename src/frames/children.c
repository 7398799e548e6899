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
            uint64_t zeros =
                (differs - block->lowest) & ~differs & block->lowest << (block->bits - 1);
            if (zeros == 0) {
                break;
            }
            unsigned shift = lowest_bit(zeros) + 1 - block->bits;
            if (likely(cas64_both(entry, &old, old ^ (block->free ^ block->whole) << shift))) {
                return (child + shift / LANE_BITS) << CHILD_LOG2;
            }
        }
        if (child % TREE_CHILDREN != 0) {
            return NO_FRAME;
        }
    }
}

RARE uint64_t children_claim(acre_frames *pool, uint64_t tree, const struct want *want)
{
    if ((tree + 1) << TREE_LOG2 > want->end) {
        return claim_below(pool, tree * TREE_CHILDREN, want);
    }
    return claim_in_tree(pool, tree, &lanes_blocks[want->order - CHILD_LOG2]);
}

uint64_t children_take(acre_frames *pool, struct line *line, unsigned order)
{
    const struct lanes_block *block = &lanes_blocks[order - CHILD_LOG2];
    uint64_t tree;
    if (unlikely(!held_take(line, 1u << order, &tree))) {
        return NO_FRAME;
    }
    uint64_t frame = claim_in_tree(pool, tree, block);
    if (unlikely(frame == NO_FRAME)) {
        held_put(pool, line, tree, 1u << order);
    }
    return frame;
}

acre_status children_free(acre_frames *pool, struct line *line, uint64_t frame, unsigned order)
{
    if (unlikely(frame >= pool->frames || (frame & low_bits(order)) != 0)) {
        return ACRE_BAD_ARGUMENT;
    }
    const struct lanes_block *block = &lanes_blocks[order - CHILD_LOG2];
    uint64_t child = frame >> CHILD_LOG2;
    unsigned shift = lane_shift(child);
    if (!lanes_move(
            &pool->lanes[child / 4], block->mask << shift, block->whole << shift,
            block->free << shift)) {
        return block_why_not(pool, frame, order);
    }
    held_put(pool, line, frame >> TREE_LOG2, 1u << order);
    return ACRE_OK;
}
