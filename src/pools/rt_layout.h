// rt_layout.h - the pool of an rt heap: its struct, its two bitmaps, and what can be read from them.
//
// The range is cut into granules. Granule i has position i + 32, so that what is looked at in front of
// the first one and behind the last one needs no test; position 0 stands for "none".
//
//     position      0 ... 31 | 32                              granules + 31 | granules + 32
//     starts        0        | 1 where a block starts                        | 1
//     edges         0        | 1 at the first and last granule of a free     | 0
//                            | block; 0 at the first and last of a live one  |
//
// What `edges` holds in the middle of a block means nothing, so a block of more than 32 granules has
// its length there: in the first whole half word behind its first granule, and if it is free also in
// the last whole one before its last granule. A shorter block ends where the next one starts, which a
// window of 32 bits of `starts` shows. So the length of each block, and that of a free block in front
// of it, are found without a loop and without a header, and nothing of it lies in the range.
//
// In wide pools a length of more than 15 bits takes two half words: the first has its top bit set and
// the low 15 bits, the other one, further inside, the rest.
//
// The functions here are all inlined into the operations (rt_ops.h): `wide` is a constant there.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_RT_LAYOUT_H
#define ACRE_POOLS_RT_LAYOUT_H

#include "acre/rt.h"
#include "base/bits.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE  __attribute__((noinline))

// What several operations have in common: a part of each of them, or, where a compiler is asked for small
// code, a function. The bounds of acre_rt_wcet are those of the former.
#ifdef __OPTIMIZE_SIZE__
#define RT_SHARED __attribute__((noinline, unused))
#else
#define RT_SHARED ALWAYS_INLINE
#endif

enum {
    RT_POSITION_FIRST = 32,      // of granule 0
    RT_LENGTH_SHORT_MAX = 32,    // granules that a window of starts can show
    RT_HALF_LENGTH_MAX = 0x7fff, // granules that one half word can say in a wide pool
    RT_NARROW_MAX = 65535 - 33,  // granules of a narrow pool: every position fits into a half word
    RT_WIDE_MAX = 1 << 27,       // granules of any pool: every sum of positions fits into 32 bits
};

// Bits of ACRE_RT_PARTS.
enum {
    RT_WITH_EXACT = 1,
    RT_WITH_QUICK = 2,
    RT_WITH_WIDE = 4,
    RT_WITH_SPECIAL = 8,
    RT_WITH_TIGHT = 16,
};

struct rt_engine;
struct rt_posts;

struct acre_rt {
    const struct rt_engine *engine; // what an operation does: EXACT or QUICK, narrow or wide
    uintptr_t base;                 // address of position 0
    uint32_t *starts;
    uint16_t *edges;
    void *index;            // EXACT: struct tree; QUICK: struct lists
    uint32_t tree_leaf;     // EXACT: number of the node of word 0 of starts
    uint32_t granules;      // of the range
    uint32_t used_granules; // of live blocks
    uint32_t peak_granules; // the most that there were
    uint8_t granule_log2;
    uint8_t special;     // not 0: any of what follows is in use, and rt_special.c serves the calls
    uint8_t check_level; // ACRE_RT_CHECK_*
    uint8_t engine_id;   // acre_rt_engine
    uint32_t failures;   // requests that found no room
    uint32_t faults;     // misuse that was refused
    const acre_rt_hooks *hooks; // NULL if none
    struct rt_posts *posts;     // NULL if interrupts cannot post
};

/// What serves a pool. All positions and counts are checked by the caller unless it says otherwise.
struct rt_engine {
    void *(*alloc)(acre_rt *, size_t bytes);                 // any size
    acre_status (*free)(acre_rt *, void *block);             // any pointer
    void *(*aligned)(acre_rt *, size_t align, size_t bytes); // any power of two, any size
    bool (*resize)(acre_rt *, uint32_t at, uint32_t count);
    bool (*claim)(acre_rt *, uint32_t at, uint32_t count);
    uint32_t (*length)(const acre_rt *, uint32_t at); // of any block
    uint32_t (*largest)(const acre_rt *);
    const char *(*check)(const acre_rt *); // the engine's own structures; NULL if sound
    void (*start)(acre_rt *); // bitmaps and index are clear: makes the whole range one free block
};

extern const struct rt_engine rt_exact_engine;
extern const struct rt_engine rt_exact_wide_engine;
extern const struct rt_engine rt_tight_engine;
extern const struct rt_engine rt_tight_wide_engine;
extern const struct rt_engine rt_quick_engine;
extern const struct rt_engine rt_quick_wide_engine;

// ---- bits ----------------------------------------------------------------------------------------

static ALWAYS_INLINE bool start_test(const acre_rt *rt, uint32_t at)
{
    return (rt->starts[at >> 5] >> (at & 31) & 1) != 0;
}

static ALWAYS_INLINE void start_set(acre_rt *rt, uint32_t at)
{
    rt->starts[at >> 5] |= (uint32_t)1 << (at & 31);
}

static ALWAYS_INLINE void start_clear(acre_rt *rt, uint32_t at)
{
    rt->starts[at >> 5] &= ~((uint32_t)1 << (at & 31));
}

static ALWAYS_INLINE bool edge_test(const acre_rt *rt, uint32_t at)
{
    return ((uint32_t)rt->edges[at >> 4] >> (at & 15) & 1) != 0;
}

static ALWAYS_INLINE void edge_set(acre_rt *rt, uint32_t at)
{
    rt->edges[at >> 4] = (uint16_t)(rt->edges[at >> 4] | 1u << (at & 15));
}

static ALWAYS_INLINE void edge_clear(acre_rt *rt, uint32_t at)
{
    rt->edges[at >> 4] = (uint16_t)(rt->edges[at >> 4] & ~(1u << (at & 15)));
}

/// The 32 bits of starts from a position on.
static ALWAYS_INLINE uint32_t start_window(const acre_rt *rt, uint32_t at)
{
    const uint32_t *here = &rt->starts[at >> 5];
    return here[0] >> (at & 31) | here[1] << 1 << (31 - (at & 31));
}

// ---- lengths -------------------------------------------------------------------------------------

/// Writes the length of a long block into the half word `half` of edges; in a wide pool what does
/// not fit goes into `rest`.
static ALWAYS_INLINE void length_put(
    acre_rt *rt, uint32_t half, uint32_t rest, uint32_t count, bool wide)
{
    if (wide && count > RT_HALF_LENGTH_MAX) {
        rt->edges[half] = (uint16_t)(count | 0x8000u);
        rt->edges[rest] = (uint16_t)(count >> 15);
    } else {
        rt->edges[half] = (uint16_t)count;
    }
}

static ALWAYS_INLINE uint32_t length_get(const acre_rt *rt, uint32_t half, uint32_t rest, bool wide)
{
    uint32_t count = rt->edges[half];
    if (wide && (count & 0x8000u) != 0) {
        count = (count & 0x7fffu) | (uint32_t)rt->edges[rest] << 15;
    }
    return count;
}

/// Granules of the block that starts at `at`: a live one, or any one of an EXACT pool.
static RT_SHARED uint32_t block_length(const acre_rt *rt, uint32_t at, bool wide)
{
    uint32_t window = start_window(rt, at + 1);
    if (window != 0) {
        return lowest_bit32(window) + 1;
    }
    uint32_t half = (at + 16) >> 4;
    return length_get(rt, half, half + 1, wide);
}

/// Makes `count` granules from `at` on a live block; starts knows of it already.
static RT_SHARED void block_set_live(acre_rt *rt, uint32_t at, uint32_t count, bool wide)
{
    if (count > RT_LENGTH_SHORT_MAX) {
        uint32_t half = (at + 16) >> 4;
        length_put(rt, half, half + 1, count, wide);
    }
    edge_clear(rt, at);
    edge_clear(rt, at + count - 1);
}

// ---- neighbours, by looking at starts word by word: not on paths with a bound ------------------------

/// The start of the block that a position of the range lies in.
static inline uint32_t block_start(const acre_rt *rt, uint32_t at)
{
    uint32_t word_at = at >> 5;
    uint32_t bits = rt->starts[word_at] << (31 - (at & 31)) >> (31 - (at & 31));
    while (bits == 0) { // there is one at the first granule
        word_at -= 1;
        bits = rt->starts[word_at];
    }
    return (word_at << 5) + highest_bit32(bits);
}

/// The position behind a block: where the next one starts.
static inline uint32_t block_end(const acre_rt *rt, uint32_t at)
{
    uint32_t word_at = (at + 1) >> 5;
    uint32_t bits = rt->starts[word_at] >> ((at + 1) & 31) << ((at + 1) & 31);
    while (bits == 0) { // there is one behind the last granule
        word_at += 1;
        bits = rt->starts[word_at];
    }
    return (word_at << 5) + lowest_bit32(bits);
}

// ---- addresses and sizes -------------------------------------------------------------------------

static ALWAYS_INLINE void *position_address(const acre_rt *rt, uint32_t at)
{
    return (void *)(rt->base + ((uintptr_t)at << rt->granule_log2));
}

/// The position of an address if it is the start of a granule of the range, else 0. Rotating puts what
/// is left over from a granule on top, so one comparison refuses it together with what is outside.
static ALWAYS_INLINE uint32_t position_of(const acre_rt *rt, const void *block)
{
    uintptr_t offset = (uintptr_t)block - rt->base;
    unsigned shift = rt->granule_log2;
    uintptr_t at = offset >> shift | offset << (-shift & (WORD_BITS - 1));
    return at - RT_POSITION_FIRST < rt->granules ? (uint32_t)at : 0;
}

/// The position of a live block, or 0: not in the range, between granules, inside a block, or free.
static ALWAYS_INLINE uint32_t position_of_live(const acre_rt *rt, const void *block)
{
    uint32_t at = position_of(rt, block);
    // Position 0 is no start, so it needs no test of its own.
    return start_test(rt, at) && !edge_test(rt, at) ? at : 0;
}

/// Granules for a request, or 0: for 0 bytes, and for more than the range has. The one comparison
/// comes before any arithmetic that could wrap.
static ALWAYS_INLINE uint32_t granules_for(const acre_rt *rt, size_t bytes)
{
    size_t last = (bytes - 1) >> rt->granule_log2; // of 0 bytes: more than any range has
    return last >= rt->granules ? 0 : (uint32_t)last + 1;
}

static ALWAYS_INLINE void count_used(acre_rt *rt, uint32_t count)
{
    uint32_t used = rt->used_granules + count;
    rt->used_granules = used;
    if (used > rt->peak_granules) {
        rt->peak_granules = used;
    }
}

#endif
