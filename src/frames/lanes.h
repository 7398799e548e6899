// lanes.h - the counters of children, four in a word. Each function is one compare-and-swap or one addition.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_LANES_H
#define ACRE_FRAMES_LANES_H

#include "frames/layout.h"

static inline unsigned lane_shift(uint64_t child)
{
    return (unsigned)(child % 4) * LANE_BITS;
}

static inline unsigned lane_get(const acre_frames *pool, uint64_t child)
{
    return (unsigned)(load_relaxed(&pool->lanes[child / 4]) >> lane_shift(child)) & 0xffffu;
}

/// Takes `frames` off a child's count. False: it has not so many, or is WHOLE.
static inline bool lane_take(acre_frames *pool, uint64_t child, unsigned frames)
{
    uint64_t *entry = &pool->lanes[child / 4];
    unsigned shift = lane_shift(child);
    uint64_t old = load_relaxed(entry);
    do {
        unsigned lane = (unsigned)(old >> shift) & 0xffffu;
        if ((lane & LANE_WHOLE) != 0 || lane < frames) {
            return false;
        }
    } while (!cas64_both(entry, &old, old - ((uint64_t)frames << shift)));
    return true;
}

/// Puts frames back whose bits are cleared already.
static inline void lane_put(acre_frames *pool, uint64_t child, unsigned frames)
{
    (void)add64_both(&pool->lanes[child / 4], (uint64_t)frames << lane_shift(child));
}

/// The lane of a child in a block of 2^(9 + log2) frames.
static inline unsigned lane_whole(unsigned log2)
{
    return LANE_WHOLE | log2 << LANE_ORDER_SHIFT;
}

/// What the lanes of a block say, at the beginning of a word; and the word as pieces of that size.
struct lanes_block {
    uint64_t mask;   // all bits of the block's lanes
    uint64_t free;   // all of it is free
    uint64_t whole;  // it is one block
    uint64_t lowest; // the lowest bit of each piece
    uint64_t all_free;
    unsigned bits;
};

#define LANES_EACH(log2)                                                                           \
    ((log2) == 0 ? (uint64_t)1 : (log2) == 1 ? (uint64_t)0x00010001 : (uint64_t)0x0001000100010001)
#define LANES_LOWEST(log2)                                                                         \
    ((log2) == 0 ? (uint64_t)0x0001000100010001 : (log2) == 1 ? (uint64_t)0x0000000100000001 : 1)
#define LANES_BLOCK(log2)                                                                          \
    {                                                                                              \
        .mask = LANES_EACH(log2) * 0xffff, .free = LANES_EACH(log2) * CHILD_FRAMES,                \
        .whole = LANES_EACH(log2) * (LANE_WHOLE | (log2) << LANE_ORDER_SHIFT),                     \
        .lowest = LANES_LOWEST(log2), .all_free = LANES_EACH(2) * CHILD_FRAMES,                    \
        .bits = LANE_BITS << (log2)                                                                \
    }

/// By the order of the block, less 9.
static const struct lanes_block lanes_blocks[] = {LANES_BLOCK(0), LANES_BLOCK(1), LANES_BLOCK(2)};

/// Moves the lanes of some children of a word from one value to another at once. False: they
/// differ from it.
static inline bool lanes_move(uint64_t *entry, uint64_t mask, uint64_t from, uint64_t to)
{
    uint64_t old = load_relaxed(entry);
    do {
        if ((old & mask) != from) {
            return false;
        }
    } while (!cas64_both(entry, &old, old ^ from ^ to));
    return true;
}

/// The same for one child.
static inline bool lane_move(acre_frames *pool, uint64_t child, unsigned from, unsigned to)
{
    unsigned shift = lane_shift(child);
    return lanes_move(
        &pool->lanes[child / 4], (uint64_t)0xffff << shift, (uint64_t)from << shift,
        (uint64_t)to << shift);
}

#endif
