// block.c - blocks of order 0 to 8 in a tree, and of 12 and more made of trees; see block.h.
//
// Orders 0 to 6 are bits of one row, 12 is a tree: one compare-and-swap, nothing to undo. Orders 7 and 8
// are two and four rows, orders above 12 several trees: the parts are claimed one by one, and if one is not
// to be had, those before it go back, last first.
// SPDX-License-Identifier: MIT
#include "frames/block.h"

#include "base/bits.h"
#include "frames/lanes.h"
#include "frames/tree.h"

// ---- bits ----------------------------------------------------------------------------------------

/// Where in a row of taken bits an aligned run of 2^order frames is free: its lowest bits, all such.
static uint64_t free_runs(uint64_t row, unsigned order)
{
    static const uint64_t starts[ROW_LOG2 + 1] = {
        UINT64_MAX,
        0x5555555555555555u,
        0x1111111111111111u,
        0x0101010101010101u,
        0x0001000100010001u,
        0x0000000100000001u,
        1};
    uint64_t runs = ~row;
    for (unsigned i = 0; i < order; i++) {
        runs &= runs >> (1u << i);
    }
    return runs & starts[order];
}

/// `room`: frames of the row that may be used, from its first on.
static uint64_t claim_in_row(acre_frames *pool, uint64_t row, unsigned order, uint64_t room)
{
    uint64_t allowed = UINT64_MAX; // bits where a block may start
    if (room < 64) {
        unsigned frames = 1u << order;
        allowed = room < frames ? 0 : low_bits((unsigned)room + 1 - frames);
    }
    uint64_t old = load_relaxed(&pool->rows[row]);
    while (true) {
        uint64_t runs = free_runs(old, order) & allowed;
        if (runs == 0) {
            return NO_FRAME;
        }
        unsigned bit = lowest_bit(runs);
        if (cas64_both(&pool->rows[row], &old, old | low_bits(1u << order) << bit)) {
            return row * 64 + bit;
        }
    }
}

/// Claims `count` rows, all or none.
RARE static bool claim_rows(acre_frames *pool, uint64_t row, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t old = 0;
        if (!cas64_both(&pool->rows[row + i], &old, UINT64_MAX)) {
            while (i-- > 0) {
                store_release(&pool->rows[row + i], 0); // ours as a whole: nobody else changes it
            }
            return false;
        }
    }
    return true;
}

/// From the row `start` of the child on, and around.
static uint64_t claim_in_child(
    acre_frames *pool, uint64_t child, const struct want *want, unsigned start)
{
    unsigned step = want->order <= ROW_LOG2 ? 1 : 1u << (want->order - ROW_LOG2);
    for (unsigned i = 0; i < CHILD_ROWS; i += step) {
        uint64_t row = child * CHILD_ROWS + (((start & ~(step - 1)) + i) & (CHILD_ROWS - 1));
        if (row * 64 >= want->end) {
            continue;
        }
        uint64_t room = want->end - row * 64;
        if (want->order <= ROW_LOG2) {
            uint64_t frame = claim_in_row(pool, row, want->order, room);
            if (frame != NO_FRAME) {
                return frame;
            }
        } else if (step * 64u <= room && claim_rows(pool, row, step)) {
            return row * 64;
        }
    }
    return NO_FRAME;
}

uint64_t block_claim(acre_frames *pool, uint64_t tree, const struct want *want)
{
    unsigned frames = 1u << want->order;
    unsigned start = want->half_at / 2; // row of the tree
    for (unsigned i = 0; i < TREE_CHILDREN; i++) {
        uint64_t child = tree * TREE_CHILDREN + ((start / CHILD_ROWS + i) & (TREE_CHILDREN - 1));
        if (!lane_take(pool, child, frames)) {
            continue;
        }
        uint64_t frame = claim_in_child(pool, child, want, start);
        if (frame != NO_FRAME) {
            return frame;
        }
        lane_put(pool, child, frames);
    }
    return NO_FRAME;
}

// ---- freeing -------------------------------------------------------------------------------------

RARE acre_status block_why_not(const acre_frames *pool, uint64_t frame, unsigned order)
{
    uint32_t tree = load_relaxed(&pool->trees[frame >> TREE_LOG2]);
    if ((tree & TREE_WHOLE) != 0) {
        return ACRE_WRONG_ORDER;
    }
    unsigned lane = (tree & TREE_PRESENT) == 0 ? 0 : lane_get(pool, frame >> CHILD_LOG2);
    if ((lane & LANE_WHOLE) != 0) {
        return ACRE_WRONG_ORDER;
    }
    // A block of whole children that are all free was freed before; if some frames are taken, they belong
    // to smaller blocks.
    bool is_free = order < CHILD_LOG2 ||
                   (order < TREE_LOG2 ? lane == CHILD_FRAMES : (tree & TREE_FREE) == TREE_FRAMES);
    return is_free ? ACRE_DOUBLE_FREE : ACRE_WRONG_ORDER;
}

static bool clear_bits(acre_frames *pool, uint64_t row, uint64_t mask)
{
    uint64_t old = load_relaxed(&pool->rows[row]);
    do {
        if ((old & mask) != mask) {
            return false;
        }
    } while (!cas64_both(&pool->rows[row], &old, old & ~mask));
    return true;
}

static bool rows_are_taken(const acre_frames *pool, uint64_t row, unsigned count)
{
    uint64_t taken = UINT64_MAX;
    for (unsigned i = 0; i < count; i++) {
        taken &= load_relaxed(&pool->rows[row + i]);
    }
    return taken == UINT64_MAX;
}

/// Clears the bits of a block. Returns how many frames that were: all or none, unless two callers free
/// the same block at the same time. What was cleared must be counted, by whoever did it.
static unsigned clear_frames(acre_frames *pool, uint64_t frame, unsigned order)
{
    uint64_t row = frame >> ROW_LOG2;
    if (order <= ROW_LOG2) {
        return clear_bits(pool, row, low_bits(1u << order) << (frame % 64)) ? 1u << order : 0;
    }
    unsigned count = 1u << (order - ROW_LOG2);
    if (!rows_are_taken(pool, row, count)) {
        return 0;
    }
    unsigned frames = 0;
    for (unsigned i = 0; i < count; i++) {
        frames += clear_bits(pool, row + i, UINT64_MAX) ? 64 : 0;
    }
    return frames;
}

acre_status block_free(acre_frames *pool, struct line *line, uint64_t frame, unsigned order)
{
    uint64_t child = frame >> CHILD_LOG2;
    unsigned frames = clear_frames(pool, frame, order);
    if (frames == 0) {
        return block_why_not(pool, frame, order);
    }
    lane_put(pool, child, frames);
    (void)held_put(pool, line, frame >> TREE_LOG2, frames);
    return frames == 1u << order ? ACRE_OK : ACRE_DOUBLE_FREE;
}

// ---- trees ---------------------------------------------------------------------------------------

static uint32_t tree_whole(unsigned order)
{
    return TREE_PRESENT | TREE_WHOLE | order;
}

/// Claims `count` trees, all or none.
RARE static bool claim_trees(acre_frames *pool, uint64_t tree, uint64_t count, unsigned order)
{
    for (uint64_t i = 0; i < count; i++) {
        uint32_t old = TREE_ALL_FREE;
        if (!cas32_both(&pool->trees[tree + i], &old, tree_whole(order))) {
            while (i-- > 0) {
                store_release(&pool->trees[tree + i], TREE_ALL_FREE); // ours as a whole
            }
            return false;
        }
    }
    return true;
}

RARE uint64_t trees_claim(acre_frames *pool, const struct want *want)
{
    uint64_t count = (uint64_t)1 << (want->order - TREE_LOG2);
    uint64_t base = pool->base >> TREE_LOG2; // blocks are aligned in address space, not in the pool
    uint64_t low = want->low ? 0 : pool->low_frames >> TREE_LOG2;
    uint64_t end = (base + (want->end >> TREE_LOG2)) & ~(count - 1);
    for (; end >= count && end - count >= base + low; end -= count) {
        uint64_t tree = end - count - base;
        if (claim_trees(pool, tree, count, want->order)) {
            return tree << TREE_LOG2;
        }
    }
    return NO_FRAME;
}

RARE acre_status trees_free(acre_frames *pool, uint64_t frame, unsigned order)
{
    uint64_t tree = frame >> TREE_LOG2;
    uint64_t count = (uint64_t)1 << (order - TREE_LOG2);
    for (uint64_t i = 0; i < count; i++) {
        if (load_relaxed(&pool->trees[tree + i]) != tree_whole(order)) {
            return block_why_not(pool, (tree + i) << TREE_LOG2, order);
        }
    }
    acre_status status = ACRE_OK;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t old = tree_whole(order);
        while (!cas32_both(&pool->trees[tree + i], &old, TREE_ALL_FREE)) {
            if (old != tree_whole(order)) {
                status = ACRE_DOUBLE_FREE; // somebody frees the same block at the same time
                break;
            }
        }
    }
    return status;
}
