// huge_kept.h - mappings of freed huge blocks, kept for the next ones.
//
// A mapping is a struct slab with `base` and `block_bytes`. One that is taken is on no list and not in the map:
// it is the taker's alone. No lock may be held but where a name ends in _locked: then heap->lock is.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_HUGE_KEPT_H
#define ACRE_HEAP_HUGE_KEPT_H

#include "heap/layout.h"

/// A descriptor of nothing yet; NULL if there is no memory for one. Only with ACRE_PORT_MOVE.
struct slab *huge_descriptor_take(acre_heap *heap);
void huge_descriptor_give_locked(acre_heap *heap, struct slab *slab);

/// Whether mappings may be cut, and put one behind the other: see huge_parts.h.
static inline bool huge_has_parts(const acre_heap *heap)
{
    return ACRE_PORT_MOVE && heap->pages->move != NULL;
}

/// A mapping that is too large by an eighth is taken as it is.
static inline bool huge_is_close(size_t have_bytes, size_t bytes)
{
    return have_bytes >= bytes && have_bytes - bytes <= bytes / 8;
}

// Without a way to resize a mapping a kept one serves few sizes, and nobody gives it back when the heap
// is idle. Parts are smaller than what they are parts of.
enum {
    HUGE_CACHE_MAX = 16,
    HUGE_CACHE_MAX_PARTS = 32,
    HUGE_CACHE_MAX_RIGID = 4,
    HUGE_CACHE_BYTES_MIN = 8 * SEGMENT_BYTES,
    HUGE_CACHE_BYTES_HELPED = 128 * SEGMENT_BYTES,
};

static const size_t huge_part_bytes_min = (size_t)SEGMENT_BYTES / 8;

/// Bytes that kept mappings may have: more while a helper gives back what nobody takes.
static inline size_t huge_kept_bytes_max_locked(const acre_heap *heap, bool helped)
{
    const bool parts = huge_has_parts(heap);
    const size_t share = heap->huge_bytes / (parts ? 4 : 8);
    const size_t least =
        parts && helped ? (size_t)HUGE_CACHE_BYTES_HELPED : (size_t)HUGE_CACHE_BYTES_MIN;
    return share > least ? share : least;
}

/// Whether one more mapping of this size is to be kept. Where a helper can be had, it will be asked for.
static inline bool huge_is_worth_keeping_locked(const acre_heap *heap, size_t bytes)
{
    const bool parts = huge_has_parts(heap);
    const size_t most = huge_kept_bytes_max_locked(heap, ACRE_PORT_HELPER && heap->helper != NULL);
    const unsigned most_count = parts                        ? HUGE_CACHE_MAX_PARTS
                                : heap->pages->remap != NULL ? HUGE_CACHE_MAX
                                                             : HUGE_CACHE_MAX_RIGID;
    return heap->huge_cached_count < most_count && heap->huge_cached_bytes + bytes <= most;
}

/// Keeps the low-water mark for the helper: after each taking, when what is left is on the list again.
static inline void huge_note_low_locked(acre_heap *heap)
{
    if (heap->huge_cached_bytes < heap->huge_cached_low) {
        heap->huge_cached_low = heap->huge_cached_bytes;
    }
}

/// The source has just made or resized this mapping: nothing else is part of it.
static inline void huge_new_origin_locked(acre_heap *heap, struct slab *huge)
{
    if (ACRE_PORT_MOVE) {
        huge->origin = ++heap->huge_origins;
    }
}

/// Keeps a mapping that is on no list. With what is kept before and behind it of the same origin it becomes one.
void huge_keep_locked(acre_heap *heap, struct slab *huge);

/// Takes a kept mapping off the list.
void huge_unkeep_locked(acre_heap *heap, struct slab *huge);

/// Whether most of a range does not read as zero.
bool huge_is_dense(uintptr_t addr, size_t bytes);

/// Takes a kept mapping and makes it fit. NULL if that cannot be done. With `want_zero` it is made to read as zero
/// where that costs less than clearing it; `fresh` says whether it does.
struct slab *huge_kept_take(acre_heap *heap, size_t bytes, bool want_zero);

/// Takes the kept mapping that suits `bytes` best, as it is; those that were used sparsely are released before. NULL
/// if there is none. Only with ACRE_PORT_MOVE.
struct slab *huge_kept_take_dense(acre_heap *heap, size_t bytes);

enum huge_remap {
    HUGE_REMAP_IN_PLACE,   // it may not move
    HUGE_REMAP,            // it may
    HUGE_REMAP_TO_COMPOSE, // it may, and kept mappings do not make room
};

/// Resizes a mapping that is on no list, and accounts for it; what it grows by kept mappings make room for. False:
/// it is as it was.
bool huge_remap(acre_heap *heap, struct slab *huge, size_t bytes, enum huge_remap how);

/// Releases a mapping that is on no list; keeps it after all if the source refuses. Returns its bytes, or 0.
size_t huge_release(acre_heap *heap, struct slab *huge);

#endif
