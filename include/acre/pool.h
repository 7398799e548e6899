// acre/pool.h - a pool: blocks of one size from a fixed range, in constant time, checked.
//
//     memory:  [ block 0 | block 1 | ... | block count-1 | links (ACRE_POOL_KEEP) | live bits ]
//                  live      free -> number of the next free block, scrambled
//
// A block has no header. One bit for each block says whether it is live, so that putting back a block
// twice, a pointer into a block, or a pointer from elsewhere is always found. A pool lies in memory of
// the caller (acre_pool_init), or takes a range from a page source and memory for it as it is needed
// (acre_pool_open); with acre/heap_pages.h a heap is a page source. Nothing divides, no call searches.
//
// Cost, counted by scripts/measure_pools.py: get 30, put 36 instructions on x86-64; on Cortex-M4 34 and
// 46. Memory: 1 bit a block, 33 with ACRE_POOL_KEEP.
//
// Threads: one at a time, unless the pool is ACRE_POOL_SHARED. Misuse ends in acre_port_fatal (port.h);
// who wants an answer instead asks acre_pool_fault first.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOL_H
#define ACRE_POOL_H

#include "acre/pages.h"

ACRE_BEGIN

/// Links are kept beside the blocks, so that a free block keeps its contents: for constructed objects,
/// for memory that must not be written to, and against writes to freed blocks.
#define ACRE_POOL_KEEP 1u

/// Get and put may be called by any thread and by interrupt handlers. No lock, no links: a block is
/// claimed by a compare-and-swap of its live bit, so there is no ABA problem. Get looks at up to one
/// word for each 32 blocks, and may return NULL when blocks are put back behind its search. All memory
/// is committed when the pool is opened. Needs a port with ACRE_PORT_ATOMICS; on others a shared pool is
/// no safer than a plain one.
#define ACRE_POOL_SHARED 2u

/// What a pool is to be.
typedef struct acre_pool_options {
    size_t block_bytes; // of one block, at least 1
    size_t align;       // of each block: a power of two; 0 = that of a pointer
    size_t count;       // blocks, at most 2^31 - 1; 0 = as many as fit (acre_pool_init only)
    unsigned flags;     // ACRE_POOL_*, or 0
} acre_pool_options;

/// A pool. The fields are its own; who copies it has two pools over the same blocks.
typedef struct acre_pool {
    unsigned char *base;
    size_t stride_bytes; // from one block to the next
    size_t inverse;      // pools/stride.h
    uint32_t twos;       //
    uint32_t made;       // blocks that were ever handed out: those from here on are on no list
    uint32_t head;       // index + 1 of the block freed last; 0 = none
    uint32_t shared;     // ACRE_POOL_SHARED, or 0
    uint32_t live_count;
    uint32_t live_peak;
    unsigned char *links; // the link of block i is at links + i * link_stride_bytes
    size_t link_stride_bytes;
    uint32_t *live; // bit i % 32 of word i / 32
    uint32_t count;
    uint32_t hint;         // shared: the word in which a block was freed last
    uint32_t failed_count; // gets that returned NULL
    uint32_t keep;         // ACRE_POOL_KEEP, or 0
    acre_pages *pages;     // NULL: memory of the caller
    size_t committed_bytes;
    size_t reserved_bytes;
} acre_pool;

/// Bytes from one block to the next, for sizes that the compiler knows.
#define ACRE_POOL_STRIDE(block_bytes, align)                                                       \
    (((size_t)(block_bytes) + ACRE_POOL_ALIGN(align) - 1) & ~(ACRE_POOL_ALIGN(align) - 1))
#define ACRE_POOL_ALIGN(align) ((size_t)(align) < 4 ? (size_t)4 : (size_t)(align))

/// Bytes of memory, aligned as its blocks, that a pool of `count` blocks needs. With ACRE_POOL_KEEP
/// 4 more for each block.
#define ACRE_POOL_BYTES(count, block_bytes, align)                                                 \
    ((size_t)(count)*ACRE_POOL_STRIDE(block_bytes, align) + ((size_t)(count) + 31) / 32 * 4)

/// Bytes for the live bits of so many blocks.
#define ACRE_POOL_BESIDE_BYTES(count) (((size_t)(count) + 31) / 32 * 4)

/// Makes a pool in memory of the caller. The blocks start at the first multiple of the alignment.
///
/// memory   `bytes` of it belong to the pool until the caller stops using it; need not be zero
/// Errors   ACRE_BAD_ARGUMENT (no block size, an alignment that is no power of two, an unknown flag, a
///          size that overflows), ACRE_NO_MEMORY (fewer than `count` blocks fit, or none)
/// Time     one step for each 32 blocks
acre_status acre_pool_init(
    acre_pool *pool, void *memory, size_t bytes, const acre_pool_options *options) ACRE_MUST_USE;

/// Makes a pool in memory of the caller whose bits are elsewhere, so that every byte of `memory` is a
/// block's; with ACRE_POOL_KEEP the links are, too, and the pool never touches the blocks.
///
/// memory   options->count blocks, aligned as they are; belongs to the pool, as does `beside`
/// beside   `beside_bytes`, a multiple of 4 as address: ACRE_POOL_BESIDE_BYTES, with ACRE_POOL_KEEP 4 more
///          for each block
/// Errors   ACRE_BAD_ARGUMENT (as acre_pool_init, or misaligned, or no count), ACRE_NO_MEMORY (`beside` is
///          too small)
/// Time     one step for each 32 blocks
acre_status acre_pool_init_split(
    acre_pool *pool, void *memory, void *beside, size_t beside_bytes,
    const acre_pool_options *options) ACRE_MUST_USE;

/// Makes a pool of up to options->count blocks in a range of a page source. Memory for blocks is
/// committed when they are first handed out, a page at least; for bits and links at once.
///
/// pages    must outlive the pool; end the pool with acre_pool_close
/// Errors   as acre_pool_init; nothing stays reserved after an error
acre_status acre_pool_open(acre_pool *pool, acre_pages *pages, const acre_pool_options *options)
    ACRE_MUST_USE;

/// Gives the range of a pool back to its page source, with every block in it. A pool in memory of the
/// caller only becomes empty. Errors: ACRE_BAD_ARGUMENT when the source refuses; the pool is then as it
/// was.
acre_status acre_pool_close(acre_pool *pool);

/// Returns a block, the one that was put back last if there is one, or NULL when all are live or
/// the page source has no memory; the pool is unchanged then. Its contents are indeterminate, with
/// ACRE_POOL_KEEP what they were (zero at first, if they come from a page source).
///
/// Misuse  a free block whose link was overwritten is reported before it is handed out: always if a number
///         below 2^31 or a text was written; of other values the pool's blocks in 2^31 are taken for links,
///         which can lose free blocks, but leads to no live one
/// Time    constant; for a block that is new, perhaps a commit of one page
void *acre_pool_get(acre_pool *pool) ACRE_MUST_USE;

/// The same, and the block reads as zero. Time: as acre_pool_get and its size.
void *acre_pool_get_zeroed(acre_pool *pool) ACRE_MUST_USE;

/// Puts a block back. NULL is ignored.
///
/// Misuse  anything but a live block of this pool: a free block, a pointer into a block or from
///         elsewhere
/// Time    constant
void acre_pool_put(acre_pool *pool, void *block);

/// What acre_pool_put would say of `block`: NULL if it is a live block of the pool, else the sentence
/// of its misuse. Time: constant.
const char *acre_pool_fault(const acre_pool *pool, const void *block) ACRE_MUST_USE;

/// The index of a block, from 0 in address order; SIZE_MAX if no block of the pool starts there.
size_t acre_pool_index(const acre_pool *pool, const void *block) ACRE_MUST_USE;

/// The block with an index, whether it is live or not; NULL if there is none.
void *acre_pool_at(const acre_pool *pool, size_t index) ACRE_MUST_USE;

/// Frees all blocks. Threads: nobody else may use the pool. Time: one step for each 32 blocks.
void acre_pool_reset(acre_pool *pool);

/// Gives memory above the highest live block back to the page source, and makes the lowest free
/// blocks the next to be handed out. Returns the bytes given back; 0 for a pool in memory of the caller,
/// and for a shared one. Time: one step for each block.
size_t acre_pool_trim(acre_pool *pool);

/// Numbers of a pool.
typedef struct acre_pool_stats {
    size_t block_bytes;     // of one block, rounded up to its alignment
    size_t count;           // blocks at most
    size_t live_count;      // blocks handed out
    size_t live_peak;       // the most of them at any time; of a shared pool: 0, it is not counted
    size_t failed_count;    // gets that returned NULL
    size_t committed_bytes; // memory held from the page source, or given by the caller
} acre_pool_stats;

/// Fills `out`. Time: of a shared pool one step for each 32 blocks, else constant.
void acre_pool_get_stats(const acre_pool *pool, acre_pool_stats *out);

/// Called for each live block. Return false to end the walk. It may put back the block it gets.
typedef bool acre_pool_visitor(void *context, void *block);

/// Visits the live blocks in address order. Returns whether all were visited. Time: one step for each
/// 32 blocks, and the visits.
bool acre_pool_walk(acre_pool *pool, acre_pool_visitor *visit, void *context);

/// Checks every invariant. Returns NULL if all hold, else a sentence naming the broken one. For tests
/// and debuggers. Threads: nobody else may use the pool. Time: one step for each block.
const char *acre_pool_audit(const acre_pool *pool) ACRE_MUST_USE;

ACRE_END

// NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in them

/// A pool of `count` objects of a type, in static memory: acre_status name_init(void), type
/// *name_get(void), void name_put(type *), and the acre_pool itself as name_pool.
#define ACRE_POOL_DEFINE(name, type, object_count)                                                 \
    static unsigned char                                                                           \
        name##_memory[ACRE_POOL_BYTES(object_count, sizeof(type), __alignof__(type))]              \
        __attribute__((aligned(ACRE_POOL_ALIGN(__alignof__(type)))));                              \
    static acre_pool name##_pool;                                                                  \
    static inline acre_status name##_init(void)                                                    \
    {                                                                                              \
        acre_pool_options options = {sizeof(type), __alignof__(type), object_count, 0};            \
        return acre_pool_init(&name##_pool, name##_memory, sizeof(name##_memory), &options);       \
    }                                                                                              \
    static inline type *name##_get(void)                                                           \
    {                                                                                              \
        return (type *)acre_pool_get(&name##_pool);                                                \
    }                                                                                              \
    static inline void name##_put(type *object)                                                    \
    {                                                                                              \
        acre_pool_put(&name##_pool, object);                                                       \
    }

// NOLINTEND(bugprone-macro-parentheses)

#endif
