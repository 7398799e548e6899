// range.h - a range of frames cut into the largest pieces that the books can move at once.
//
//     | rows of 1 to 64 frames | children | trees            | children | rows |
//       at the ends                         in the middle
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_RANGE_H
#define ACRE_FRAMES_RANGE_H

#include "frames/layout.h"

/// The next piece of a range at `frame` with `left` frames to come: its frames, 1 to a tree's.
static inline unsigned range_piece(uint64_t frame, uint64_t left)
{
    if (frame % TREE_FRAMES == 0 && left >= TREE_FRAMES) {
        return TREE_FRAMES;
    }
    if (frame % CHILD_FRAMES == 0 && left >= CHILD_FRAMES) {
        return CHILD_FRAMES;
    }
    uint64_t in_row = 64 - frame % 64;
    return (unsigned)(left < in_row ? left : in_row);
}

/// The mask of a piece of at most a row.
static inline uint64_t range_mask(uint64_t frame, unsigned frames)
{
    return low_bits(frames) << frame % 64;
}

/// Takes a range, all or nothing. False: something in it is in use.
bool range_take(acre_frames *pool, uint64_t frame, uint64_t frames);

/// Gives frames that are taken, the caller knows it.
acre_status range_give(acre_frames *pool, uint64_t frame, uint64_t frames);

/// The first frame of a range that cannot be taken now, looking from the start; frame + frames if
/// all can. What slots hold back counts as taken.
uint64_t range_first_taken(const acre_frames *pool, uint64_t frame, uint64_t frames);

#endif
