// miss.h - what the hit paths call when there is no hit. All of it is out of line, so that the hit
// paths stay short; none of it is called under a lock.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_MISS_H
#define ACRE_HEAP_MISS_H

#include "heap/layout.h"

/// What a request gets: by size and alignment alone, so that a sized free can tell.
struct placement {
    uint8_t kind;         // KIND_SLAB, KIND_PAGES or KIND_HUGE; KIND_NONE if it cannot be met
    unsigned class;       // of a slab
    unsigned pages;       // of a run
    unsigned align_pages; // of a run
};

/// Placement of `size` bytes at a multiple of `align`, a power of two.
struct placement placement_of(size_t size, size_t align);

/// Allocates without looking at the bin first, for any size. NULL if there is no memory.
void *miss_alloc(acre_heap *heap, size_t size);

/// Allocates by placement. *zero says whether the block reads as zero but for its first two words.
void *miss_place(
    acre_heap *heap, const struct placement *at, size_t size, size_t align, bool want_zero,
    bool *zero);

/// Frees any block, from any slot, or finds out what is wrong with the address.
void miss_free(acre_heap *heap, void *addr);

/// The same after a push that was refused or given up, at any moment: it may have made the block look
/// free, or not even have begun.
void miss_refused(acre_heap *heap, void *addr);

/// A push counted `due` down to 0.
void miss_due(acre_heap *heap, struct slab *slab);

/// What a live block is. Anything else ends the process, with `invalid` if no block starts at `addr`
/// and `freed` if it is a free one.
struct live {
    struct slab *slab; // of a small block its slab, of a huge one its own, of a run its slice
    size_t bytes;      // usable
};

struct live miss_inspect(acre_heap *heap, const void *addr, const char *invalid, const char *freed);

#endif
