// acre/rt.h - a heap over a fixed range whose every call takes a bounded number of instructions.
//
// For firmware and real-time programs, and for ranges that nobody may write to. An rt heap divides
// one range of addresses among its callers, blocks of any size in any order, without headers: what
// it knows lies in two bitmaps and a small index, in front of the range or anywhere else.
//
//     engine   finds                        fragmentation at worst      keeps in free memory
//     EXACT    the lowest hole that fits    logarithmic, acre_rt_need   nothing: never touches the range
//     TIGHT    a hole that fits closely     linear: best fit's          nothing
//     QUICK    a hole of the next class     linear: TLSF's              links; do not write to freed blocks
//
// EXACT and TIGHT succeed whenever there is a hole that is large enough; they work on memory that cannot even
// be read. TIGHT is EXACT but for the hole that it chooses: better for programs with arrays that grow. QUICK
// takes about 40 % of their instructions and, in friendly use, about as much memory as TIGHT.
// docs/choosing.md has numbers; docs/design/0008 says why it is built so.
//
// Blocks are aligned to the granule. A block of n bytes takes n bytes rounded up to granules, no more.
//
// Misuse: a pointer that is not a live block of the heap (freed before, inside a block, from
// elsewhere) is always found out, in constant time, by the bitmaps alone, and refused by status.
// What cannot be known is that a block was freed and its place handed out again meanwhile.
//
// Threads: one at a time, unless the hooks have a lock. Functions that take a const heap do not lock: of a
// live block its owner may ask the size at any time; whoever looks at the whole keeps others away.
// Interrupts: acre_rt_post_free only.
// Bounds: "bounded" below means that acre_rt_wcet has the number; the tests prove it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_RT_H
#define ACRE_RT_H

#include "acre/base.h"

ACRE_BEGIN

typedef struct acre_rt acre_rt;

typedef enum acre_rt_engine {
    ACRE_RT_EXACT, // address-ordered first fit
    ACRE_RT_QUICK, // good fit by size classes
    ACRE_RT_TIGHT, // nearly best fit, by the index of EXACT
} acre_rt_engine;

/// What a pointer is to an rt heap.
typedef enum acre_rt_kind {
    ACRE_RT_LIVE,       // a live block
    ACRE_RT_FREE,       // free memory of the range: freed already, or never handed out
    ACRE_RT_INTERIOR,   // inside a live block, at a granule
    ACRE_RT_MISALIGNED, // in the range, and not at a granule
    ACRE_RT_FOREIGN,    // not in the range
    ACRE_RT_OVERRUN,    // a live block, written to behind its end (check level 2)
    ACRE_RT_BROKEN,     // the heap's own state is damaged (check level 3)
} acre_rt_kind;

/// What is traced.
typedef enum acre_rt_event {
    ACRE_RT_DID_ALLOC,  // block may be NULL: no room
    ACRE_RT_DID_FREE,   // bytes is the block's size
    ACRE_RT_DID_RESIZE, // bytes is the new size; not called if there was no room
} acre_rt_event;

/// Functions that a heap calls. Any may be NULL. None but lock and unlock is called under the lock;
/// none may call back into the same heap, but for on_no_memory, which may free.
typedef struct acre_rt_hooks {
    /// Passed to every function below.
    void *context;

    /// Around every change: mask interrupts, or take a lock. What lock returns, unlock gets.
    uintptr_t (*lock)(void *context);
    void (*unlock)(void *context, uintptr_t key);

    /// There is no room for `bytes`. True: something was freed, try once more.
    bool (*on_no_memory)(void *context, acre_rt *rt, size_t bytes);

    /// Misuse was refused. The call that did it returns NULL or ACRE_BAD_ARGUMENT all the same.
    void (*on_fault)(void *context, acre_rt *rt, const void *block, acre_rt_kind kind);

    /// After each allocation, free and resize.
    void (*trace)(void *context, acre_rt_event event, void *block, size_t bytes);
} acre_rt_hooks;

/// Check levels, each with what is below it. Only level 0 leaves times and blocks as documented.
#define ACRE_RT_CHECK_POINTERS 0u // every pointer is proved to be a live block
#define ACRE_RT_CHECK_FILL     1u // freed memory is filled with 0xdd
#define ACRE_RT_CHECK_GUARD    2u // each block has a granule more, which free finds unchanged
#define ACRE_RT_CHECK_ALL      3u // each call checks the whole heap first

/// What may be chosen when a heap is made. All zero means: every default.
typedef struct acre_rt_options {
    acre_rt_engine engine;

    /// Bytes of a granule: a power of two, 8 to 65536. 0: 8 where pointers have 4 bytes, else 16.
    size_t granule_bytes;

    /// ACRE_RT_CHECK_*.
    unsigned check_level;

    /// Blocks that interrupts may post before somebody frees them: a power of two; 0: none.
    uint32_t post_count;

    /// Not copied: must outlive the heap. NULL: none.
    const acre_rt_hooks *hooks;
} acre_rt_options;

/// Bytes of bookkeeping, for arrays; all three arguments constants, as ACRE_RT_DEFINE wants them.
/// Without posts. acre_rt_meta_bytes is exact.
#define ACRE_RT_META_BYTES(bytes, granule, engine)                                                 \
    (ACRE_RT_HEADER_BYTES + 8 * (((bytes) / (granule) + 32) / 32 + 2) +                            \
     ((engine) == ACRE_RT_QUICK ? ((bytes) / (granule) > 65502 ? (size_t)864 : (size_t)244)        \
                                : ACRE_RT_TREE_NODES(((bytes) / (granule) + 31) / 32) *            \
                                      ((bytes) / (granule) > 65502 ? 4 : 2)))
#define ACRE_RT_HEADER_BYTES (8 * sizeof(void *) + 40)
#define ACRE_RT_TREE_NODES(words)                                                                  \
    (((words) + 3) / 4 * 4 + ((words) <= 4         ? (size_t)4                                     \
                              : (words) <= 16      ? (size_t)8                                     \
                              : (words) <= 64      ? (size_t)24                                    \
                              : (words) <= 256     ? (size_t)88                                    \
                              : (words) <= 1024    ? (size_t)344                                   \
                              : (words) <= 4096    ? (size_t)1368                                  \
                              : (words) <= 16384   ? (size_t)5464                                  \
                              : (words) <= 65536   ? (size_t)21848                                 \
                              : (words) <= 262144  ? (size_t)87384                                 \
                              : (words) <= 1048576 ? (size_t)349528                                \
                                                   : (size_t)1398104))

/// Memory for a heap, both as arrays that start clear: `name_memory` of `bytes`, aligned to
/// `granule`, and `name_meta`. For acre_rt_init_split.
#define ACRE_RT_DEFINE(name, bytes, granule, engine)                                               \
    static _Alignas(granule) unsigned char name##_memory[bytes];                                   \
    static _Alignas(void *) unsigned char name##_meta[ACRE_RT_META_BYTES(bytes, granule, engine)]

/// Makes a heap out of one piece of memory: bookkeeping in front, the range behind it.
///
/// block    any address; stays the caller's, who must not touch it while the heap is in use
/// bytes    its size; the range takes what is left over, in whole granules
/// options  NULL means all defaults; not kept
/// out      set only on ACRE_OK
/// Errors   ACRE_BAD_ARGUMENT (an option out of range, or one that ACRE_RT_PARTS of acre/config.h leaves
///          out), ACRE_NO_MEMORY (too small for one granule, or more granules than 2^27; QUICK with
///          more than 65 502 granules wants one of 16 bytes)
/// Time     O(bookkeeping)
acre_status acre_rt_init(void *block, size_t bytes, const acre_rt_options *options, acre_rt **out)
    ACRE_MUST_USE;

/// Makes a heap whose bookkeeping is apart from its range: in faster memory, or because the range
/// cannot be written to. EXACT at check level 0 never reads or writes the range, not even now.
///
/// meta     aligned as a pointer; at least acre_rt_meta_bytes
/// memory   aligned to the granule; `bytes` is rounded down to granules
/// Else as for acre_rt_init.
acre_status acre_rt_init_split(
    void *meta, size_t meta_bytes, void *memory, size_t bytes, const acre_rt_options *options,
    acre_rt **out) ACRE_MUST_USE;

/// Bytes of bookkeeping for a range of `bytes`: 2 bits a granule and an index, which is 2/3 bit a
/// granule for EXACT and TIGHT and 244 bytes for QUICK (4/3 bit and 864 bytes above 65 502 granules).
/// 0 for what acre_rt_init would refuse.
size_t acre_rt_meta_bytes(size_t bytes, const acre_rt_options *options) ACRE_MUST_USE;

/// Returns a block of at least `bytes`, or NULL. The contents are indeterminate.
///
/// bytes    0 yields NULL, and so does more than the range, whatever it may be
/// Time     bounded
void *acre_rt_alloc(acre_rt *rt, size_t bytes) ACRE_ALLOC(2);

/// Returns a block of `count` * `bytes` bytes that are zero, or NULL, also when the product overflows.
/// Time: bounded, and that of clearing the block.
void *acre_rt_calloc(acre_rt *rt, size_t count, size_t bytes) ACRE_MUST_USE;

/// Returns a block of at least `bytes` at a multiple of `align`, or NULL.
///
/// align    a power of two. Above the granule a hole of `bytes` + `align` less one granule is looked
///          for, so NULL may be returned although an aligned hole would have been there
/// Time     bounded; above the granule once more than acre_rt_alloc
void *acre_rt_aligned(acre_rt *rt, size_t align, size_t bytes) ACRE_ALLOC(3);

/// Returns `addr` as a live block of at least `bytes`, or NULL if some of that is not free: for
/// frame buffers, and for what other programs have placed.
/// Time: O(granules / 32) in front of it.
void *acre_rt_alloc_at(acre_rt *rt, void *addr, size_t bytes) ACRE_ALLOC(3);

/// Changes the size of `block`: in place if there is room, else by moving it. Returns the block, or
/// NULL with `block` unchanged and live: no room, misuse, or 0 bytes. NULL as `block` means alloc.
/// Time: bounded, and that of copying.
void *acre_rt_realloc(acre_rt *rt, void *block, size_t bytes) ACRE_ALLOC(3);

/// The same for a block that is to be at a multiple of `align`, wherever it goes.
void *acre_rt_realloc_aligned(acre_rt *rt, void *block, size_t align, size_t bytes) ACRE_ALLOC(4);

/// Changes the size of `block` in place, never moving it. ACRE_NO_MEMORY: no room behind it;
/// ACRE_BAD_ARGUMENT: not a live block, or 0 bytes; both with nothing changed. Time: bounded.
acre_status acre_rt_resize(acre_rt *rt, void *block, size_t bytes) ACRE_MUST_USE;

/// Frees `block`. NULL is ignored. ACRE_BAD_ARGUMENT: not a live block of this heap; nothing is
/// changed, and the hook on_fault is told. Time: bounded.
acre_status acre_rt_free(acre_rt *rt, void *block);

/// Frees `block`, of which the caller says that `bytes` was its size. Refused as above if that size
/// would have got another number of granules.
acre_status acre_rt_free_sized(acre_rt *rt, void *block, size_t bytes);

/// Hands `block` over to be freed by a later call: for interrupts, which must not free. It is freed by
/// one of the next allocations or frees, two at each, or by acre_rt_drain; misuse is found then.
///
/// Errors   ACRE_NO_MEMORY (as many are waiting as post_count says: try again later),
///          ACRE_BAD_ARGUMENT (not a granule of the range, or the heap has no posts)
/// Threads  from any, without the lock, where the port has atomics (ACRE_PORT_ATOMICS 1); else from
///          interrupts that do not interrupt each other
/// Time     a few instructions; starts again if another post comes between
acre_status acre_rt_post_free(acre_rt *rt, void *block) ACRE_MUST_USE;

/// Frees all blocks that were posted. Returns how many. Time: bounded for each.
size_t acre_rt_drain(acre_rt *rt);

/// Bytes that may be used in `block`; 0 if it is not a live block. Time: bounded.
size_t acre_rt_size(const acre_rt *rt, const void *block) ACRE_MUST_USE;

/// Whether `block` is a live block of this heap. Time: bounded.
bool acre_rt_owns(const acre_rt *rt, const void *block) ACRE_MUST_USE;

/// What any address is to this heap. Time: O(granules / 32).
acre_rt_kind acre_rt_judge(const acre_rt *rt, const void *addr) ACRE_MUST_USE;

/// The live block that an address lies in, or NULL. Time: O(granules / 32).
void *acre_rt_block_of(const acre_rt *rt, const void *addr) ACRE_MUST_USE;

/// The most bytes that acre_rt_alloc would find now. EXACT, TIGHT: exact. QUICK: of the largest class that
/// has any, so the truth may be more by less than an eighth. Time: a few instructions.
size_t acre_rt_largest(const acre_rt *rt) ACRE_MUST_USE;

typedef struct acre_rt_stats {
    size_t range_bytes;   // what is divided, bookkeeping not counted
    size_t granule_bytes; // the unit
    size_t live_bytes;    // in live blocks, rounded up to granules
    size_t peak_bytes;    // the most that live_bytes has been
    size_t live_blocks;
    size_t free_blocks;
    size_t largest_bytes; // of the free blocks, exactly
    size_t posted_blocks; // waiting to be freed
    size_t failures;      // requests that found no room
    size_t faults;        // misuse that was refused
} acre_rt_stats;

/// Fills `out`. The heap must not change meanwhile. Time: O(granules / 32).
void acre_rt_get_stats(const acre_rt *rt, acre_rt_stats *out);

/// Called for each block by acre_rt_walk, live or free. Return false to end the walk. It must not
/// change the heap.
typedef bool acre_rt_visitor(void *context, void *block, size_t bytes, bool live);

/// Calls `visit` for every block in address order. Returns true when all were visited. The heap must
/// not change meanwhile. Reads the bitmaps only.
bool acre_rt_walk(const acre_rt *rt, acre_rt_visitor *visit, void *context);

/// Checks a heap that does not change meanwhile. Returns NULL if all is sound, else a sentence that
/// says what is not. Level 0: what the ends of the bitmaps must be, in a few instructions; 1: the
/// bitmaps; 2: the index, too; 3: the guards of live blocks, too, where the heap has them.
const char *acre_rt_check(const acre_rt *rt, unsigned level) ACRE_MUST_USE;

/// Bytes of range that are enough, whatever is allocated and freed in whatever order, as long as live
/// blocks have `live_bytes` in sum and each has `min_bytes` to `max_bytes`. Bookkeeping not counted.
///
/// With M = live granules, at worst, and n = those of the largest block, EXACT needs
/// M (3/2 + ceil(log2 n)), which is above M H(n) / ln 2 (J. M. Robson's bound for first fit, Knuth,
/// The Art of Computer Programming 1, section 2.5, exercise 43), and M if n is 1. QUICK needs
/// M + (M + 1) (n + n/8 + 1): each hole is too small, and between two of them there is a block. TIGHT needs
/// M + (M + 1) (n - 1), for the same reason.
/// The bound for EXACT is one for alloc and free: not for blocks that shrink in place, which leaves them
/// where first fit would not have put them, nor for aligned ones or those at a given address.
/// 0 for sizes that make no sense or a range that no machine has.
size_t acre_rt_need(
    size_t live_bytes, size_t max_bytes, size_t min_bytes, const acre_rt_options *options)
    ACRE_MUST_USE;

/// Instructions that a call can take at most, in a heap without hooks, posts and check levels, the call
/// itself included: what scripts/check_rt_bounds.py finds in the code that gcc 12 makes at -O2.
typedef struct acre_rt_bound {
    const char *target;          // such as "cortex-m4"; NULL: not known for this one, all 0
    uint32_t alloc_instructions; // acre_rt_alloc
    uint32_t free_instructions;  // acre_rt_free
} acre_rt_bound;

/// Bounds for this heap on the machine it was compiled for.
acre_rt_bound acre_rt_wcet(const acre_rt *rt) ACRE_MUST_USE;

// ---- groups: several ranges as one -----------------------------------------------------------------

/// One heap of a group, and what its memory is good for: bits that the program gives meaning to.
typedef struct acre_rt_member {
    acre_rt *rt;
    uint32_t attributes;
} acre_rt_member;

/// Heaps in the order in which they are asked. The array stays the caller's. Ranges do not overlap.
typedef struct acre_rt_group {
    const acre_rt_member *members;
    size_t count;
    bool smallest; // ask the one whose largest hole is smallest first, so that large holes last
} acre_rt_group;

/// acre_rt_alloc from the first member that has all of `attributes` and the room. Time: bounded for
/// each member that is asked.
void *acre_rt_group_alloc(const acre_rt_group *group, uint32_t attributes, size_t bytes)
    ACRE_ALLOC(3);

/// acre_rt_aligned from a group.
void *acre_rt_group_aligned(
    const acre_rt_group *group, uint32_t attributes, size_t align, size_t bytes) ACRE_ALLOC(4);

/// The member whose range an address lies in; NULL if none.
acre_rt *acre_rt_group_owner(const acre_rt_group *group, const void *addr) ACRE_MUST_USE;

/// Changes the size of `block`: in its member, else in any that has `attributes`. As acre_rt_realloc.
void *acre_rt_group_realloc(
    const acre_rt_group *group, uint32_t attributes, void *block, size_t bytes) ACRE_ALLOC(4);

/// acre_rt_free from the member whose range the block lies in. NULL is ignored.
acre_status acre_rt_group_free(const acre_rt_group *group, void *block);

ACRE_END

#endif
