// acre/handles.h - a heap whose blocks may move: callers hold handles, not addresses.
//
//     slots   [ word offset size refs pins ... | ... ]     one for each handle, apart from the blocks
//     memory  [ A |  free  | B | C (pinned) |  free  | D |     free     ]
//                                 compact:  [ A | B | free | C | D |            free            ]
//
// "32 bytes are free, but in four pieces" has an answer here: move the blocks between the pieces.
// acre_handles_make_room moves as little as it takes; acre_handles_compact moves everything, in slices as
// small as the caller likes. Nothing ever moves in any other call, except in acre_handles_resize (its own
// block) and, in a heap with ACRE_HANDLES_AUTO, in acre_handles_new and acre_handles_resize.
//
// Contents are reached by read, write, fill and copy, which check bounds; or by a pin, which holds the
// block where it is and is counted. A handle has a generation: one that is gone is found to be stale for
// ever. References are counted. A block may be made purgeable: when room is short it loses its contents, not
// its handle.
//
// It pays for blocks that are large, live long and change their size, from about 200 bytes on average; or
// where it must be certain that what is free can be had. For small ones a bounded heap wastes less than
// the 48 bytes of a slot.
//
// Time: a lookup is constant; new, resize and make_room take one step for each block. Threads: one at a
// time.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HANDLES_H
#define ACRE_HANDLES_H

#include "acre/base.h"

ACRE_BEGIN

typedef struct acre_handles acre_handles;

/// Names a block: a generation in the high half, a slot in the low. 0 names none.
typedef uint64_t acre_handle;

/// Blocks start at multiples of this many bytes from the start of the heap's memory, which is aligned to it.
enum { ACRE_HANDLES_ALIGN = 8 };

/// New and resize compact and purge by themselves when room is short.
#define ACRE_HANDLES_AUTO 1u

/// Every new and resize first moves all blocks that can be moved, and overwrites where they were: finds
/// pointers that outlive their pin. For tests.
#define ACRE_HANDLES_STRESS 2u

/// Called when a block loses its last reference or is killed, before it is freed. It must not use the heap.
typedef void acre_handles_destroy(acre_handle handle, void *data, size_t size, void *argument);

/// What may be chosen. All zero means: every default.
typedef struct acre_handles_options {
    size_t count;                  // handles at most; 0 = one for each 256 bytes
    unsigned flags;                // ACRE_HANDLES_*
    acre_handles_destroy *destroy; // or NULL
    void *argument;                // for destroy
} acre_handles_options;

/// Makes a heap in `bytes` of memory of the caller, its own structures at the start.
///
/// options  NULL means all defaults; not kept
/// Errors   ACRE_BAD_ARGUMENT (no memory given, an unknown flag, more than 32 GiB), ACRE_NO_MEMORY (no
///          room for the slots)
acre_status acre_handles_init(
    void *memory, size_t bytes, const acre_handles_options *options, acre_handles **out)
    ACRE_MUST_USE;

/// A new block is to lie as high as possible: for blocks that will be pinned for long, so that they are not
/// in the way of others.
#define ACRE_HANDLE_HIGH 1u

/// Makes a block of `size` bytes with one reference; its contents are indeterminate. Returns its handle, or
/// 0 when there is no room in one piece or no slot; nothing is changed then. With ACRE_HANDLES_AUTO blocks are
/// moved, and purged, if there is room then. flags: ACRE_HANDLE_HIGH, or 0.
acre_handle acre_handles_new(acre_handles *heap, size_t size, unsigned flags) ACRE_MUST_USE;

/// Adds a reference. After 65535 the count stays, and the block then lives until it is killed. Errors:
/// ACRE_BAD_ARGUMENT: the handle is stale.
acre_status acre_handles_ref(acre_handles *heap, acre_handle handle);

/// Drops a reference; with the last one the block is freed. Errors: ACRE_BAD_ARGUMENT: the handle is stale,
/// or it is the last reference of a block that is pinned; nothing is changed then.
acre_status acre_handles_unref(acre_handles *heap, acre_handle handle);

/// Frees a block now, whoever else refers to it: their handles are stale from then on. Errors: as
/// acre_handles_unref.
acre_status acre_handles_kill(acre_handles *heap, acre_handle handle);

/// Whether a handle names a block.
bool acre_handles_is_valid(const acre_handles *heap, acre_handle handle) ACRE_MUST_USE;

/// Bytes of a block; 0 if the handle is stale or the block was purged.
size_t acre_handles_size(const acre_handles *heap, acre_handle handle) ACRE_MUST_USE;

/// Resizes a block, keeping its contents up to the smaller size and its handle; it may move. A purged block
/// comes back with indeterminate contents. Errors: ACRE_BAD_ARGUMENT (stale), ACRE_NO_MEMORY (no room in one
/// piece, or it is pinned and would have to move); the block is unchanged then.
acre_status acre_handles_resize(acre_handles *heap, acre_handle handle, size_t size) ACRE_MUST_USE;

/// Copies `bytes` bytes at `offset` of a block to `to`. Errors: ACRE_BAD_ARGUMENT: stale, or not within the
/// block; nothing is copied then.
acre_status acre_handles_read(
    const acre_handles *heap, acre_handle handle, size_t offset, void *to, size_t bytes)
    ACRE_MUST_USE;

/// Copies `bytes` bytes from `from` into a block. Errors: as acre_handles_read.
acre_status acre_handles_write(
    acre_handles *heap, acre_handle handle, size_t offset, const void *from, size_t bytes)
    ACRE_MUST_USE;

/// Sets `bytes` bytes of a block to `value`. Errors: as acre_handles_read.
acre_status acre_handles_fill(
    acre_handles *heap, acre_handle handle, size_t offset, unsigned char value, size_t bytes)
    ACRE_MUST_USE;

/// Copies between blocks, or within one. Errors: as acre_handles_read, for both.
acre_status acre_handles_copy(
    acre_handles *heap, acre_handle to, size_t to_offset, acre_handle from, size_t from_offset,
    size_t bytes) ACRE_MUST_USE;

/// Pins a block: it neither moves nor goes until it has been unpinned as often. Returns its address, or NULL
/// if the handle is stale, the block has no bytes, or it is pinned 65535 times.
void *acre_handles_pin(acre_handles *heap, acre_handle handle) ACRE_MUST_USE;

/// Ends one pin. Errors: ACRE_BAD_ARGUMENT: stale, or not pinned.
acre_status acre_handles_unpin(acre_handles *heap, acre_handle handle);

/// A look without a pin: the address of `bytes` bytes at `offset`, good as long as acre_handles_epoch
/// returns the same number as before this call. NULL if they are not within the block or it is stale.
const void *acre_handles_peek(
    const acre_handles *heap, acre_handle handle, size_t offset, size_t bytes) ACRE_MUST_USE;

/// A number that changes whenever a block moves, becomes shorter or goes.
uint64_t acre_handles_epoch(const acre_handles *heap) ACRE_MUST_USE;

/// Moves blocks towards the start until there are no holes that can be closed, or `bytes_max` bytes were
/// moved: at least one block if any can be, so that slices make progress. Returns the bytes moved; 0: compact.
size_t acre_handles_compact(acre_handles *heap, size_t bytes_max);

/// Makes a hole of `size` bytes by moving as few bytes as possible, but not more than `bytes_max`. Errors:
/// ACRE_NO_MEMORY: it cannot be had (pins may be in the way), or not for so little; nothing is moved then.
acre_status acre_handles_make_room(acre_handles *heap, size_t size, size_t bytes_max) ACRE_MUST_USE;

/// Lets a block lose its contents when room is short: those with the lowest number first; 0 forbids it again.
/// Errors: ACRE_BAD_ARGUMENT: stale.
acre_status acre_handles_set_purgeable(acre_handles *heap, acre_handle handle, uint32_t priority);

/// Whether a block has lost its contents, until it is resized.
bool acre_handles_is_purged(const acre_handles *heap, acre_handle handle) ACRE_MUST_USE;

/// Purges blocks that may be, in the order of their priority, until `bytes` bytes were freed. Pinned ones are
/// spared. Returns the bytes freed.
size_t acre_handles_purge(acre_handles *heap, size_t bytes);

/// Numbers of a heap of handles.
typedef struct acre_handles_stats {
    size_t total_bytes;   // for blocks
    size_t free_bytes;    // of them, in all holes together
    size_t largest_bytes; // the largest hole
    size_t
        largest_compacted_bytes; // the largest hole that compaction can make, with the pins there are
    size_t pinned_bytes;         // in blocks that are pinned
    size_t live_count;           // handles
    size_t count;                // handles at most
    size_t moved_bytes;          // by all moves since the heap was made
    size_t purged_count;         // blocks purged since then
} acre_handles_stats;

/// Fills `out`. Time: one step for each block.
void acre_handles_get_stats(const acre_handles *heap, acre_handles_stats *out);

/// Checks every invariant. Returns NULL if all hold, else a sentence naming the broken one.
const char *acre_handles_audit(const acre_handles *heap) ACRE_MUST_USE;

ACRE_END

#endif
