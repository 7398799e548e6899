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

/// The same value in 2^log2 lanes from that of `child` on; log2 is 0 to 2.
static inline uint64_t lanes_of(uint64_t child, unsigned log2, unsigned value)
{
    static const uint64_t ones[] = {1, 0x00010001u, 0x0001000100010001u};
    return ones[log2] * value << lane_shift(child);
}

/// Moves 2^log2 children, aligned, from one value to another at once. False: they are not `from`.
static inline bool lanes_move(
    acre_frames *pool, uint64_t child, unsigned log2, unsigned from, unsigned to)
{
    uint64_t *entry = &pool->lanes[child / 4];
    uint64_t mask = lanes_of(child, log2, 0xffffu);
    uint64_t want = lanes_of(child, log2, from);
    uint64_t flip = lanes_of(child, log2, from ^ to);
    uint64_t old = load_relaxed(entry);
    do {
        if ((old & mask) != want) {
            return false;
        }
    } while (!cas64_both(entry, &old, old ^ flip));
    return true;
}

/// The first 2^log2 children of a word, aligned, whose lanes have the value `from`, moved to `to`. Their
/// place in the word; 4 if there are none.
static inline unsigned lanes_claim(uint64_t *entry, unsigned log2, unsigned from, unsigned to)
{
    uint64_t mask = lanes_of(0, log2, 0xffffu);
    uint64_t want = lanes_of(0, log2, from);
    uint64_t flip = lanes_of(0, log2, from ^ to);
    uint64_t old = load_relaxed(entry);
    unsigned step = (unsigned)LANE_BITS << log2;
    for (unsigned shift = 0; shift < 64; shift += step) {
        while ((old >> shift & mask) == want) {
            if (cas64_both(entry, &old, old ^ flip << shift)) {
                return shift / LANE_BITS;
            }
        }
    }
    return 4;
}

/// The lane of a child in a block of 2^(9 + log2) frames.
static inline unsigned lane_whole(unsigned log2)
{
    return LANE_WHOLE | log2 << LANE_ORDER_SHIFT;
}

#endif
