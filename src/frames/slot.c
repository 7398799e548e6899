// slot.c - see slot.h.
// SPDX-License-Identifier: MIT
#include "frames/slot.h"

#include "base/bits.h"
#include "frames/block.h"
#include "frames/lanes.h"
#include "frames/tree.h"

static uint64_t frame_of(uint64_t half, uint32_t bits)
{
    return half << HALF_LOG2 | lowest_bit(bits);
}

/// Gives frames back to the books that a line no longer has.
static void flush(acre_frames *pool, struct line *line, uint64_t entry)
{
    uint32_t mask = (uint32_t)entry;
    if (mask == 0) {
        return;
    }
    uint64_t half = entry >> 32;
    unsigned shift = (unsigned)(half % 2) * 32;
    uint64_t old = and64_both(&pool->rows[half / 2], ~((uint64_t)mask << shift));
    uint32_t cleared = (uint32_t)(old >> shift) & mask;
    if (unlikely(cleared != mask)) {
        // Freed on two slots. Counted is what was taken, so that the books stay right.
        (void)add64_both(&pool->late_double_frees, count32(cleared ^ mask));
    }
    unsigned frames = count32(cleared);
    lane_put(pool, half >> (CHILD_LOG2 - HALF_LOG2), frames);
    (void)held_put(pool, line, half >> (TREE_LOG2 - HALF_LOG2), frames);
}

// ---- filling the hand ----------------------------------------------------------------------------

/// The lowest `count` set bits, of at least so many.
static uint32_t lowest_bits(uint32_t bits, unsigned count)
{
    uint32_t rest = bits;
    for (; count > 0; count--) {
        rest &= rest - 1;
    }
    return bits & ~rest;
}

/// Claims up to `frames` free frames of a half row, which are off the tree's count already; what it did
/// not get goes back. Returns the bits it got.
__attribute__((noinline)) static uint32_t claim_half(
    acre_frames *pool, struct line *holder, uint64_t half, uint32_t bits, unsigned frames)
{
    uint64_t child = half >> (CHILD_LOG2 - HALF_LOG2);
    uint64_t tree = half >> (TREE_LOG2 - HALF_LOG2);
    if (!lane_take(pool, child, frames)) {
        (void)held_put(pool, holder, tree, frames);
        return 0;
    }
    unsigned shift = (unsigned)(half % 2) * 32;
    uint64_t old = or64_both(&pool->rows[half / 2], (uint64_t)bits << shift);
    uint32_t got = bits & ~(uint32_t)(old >> shift);
    unsigned missed = frames - count32(got);
    if (unlikely(missed != 0)) {
        lane_put(pool, child, missed);
        (void)held_put(pool, holder, tree, missed);
    }
    return got;
}

/// Free frames of a half row, as its bits say.
static uint32_t half_free(const acre_frames *pool, uint64_t half)
{
    return ~(uint32_t)(load_relaxed(&pool->rows[half / 2]) >> (half % 2) * 32);
}

static bool child_has_any(const acre_frames *pool, uint64_t half)
{
    unsigned lane = lane_get(pool, half >> (CHILD_LOG2 - HALF_LOG2));
    return lane != 0 && (lane & LANE_WHOLE) == 0;
}

/// Claims frames of one half row of the tree that `holder` holds, and puts all but one into the hand of
/// `line`. Returns that one; NO_FRAME: the holder has no count, or somebody else was quicker.
__attribute__((noinline)) static uint64_t fill(
    acre_frames *pool, struct line *line, struct line *holder)
{
    enum { CHILD_HALVES = CHILD_FRAMES / 32 };
    uint64_t held = load_relaxed(&holder->held);
    uint32_t start = load_relaxed(&holder->half_at);
    uint64_t first = (held >> 32) * TREE_HALVES;
    for (uint32_t i = 0; i < TREE_HALVES && (held & TREE_FREE) != 0; i++) {
        uint64_t half = first + (start + i) % TREE_HALVES;
        if ((i == 0 || half % CHILD_HALVES == 0) && !child_has_any(pool, half)) {
            i += CHILD_HALVES - 1 - (uint32_t)(half % CHILD_HALVES);
            continue;
        }
        uint32_t bits = half_free(pool, half);
        if (bits == 0) {
            continue;
        }
        unsigned count = (unsigned)(held & TREE_FREE);
        count = count < pool->hand_max ? count : pool->hand_max;
        unsigned frames = count32(bits);
        if (frames > count) {
            bits = lowest_bits(bits, count);
            frames = count;
        }
        if (!cas64_both(&holder->held, &held, held - frames)) {
            return NO_FRAME;
        }
        uint32_t got = claim_half(pool, holder, half, bits, frames);
        if (got == 0) {
            held = load_relaxed(&holder->held);
            if (held >> 32 != first / TREE_HALVES) {
                return NO_FRAME;
            }
            continue;
        }
        store_relaxed(&holder->half_at, (start + i) % TREE_HALVES);
        uint32_t rest = got & (got - 1);
        // An interrupt on this slot may have filled the hand meanwhile.
        flush(pool, line, swap64_both(&line->hand, half << 32 | rest));
        return frame_of(half, got);
    }
    return NO_FRAME;
}

uint64_t slot_fill(acre_frames *pool, struct line *line, enum kind kind)
{
    enum { TRIES_MAX = 16 };
    if ((uint32_t)load_relaxed(&line->back) != 0) {
        uint64_t entry = swap64_both(&line->back, 0);
        if ((uint32_t)entry != 0) {
            uint64_t rest = entry & (entry - 1);
            flush(pool, line, swap64_both(&line->hand, rest));
            return frame_of(entry >> 32, (uint32_t)entry);
        }
    }
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        uint64_t frame = fill(pool, line, line);
        if (frame != NO_FRAME) {
            return frame;
        }
        if ((load_relaxed(&line->held) & TREE_FREE) == 0 && !held_fetch(pool, line) &&
            !held_change(pool, line, kind, 1)) {
            return NO_FRAME;
        }
    }
    return NO_FRAME;
}

RARE uint64_t slot_steal(acre_frames *pool, struct line *line)
{
    for (uint32_t i = 0; i < line_count(pool); i++) {
        struct line *other = &pool->lines[i];
        uint64_t frame = fill(pool, line, other);
        frame = frame != NO_FRAME ? frame : slot_pick(&other->back);
        frame = frame != NO_FRAME ? frame : slot_pick(&other->hand);
        if (frame != NO_FRAME) {
            return frame;
        }
    }
    return NO_FRAME;
}

// ---- giving back ---------------------------------------------------------------------------------

acre_status slot_give(acre_frames *pool, struct line *line, uint64_t frame)
{
    uint64_t half = frame >> HALF_LOG2;
    uint64_t hand = half << 32 | (uint64_t)1 << frame % 32;
    uint64_t back = load_relaxed(&line->back);
    if (back >> 32 == half && (back & hand & UINT32_MAX) != 0) {
        return ACRE_DOUBLE_FREE;
    }
    uint64_t old = swap64_both(&line->hand, hand);
    // An empty hand is not worth keeping, unless its place is needed: `back` has the same half row.
    if ((uint32_t)old != 0 || back >> 32 == half) {
        old = swap64_both(&line->back, old);
        flush(pool, line, old);
    }
    return ACRE_OK;
}

RARE void slot_drain(acre_frames *pool, struct line *line)
{
    if ((uint32_t)load_relaxed(&line->hand) != 0) {
        flush(pool, line, swap64_both(&line->hand, 0));
    }
    if ((uint32_t)load_relaxed(&line->back) != 0) {
        flush(pool, line, swap64_both(&line->back, 0));
    }
    held_drop(pool, line);
}

RARE bool slot_has_any(const acre_frames *pool, uint64_t frame, uint64_t count)
{
    for (uint32_t i = 0; i < line_count(pool); i++) {
        const uint64_t words[] = {
            load_relaxed(&pool->lines[i].hand), load_relaxed(&pool->lines[i].back)};
        for (unsigned j = 0; j < 2; j++) {
            uint64_t base = words[j] >> 32 << HALF_LOG2;
            uint32_t mask = (uint32_t)words[j];
            for (; mask != 0; mask &= mask - 1) {
                uint64_t at = base | lowest_bit(mask);
                if (at >= frame && at - frame < count) {
                    return true;
                }
            }
        }
    }
    return false;
}
