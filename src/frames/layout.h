// layout.h - the books of a pool: rows, children, trees and slots.
//
//     span of the pool, in trees of 16 MiB that are aligned to their size in physical address space
//     +--------+--------+--------+--- ... ---+
//     | tree 0 | tree 1 | tree 2 |           |    a word of 32 bits for each tree
//     +--------+--------+--------+--- ... ---+
//         |  8 children of 2 MiB, 4 lanes of 16 bits in each of two words
//         |  +------+------+------+------+
//         +- | lane | lane | lane | lane |        one compare-and-swap moves up to four children
//            +------+------+------+------+
//               |  8 rows of 64 frames: one bit for each, set = taken; 64 bytes, a cache line
//
//     tree word   31 HELD | 30 WHOLE | 16 PREPARING | 15 PRESENT | 14..13 class | 12..0 free, or order
//     lane        15 WHOLE | 11..10 order of the block less 9 | 9..0 free
//     slot line   hand 64 | back 64 | held 64 | hints; one cache line for each kind of request
//       hand, back   63..32 half row | 31..0 its frames that the slot has
//       held         63..32 tree | 31 HELD | 12..0 free
//
// Counters come first. Who wants frames takes them off the count of a tree (tree word or, if the tree is
// held, the slot's `held`), then off a lane, then claims bits; who gives back goes the other way. So
// at each level the free frames below are at least as many as the count says, and a search below a
// count that was taken down can fail only because what is free is not contiguous. Then the counts are
// put back.
//
// The level that spans a block holds it: a block of 2 to 8 MiB is lanes marked WHOLE, of 16 MiB and more,
// trees marked WHOLE. What is below is left as if free, and nobody looks at it, because the count is
// taken. So these blocks are one compare-and-swap each up to 16 MiB.
//
// A tree word of 0 is a tree none of whose frames was ever given; nothing of its books was ever
// written. All memory being zero is thus a pool without frames.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_LAYOUT_H
#define ACRE_FRAMES_LAYOUT_H

#include "acre/frames.h"
#include "base/atomics.h"
#include "base/check.h"

#if __SIZEOF_POINTER__ < 8
#error "src/frames needs atomic words of 64 bits, so a machine of 64 bits"
#endif

enum {
    HALF_LOG2 = 5,
    ROW_LOG2 = 6,
    CHILD_LOG2 = 9,
    TREE_LOG2 = 12,
    CHILD_FRAMES = 1 << CHILD_LOG2,
    TREE_FRAMES = 1 << TREE_LOG2,
    TREE_CHILDREN = TREE_FRAMES / CHILD_FRAMES,
    CHILD_ROWS = CHILD_FRAMES / 64,
    TREE_ROWS = TREE_FRAMES / 64,
    TREE_HALVES = TREE_FRAMES / 32,
    TREE_LANE_WORDS = TREE_CHILDREN / 4,
    LOW_TREES = 1,     // ISA-DMA: the trees below 16 MiB
    DMA32_TREES = 256, // the trees below 4 GiB
};

// Tree words.
#define TREE_FREE      0x1fffu
#define TREE_CLASS     0x6000u
#define TREE_PRESENT   0x8000u
#define TREE_PREPARING 0x10000u // becomes present: whoever set it writes its books
#define TREE_WHOLE     0x40000000u
#define TREE_HELD      0x80000000u
#define TREE_ALL_FREE  (TREE_PRESENT | TREE_FRAMES) // not held: what a block of 16 MiB is made from

enum { TREE_CLASS_SHIFT = 13 };

// Lanes.
#define LANE_FREE  0x3ffu
#define LANE_WHOLE 0x8000u
enum { LANE_BITS = 16, LANE_ORDER_SHIFT = 10 };

/// What a request is about; each kind has slot lines and trees of its own. A tree's class is the kind
/// plus 1; 0 is a tree that is wholly free.
enum kind { KIND_PINNED, KIND_MOVABLE, KIND_LARGE, KINDS };

enum { SLOT_LINES = 4 }; // one for each kind, and one to make it a power of two

/// What a slot has for requests of one kind. Every word is complete in itself, so that anyone may take
/// it over with one exchange.
struct line {
    uint64_t hand;    // frames to hand out next
    uint64_t back;    // what the hand had before it got frames of another half row
    uint64_t held;    // the tree from which `hand` is filled
    uint32_t tree_at; // hint: where the next search for a tree begins
    uint32_t half_at; // hint: half row of the tree where the next fill begins
    uint64_t spare[4];
};

_Static_assert(sizeof(struct line) == 64, "a slot line is a cache line");
_Static_assert((int)TREE_FRAMES <= (int)TREE_FREE, "a tree's count has room");
_Static_assert((int)CHILD_FRAMES <= (int)LANE_FREE, "a lane's count has room");

struct acre_frames {
    uint64_t *rows;
    uint64_t *lanes;
    uint32_t *trees;

    uint64_t base;       // number of the first frame of the first tree
    uint64_t frames;     // that the trees span
    uint64_t low_frames; // the first ones, which only LOW requests get
    uint32_t tree_count;
    uint32_t dma32_trees; // the first ones, which are handed out last
    uint32_t slot_mask;   // slots are a power of two, so that any number leads to one
    uint32_t hand_max;    // frames that a slot takes at a time
    uint64_t hand_from;   // frames that may be in a hand: those of the span that are not low
    uint64_t hand_frames;
    uint64_t
        first; // the span as it was asked for: of the trees at its ends, the rest is never free
    uint64_t count;
    uint64_t meta_bytes;
    uint64_t late_double_frees;
    struct line lines[] __attribute__((aligned(64)));
};

/// A request, unpacked. Frame numbers are relative to the pool's base from here on.
struct want {
    unsigned order;
    enum kind kind;
    uint32_t half_at; // hint: half row of a tree where a search begins
    bool low;         // may take from the first low_frames
    uint64_t end;     // blocks end at or below
};

/// No frame, as a number relative to the base.
#define NO_FRAME UINT64_MAX

static inline struct line *line_of(acre_frames *pool, unsigned slot, enum kind kind)
{
    return &pool->lines[(slot & pool->slot_mask) * (unsigned)SLOT_LINES + (unsigned)kind];
}

static inline uint32_t line_count(const acre_frames *pool)
{
    return (pool->slot_mask + 1) * (unsigned)SLOT_LINES;
}

/// Whether a block lies in the span. What the trees at its ends have beyond it looks taken, but is nobody's
/// to free.
static inline bool in_span(const acre_frames *pool, uint64_t frame, uint64_t frames)
{
    uint64_t at = pool->base + frame - pool->first; // wraps below the span: beyond all frames then
    return at < pool->count && frames <= pool->count - at;
}

/// Number of set bits, without the instruction that not all machines have.
static inline unsigned count32(uint32_t bits)
{
    bits -= bits >> 1 & 0x55555555u;
    bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0fu;
    return bits * 0x01010101u >> 24;
}

static inline unsigned count64(uint64_t bits)
{
    return count32((uint32_t)bits) + count32((uint32_t)(bits >> 32));
}

/// `count` bits from the lowest on; 1 to 64.
static inline uint64_t low_bits(unsigned count)
{
    return UINT64_MAX >> (64 - count);
}

#endif
