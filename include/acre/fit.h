// acre/fit.h - the textbook heap: boundary tags, one list of free blocks, and a choice of policy.
//
// This heap is for reading, for teaching and for comparison. It divides one fixed range as heaps have
// done since 1962: each block begins and ends with a word that tells its size and whether it is free, so
// that a freed block finds both neighbours and grows together with those that are free. Which free block
// serves a request is the policy, and there are five:
//
//     first      the first in the list that is large enough; the list has the newest first
//     next       the same, but each search goes on where the last one ended
//     best       the smallest that is large enough
//     worst      the largest
//     address    the first by address: the list is kept in order
//
// Every search looks at free blocks one by one, and counts them: acre_fit_stats.looked_at is the cost
// that the policies differ in. For bounded time there is acre/rt.h; docs/choosing.md compares.
//
// Blocks are aligned to two words. Overhead: two words a block; in the debug form six and a guard.
// Threads: one at a time. All sizes are in bytes.
//
// Misuse (freed twice, never allocated, written past the end) is found by the tags: likely, not
// certainly, since what a program writes into a block may look like tags. It ends the program with one
// line (port.h, acre_port_fatal), or is reported by status with ACRE_FIT_REPORT.
//
// Source: D. E. Knuth, The Art of Computer Programming 1, section 2.5, algorithms A and C.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FIT_H
#define ACRE_FIT_H

#include "acre/base.h"

ACRE_BEGIN

typedef struct acre_fit acre_fit;

typedef enum acre_fit_policy {
    ACRE_FIT_FIRST,
    ACRE_FIT_NEXT,
    ACRE_FIT_BEST,
    ACRE_FIT_WORST,
    ACRE_FIT_ADDRESS,
} acre_fit_policy;

/// Each live block has a magic word, a serial number, the requested size and the address of the code
/// that asked for it; what is behind the requested size is guarded, and freed memory is filled.
#define ACRE_FIT_DEBUG 1u
/// Misuse returns ACRE_BAD_ARGUMENT, or NULL, instead of ending the program.
#define ACRE_FIT_REPORT 2u

/// Makes a heap in `bytes` at `memory`, its own struct included; that memory stays the caller's.
///
/// policy   one of ACRE_FIT_*
/// flags    ACRE_FIT_DEBUG, ACRE_FIT_REPORT, or 0
/// out      set only on ACRE_OK
/// Errors   ACRE_BAD_ARGUMENT (no such policy or flag), ACRE_NO_MEMORY (no room for one block)
/// Time     constant
acre_status acre_fit_init(
    void *memory, size_t bytes, acre_fit_policy policy, unsigned flags, acre_fit **out)
    ACRE_MUST_USE;

/// Returns a block of at least `bytes`, or NULL: no free block is large enough, or `bytes` is 0.
/// Time: O(free blocks).
void *acre_fit_alloc(acre_fit *fit, size_t bytes) ACRE_ALLOC(2);

/// The same, of `count` * `bytes` bytes that are zero; NULL also if the product overflows.
void *acre_fit_calloc(acre_fit *fit, size_t count, size_t bytes) ACRE_MUST_USE;

/// Returns the largest block there is, but no more than `at_most` bytes and no less than `at_least`; how
/// much it has is stored to `got`. For buffers that are better the larger they are. NULL, with `got` 0:
/// there is none of that size.
/// Time: O(free blocks).
void *acre_fit_alloc_largest(acre_fit *fit, size_t at_least, size_t at_most, size_t *got)
    ACRE_MUST_USE;

/// Takes the bytes from `addr` on away from the heap for ever, for what the system has there: a frame
/// buffer, a boot image. They are neither read nor written; the tags lie in front and behind.
///
/// Errors   ACRE_BAD_ARGUMENT (not in the range, or no room for tags around), ACRE_NO_MEMORY (not free)
/// Time     O(blocks)
acre_status acre_fit_reserve(acre_fit *fit, void *addr, size_t bytes) ACRE_MUST_USE;

/// Changes the size of the block at `payload`: in place if there is room, else by moving it. NULL leaves
/// it unchanged and live: no room, or 0 bytes. NULL as `payload` means alloc.
void *acre_fit_realloc(acre_fit *fit, void *payload, size_t bytes) ACRE_ALLOC(3);

/// Frees the block at `payload`, together with free neighbours. NULL is ignored.
/// Time: constant; O(free blocks) with the policy `address`.
acre_status acre_fit_free(acre_fit *fit, void *payload);

/// Bytes that may be used in a live block: in the debug form what was asked for.
size_t acre_fit_size(const acre_fit *fit, const void *payload) ACRE_MUST_USE;

typedef enum acre_fit_state {
    ACRE_FIT_FREE = 1,
    ACRE_FIT_LIVE = 2,
    ACRE_FIT_SYSTEM = 4, // acre_fit_reserve
} acre_fit_state;

/// What a walk tells of a block.
typedef struct acre_fit_block {
    void *payload; // what a caller would hold
    size_t bytes;  // of the payload
    acre_fit_state state;
    const void *caller; // code that asked for it; NULL without ACRE_FIT_DEBUG
    size_t serial;      // how many blocks were handed out before it; 0 without ACRE_FIT_DEBUG
} acre_fit_block;

/// Called for each block by acre_fit_walk. Return false to end the walk. It must not change the heap.
typedef bool acre_fit_visitor(void *context, const acre_fit_block *block);

/// Calls `visit` for every block in address order. Returns true when all were visited.
bool acre_fit_walk(const acre_fit *fit, acre_fit_visitor *visit, void *context);

typedef struct acre_fit_stats {
    size_t range_bytes;   // what is divided, tags included
    size_t live_bytes;    // payload of live blocks
    size_t free_bytes;    // payload of free blocks
    size_t system_bytes;  // payload of reserved ones
    size_t largest_bytes; // payload of the largest free block
    size_t live_blocks;
    size_t free_blocks;
    size_t peak_bytes; // the most that live blocks had at once, tags included
    size_t searches;   // requests so far
    size_t looked_at;  // free blocks that were looked at for them
} acre_fit_stats;

/// Fills `out`. Time: O(blocks).
void acre_fit_get_stats(const acre_fit *fit, acre_fit_stats *out);

/// Checks every tag, guard and link. Returns NULL if all is sound, else a sentence that says what is
/// not. Time: O(blocks), and O(free blocks) squared.
const char *acre_fit_check(const acre_fit *fit) ACRE_MUST_USE;

/// Draws the heap as text: lines of an address and `columns` characters, each for the same number of
/// bytes, a power of two chosen so that there are at most `rows` lines.
///
///     #  live    .  free    S  reserved    +  more than one of them
///
/// buffer   of at least one byte; always terminated; ends in "..." if it was too small
/// Returns  characters written, without the NUL
size_t acre_fit_draw(
    const acre_fit *fit, unsigned columns, unsigned rows, char *buffer, size_t buffer_bytes);

ACRE_END

#endif
