// lanes.h - the counters of children, four in a word. Each function is one compare-and-swap or one addition.
//
// Those that are not inline are so to be small: they are called once for many frames.
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
bool lane_take(acre_frames *pool, uint64_t child, unsigned frames);

/// Puts frames back whose bits are cleared already.
void lane_put(acre_frames *pool, uint64_t child, unsigned frames);

/// Moves a child from one value to another. False: it differs from the first.
bool lane_move(acre_frames *pool, uint64_t child, unsigned from, unsigned to);

/// The lane of a child in a block of 2^(9 + log2) frames.
static inline unsigned lane_whole(unsigned log2)
{
    return LANE_WHOLE | log2 << LANE_ORDER_SHIFT;
}

/// What the lanes of a block say, at the beginning of a word; and the word as pieces of that size.
struct lanes_block {
    uint64_t mask;     // all bits of the block's lanes
    uint64_t free;     // all of it is free
    uint64_t whole;    // it is one block
    uint64_t flip;     // between the two
    uint64_t lowest;   // the lowest bit of each piece of a word
    uint64_t highest;  // the highest
    uint64_t all_free; // a word of free children
    uint32_t frames;
    uint32_t bits;
};

#define LANES_EACH(log2)                                                                           \
    ((log2) == 0 ? (uint64_t)1 : (log2) == 1 ? (uint64_t)0x00010001 : (uint64_t)0x0001000100010001)
/// By the order of the block, less 9.
extern const struct lanes_block lanes_blocks[3];

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

#endif
