// lanes.c - see lanes.h.
// SPDX-License-Identifier: MIT
#include "frames/lanes.h"

#define LANES_LOWEST(log2)                                                                         \
    ((log2) == 0 ? (uint64_t)0x0001000100010001 : (log2) == 1 ? (uint64_t)0x0000000100000001 : 1)
#define LANES_FREE(log2)  (LANES_EACH(log2) * CHILD_FRAMES)
#define LANES_WHOLE(log2) (LANES_EACH(log2) * (LANE_WHOLE | (log2) << LANE_ORDER_SHIFT))
#define LANES_BLOCK(log2)                                                                          \
    {                                                                                              \
        .mask = LANES_EACH(log2) * 0xffff, .free = LANES_FREE(log2), .whole = LANES_WHOLE(log2),   \
        .flip = LANES_FREE(log2) ^ LANES_WHOLE(log2), .lowest = LANES_LOWEST(log2),                \
        .highest = LANES_LOWEST(log2) << ((LANE_BITS << (log2)) - 1), .all_free = LANES_FREE(2),   \
        .frames = CHILD_FRAMES << (log2), .bits = LANE_BITS << (log2)                              \
    }

_Static_assert(sizeof(struct lanes_block) == 64, "found by a shift");

const struct lanes_block lanes_blocks[3] = {LANES_BLOCK(0), LANES_BLOCK(1), LANES_BLOCK(2)};

bool lane_take(acre_frames *pool, uint64_t child, unsigned frames)
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

void lane_put(acre_frames *pool, uint64_t child, unsigned frames)
{
    (void)add64_both(&pool->lanes[child / 4], (uint64_t)frames << lane_shift(child));
}

bool lane_move(acre_frames *pool, uint64_t child, unsigned from, unsigned to)
{
    unsigned shift = lane_shift(child);
    return lanes_move(
        &pool->lanes[child / 4], (uint64_t)0xffff << shift, (uint64_t)from << shift,
        (uint64_t)to << shift);
}
