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
};

/// Whether one more mapping of this size is to be kept.
static inline bool huge_is_worth_keeping_locked(const acre_heap *heap, size_t bytes)
{
    const bool parts = huge_has_parts(heap);
    size_t most = heap->huge_bytes / (parts ? 4 : 8);
    most = most > (size_t)HUGE_CACHE_BYTES_MIN ? most : (size_t)HUGE_CACHE_BYTES_MIN;
    const unsigned most_count = parts                        ? HUGE_CACHE_MAX_PARTS
                                : heap->pages->remap != NULL ? HUGE_CACHE_MAX
                                                             : HUGE_CACHE_MAX_RIGID;
    return heap->huge_cached_count < most_count && heap->huge_cached_bytes + bytes <= most;
}

void huge_keep_locked(acre_heap *heap, struct slab *huge);

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

/// Releases kept mappings of up to `bytes` in all, the oldest first: the heap is about to grow by as much.
void huge_make_room(acre_heap *heap, size_t bytes);

/// Releases a mapping that is on no list; keeps it after all if the source refuses. Returns its bytes, or 0.
size_t huge_release(acre_heap *heap, struct slab *huge);

#endif
