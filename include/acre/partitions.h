// acre/partitions.h - a partition set: a few pools over one piece of memory, behind the functions of malloc.
//
//     memory:  [ set, live bits | 153 blocks of 40 | 146 blocks of 136 | 20 blocks of 800 ]
//
//     size    -> the partition with the smallest blocks that are large enough    a search among sizes
//     address -> the partition that it lies in                                   a search among addresses
//
// For programs whose sizes are known, from a recorded run: acre-partitions(1) turns the record into the
// plan that needs the least memory (docs/choosing.md). A run that at no time has more live blocks of any
// range of sizes than the recorded one is always served: there is no fragmentation. Every call compares four
// times, and then does what a pool does (acre/pool.h): constant time, and a free that proves its
// pointer, in every build.
//
// Cost, counted by scripts/measure_pools.py with six partitions: alloc 67, free 52 instructions on x86-64,
// on Cortex-M4 at most 74 and 69. Memory: 1 bit for each block, and what describes the partitions, 664
// bytes for six on a machine of 32 bits (ACRE_PARTITIONS_SET_BYTES, ACRE_PARTITIONS_EACH_BYTES).
//
// Threads: one at a time, unless the set is ACRE_POOL_SHARED. Misuse ends in acre_port_fatal (port.h);
// who wants an answer instead asks acre_partitions_fault first.
// SPDX-License-Identifier: MIT
#ifndef ACRE_PARTITIONS_H
#define ACRE_PARTITIONS_H

#include "acre/pool.h"

ACRE_BEGIN

typedef struct acre_partitions acre_partitions;

/// One partition of a plan.
typedef struct acre_partition {
    size_t block_bytes; // of one block, at least 1
    size_t count;       // blocks, 1 to 2^31 - 1
} acre_partition;

/// Partitions of a set at most.
enum { ACRE_PARTITIONS_MAX = 16 };

/// When the partition of a request is empty, the next larger ones are asked, in their order. Else the
/// request fails: then one kind of block can never use up what another kind was promised.
#define ACRE_PARTITIONS_SPILL 0x100u

/// What may be chosen when a set is made. All zero means: every default.
typedef struct acre_partitions_options {
    /// Of every block: a power of two; 0 = ACRE_PARTITIONS_ALIGN. Less saves memory, and is for those who
    /// know that nothing in a block needs more.
    size_t align;

    /// ACRE_PARTITIONS_SPILL; ACRE_POOL_KEEP and ACRE_POOL_SHARED, which mean what they mean for pools.
    unsigned flags;
} acre_partitions_options;

/// Alignment of blocks if no other is asked for: what malloc's have, 16 bytes or, where pointers have 4
/// bytes, 8.
#define ACRE_PARTITIONS_ALIGN (2 * sizeof(void *))

/// Bytes that a set takes beside the blocks and their bits, and for each partition.
#define ACRE_PARTITIONS_SET_BYTES  (34 * sizeof(void *))
#define ACRE_PARTITIONS_EACH_BYTES (sizeof(acre_pool) + sizeof(void *) + 8)

/// Bytes of memory, aligned to `align`, that a set needs. 0 for what acre_partitions_init would refuse.
///
/// plan     `count` partitions, each with larger blocks than the one before
/// options  NULL means all defaults
size_t acre_partitions_bytes(
    const acre_partition *plan, size_t count, const acre_partitions_options *options) ACRE_MUST_USE;

/// Makes a set in memory of the caller.
///
/// memory   `bytes` of it belong to the set until the caller stops using it; need not be zero. Where it is
///          not aligned, up to the alignment less 1 is lost
/// plan     not kept; after rounding to the alignment each partition has larger blocks than the one before
/// options  NULL means all defaults; not kept
/// out      set only on ACRE_OK
/// Errors   ACRE_BAD_ARGUMENT (no partition or too many, sizes out of order, a count or size of 0, an
///          alignment that is no power of two, an unknown flag, a sum that overflows), ACRE_NO_MEMORY (too
///          few bytes)
/// Time     one step for each 32 blocks
acre_status acre_partitions_init(
    void *memory, size_t bytes, const acre_partition *plan, size_t count,
    const acre_partitions_options *options, acre_partitions **out) ACRE_MUST_USE;

/// Makes a set in a range of a page source, all of which is committed at once: later calls never ask it.
///
/// pages    must outlive the set; end the set with acre_partitions_close
/// Errors   as acre_partitions_init; nothing stays reserved after an error
acre_status acre_partitions_open(
    acre_pages *pages, const acre_partition *plan, size_t count,
    const acre_partitions_options *options, acre_partitions **out) ACRE_MUST_USE;

/// Gives the range of a set back to its page source, with every block in it. A set in memory of the caller
/// only becomes empty. Errors: ACRE_BAD_ARGUMENT when the source refuses; the set is then as it was.
acre_status acre_partitions_close(acre_partitions *set);

/// Returns a block of at least `bytes`, or NULL when there is none. The contents are indeterminate.
///
/// bytes    0 is taken for 1
/// Time     constant; with ACRE_PARTITIONS_SPILL one step more for each partition that is empty
void *acre_partitions_alloc(acre_partitions *set, size_t bytes) ACRE_ALLOC(2);

/// Returns a block of `count` * `bytes` bytes that are zero, or NULL, also when the product overflows.
/// Time: as acre_partitions_alloc, and that of clearing the bytes asked for, not the whole block.
void *acre_partitions_calloc(acre_partitions *set, size_t count, size_t bytes) ACRE_MUST_USE;

/// Changes the size of `block`, keeping the contents up to the smaller of the two sizes. Returns the
/// block, or NULL with `block` unchanged and live. NULL as `block` means alloc.
///
/// A block is moved if another partition is the one for `bytes`: also to a smaller one, because a plan
/// counts on it. It stays where it is if that one is empty and the block is large enough.
///
/// bytes    0 is taken for 1
/// Misuse   as acre_partitions_free
/// Time     that of alloc and free, and that of copying
void *acre_partitions_realloc(acre_partitions *set, void *block, size_t bytes) ACRE_ALLOC(3);

/// Frees `block`. NULL is ignored.
///
/// Misuse   anything but a live block of this set: a free block, a pointer into a block or from elsewhere
/// Time     constant
void acre_partitions_free(acre_partitions *set, void *block);

/// Frees `block`, of which the caller says that it asked for `bytes`. Misuse: also a size that is larger
/// than the block.
void acre_partitions_free_sized(acre_partitions *set, void *block, size_t bytes);

/// Bytes that may be used in `block`; 0 if it is not a live block of the set. Time:
/// constant.
size_t acre_partitions_size(const acre_partitions *set, const void *block) ACRE_MUST_USE;

/// What acre_partitions_free would say of `block`: NULL if it is a live block of the set, else the
/// sentence of its misuse. Time: constant.
const char *acre_partitions_fault(const acre_partitions *set, const void *block) ACRE_MUST_USE;

/// Frees all blocks. Counts of failures and the peaks stay. Threads: nobody else may use the set. Time:
/// one step for each 32 blocks.
void acre_partitions_reset(acre_partitions *set);

/// Number of partitions.
size_t acre_partitions_count(const acre_partitions *set) ACRE_MUST_USE;

/// Numbers of one partition. A request belongs to the partition with the smallest blocks that are large
/// enough, or to the last one if none are, whoever serves it.
typedef struct acre_partition_stats {
    size_t block_bytes;   // of one block, rounded up to its alignment
    size_t count;         // blocks at most
    size_t live_count;    // blocks handed out, whatever they were asked for as
    size_t live_peak;     // the most of them at any time; of a shared set: 0, it is not counted
    size_t failed_count;  // requests that got nothing
    size_t spilled_count; // requests that got a larger block: this partition was empty
    size_t
        largest_bytes; // the largest request; of the last partition it may be more than block_bytes
} acre_partition_stats;

/// Fills `out` with the numbers of the partition `index`, from 0 in the order of the plan.
/// Errors: ACRE_BAD_ARGUMENT when there is no such partition. Time: of a shared set one step for each 32
/// blocks, else constant.
acre_status acre_partitions_get_stats(
    const acre_partitions *set, size_t index, acre_partition_stats *out);

/// Called for each live block, with the bytes that may be used in it. Return false to end the walk. It may
/// free the block it gets.
typedef bool acre_partitions_visitor(void *context, void *block, size_t bytes);

/// Visits the live blocks in address order. Returns whether all were visited. Time: one step for each 32
/// blocks, and the visits.
bool acre_partitions_walk(acre_partitions *set, acre_partitions_visitor *visit, void *context);

/// Checks every invariant. Returns NULL if all hold, else a sentence naming the broken one. For tests
/// and debuggers. Threads: nobody else may use the set. Time: one step for each block.
const char *acre_partitions_audit(const acre_partitions *set) ACRE_MUST_USE;

ACRE_END

// NOLINTBEGIN(bugprone-macro-parentheses): a list stands in them

/// A plan as a macro, as acre-partitions prints it, names each partition to the macro it is given:
///
///     #define MODEM_PLAN(PARTITION) PARTITION(40, 153) PARTITION(136, 146) PARTITION(800, 20)
///
/// ACRE_PARTITIONS_BYTES(MODEM_PLAN) are the bytes of its set, as a constant, with alignment
/// ACRE_PARTITIONS_ALIGN and without ACRE_POOL_KEEP.
#define ACRE_PARTITIONS_BYTES(PLAN)                                                                \
    (ACRE_PARTITIONS_UP(ACRE_PARTITIONS_SET_BYTES PLAN(ACRE_PARTITIONS_ADD_EACH))                  \
         PLAN(ACRE_PARTITIONS_ADD_BLOCKS))
#define ACRE_PARTITIONS_UP(bytes)                                                                  \
    (((bytes) + ACRE_PARTITIONS_ALIGN - 1) & ~(ACRE_PARTITIONS_ALIGN - 1))
#define ACRE_PARTITIONS_ADD_EACH(block_bytes, count)                                               \
    +ACRE_PARTITIONS_EACH_BYTES + ACRE_POOL_BESIDE_BYTES(count)
#define ACRE_PARTITIONS_ADD_BLOCKS(block_bytes, count)                                             \
    +(size_t)(count)*ACRE_POOL_STRIDE(block_bytes, ACRE_PARTITIONS_ALIGN)
#define ACRE_PARTITIONS_ROW(block_bytes, count) {block_bytes, count},

/// A set by such a plan, in static memory: acre_status name_init(unsigned flags), with ACRE_PARTITIONS_SPILL,
/// ACRE_POOL_SHARED or 0, and the set itself as `name`, NULL before.
#define ACRE_PARTITIONS_DEFINE(name, PLAN)                                                         \
    static unsigned char name##_memory[ACRE_PARTITIONS_BYTES(PLAN)]                                \
        __attribute__((aligned(ACRE_PARTITIONS_ALIGN)));                                           \
    static acre_partitions *name;                                                                  \
    static inline acre_status name##_init(unsigned flags)                                          \
    {                                                                                              \
        static const acre_partition plan[] = {PLAN(ACRE_PARTITIONS_ROW)};                          \
        acre_partitions_options options = {0, flags};                                              \
        return acre_partitions_init(                                                               \
            name##_memory, sizeof(name##_memory), plan, sizeof(plan) / sizeof(plan[0]), &options,  \
            &name);                                                                                \
    }

// NOLINTEND(bugprone-macro-parentheses)

#endif
