// huge.h - blocks above RUN_BYTES_MAX, or with an alignment beyond a slice: a mapping each.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_HUGE_H
#define ACRE_HEAP_HUGE_H

#include "heap/layout.h"

/// A block of at least `size` bytes at a multiple of `align`, a power of two. NULL when the source or
/// the limit does not allow it. *zero says whether it reads as zero; with `want_zero`, memory that
/// does is preferred.
void *huge_alloc(acre_heap *heap, size_t size, size_t align, bool want_zero, bool *zero);

/// Frees the huge block at `addr`. False if there is none: nothing is changed then.
bool huge_free(acre_heap *heap, uintptr_t addr);

/// Releases what is kept beyond what may be, now that there is a helper no more. No lock may be held.
void huge_keep_what_is_allowed(acre_heap *heap);

/// Resizes the live huge block at `addr` to at least `size` bytes without copying, moving it if need be.
/// NULL if that cannot be done; the block is then unchanged.
void *huge_resize(acre_heap *heap, struct slab *huge, uintptr_t addr, size_t size);

/// The whole bytes that a request of `size` takes; 0 if that overflows.
size_t huge_bytes_for(const acre_heap *heap, size_t size);

/// The heap is about to grow by `bytes`: releases as much of kept mappings, the oldest first, and keeps in mind what
/// could not be released because a mapping is larger than that. No lock may be held.
void huge_make_room(acre_heap *heap, size_t bytes);

/// Releases up to `most` bytes of the mapping that was kept first: all of it, or its end, where the source can release
/// a part, then no more than `step`. Returns the bytes; 0 if nothing suits, or the source refuses. No lock may be held.
size_t huge_drop_some(acre_heap *heap, size_t most, size_t step);

/// Whether a huge block may have started at `addr` whose memory is kept since it was freed. No lock may be held.
bool huge_is_kept(acre_heap *heap, uintptr_t addr);

/// Releases every mapping kept for reuse. Returns the bytes given back.
size_t huge_drop_cache(acre_heap *heap);

/// Releases every mapping. Nobody may use the heap any more.
void huge_release_all(acre_heap *heap);

#endif
