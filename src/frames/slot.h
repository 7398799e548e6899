// slot.h - single frames, by way of what slots have of them.
//
//     hand   [ half row 17 | 1111 0110 ... ]     the next frame is its lowest bit: one compare-and-swap
//     back   [ half row 23 | 0001 0000 ... ]     what the hand had before
//
// A frame that is freed goes into the hand if that has its half row: one compare-and-swap. Else the hand
// moves to `back`, what was there goes back to the books, and the frame is the first of a new hand. So
// what was freed last is allocated next. An empty hand takes what `back` has, and only with both
// empty it is filled from the tree: so the two are never of the same half row, and a frame that is
// freed twice is found by looking at both.
//
// All other books say of these frames that they are taken.
//
// A row id and its frames are one word, so any slot can take what another has with one exchange: no
// message to the other CPU, and no section in which interrupts are off.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_SLOT_H
#define ACRE_FRAMES_SLOT_H

#include "base/bits.h"
#include "frames/layout.h"

/// A frame of a hand, or of a `back`, which keeps the others. NO_FRAME: it is empty.
static inline uint64_t slot_pick(uint64_t *entry)
{
    uint64_t old = load_relaxed(entry);
    while (likely((uint32_t)old != 0)) {
        if (likely(cas64_both(entry, &old, old & (old - 1)))) {
            return (old >> 32) << HALF_LOG2 | lowest_bit(old);
        }
    }
    return NO_FRAME;
}

/// Fills the hand of a line and takes a frame. NO_FRAME: it holds no tree that has any, and can have none.
uint64_t slot_fill(acre_frames *pool, struct line *line, enum kind kind);

/// A frame that any slot has, or that is in a tree that any slot holds.
uint64_t slot_steal(acre_frames *pool, struct line *line);

/// Gives back a frame that is not of the hand's half row.
acre_status slot_give(acre_frames *pool, struct line *line, uint64_t frame);

/// Puts a frame into a hand that has its half row. False: it has another.
static inline bool slot_put(uint64_t *entry, uint64_t frame, acre_status *status)
{
    uint32_t bit = (uint32_t)1 << frame % 32;
    uint64_t old = load_relaxed(entry);
    while (likely(old >> 32 == frame >> HALF_LOG2)) {
        if (unlikely((old & bit) != 0)) {
            *status = ACRE_DOUBLE_FREE;
            return true;
        }
        if (likely(cas64_both(entry, &old, old | bit))) {
            *status = ACRE_OK;
            return true;
        }
    }
    return false;
}

/// Gives back what a line has, the tree that it holds included.
void slot_drain(acre_frames *pool, struct line *line);

/// Whether any line has any of `count` frames.
bool slot_has_any(const acre_frames *pool, uint64_t frame, uint64_t count);

#endif
