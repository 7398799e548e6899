// map.h - from an address to the descriptor of its slice.
//
// A direct-mapped table: one entry for each slice address modulo the table's size. It needs no range
// of addresses of its own and answers for any address at all with one load; whether the answer is
// about this very address is settled by the descriptor's base (base/sizeclass.h).
//
// Two slices may want one entry when the heap spans more than the table covers. The later one is
// then a stray: it is found by walking the heap's lists, under heap->lock, by the slow paths only.
// Segments are as large as 64 neighbouring entries, so a segment is a stray as a whole or not at
// all.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_MAP_H
#define ACRE_HEAP_MAP_H

#include "heap/layout.h"

static inline ptrdiff_t *map_entry(acre_heap *heap, uintptr_t addr)
{
    return &heap->map[addr >> ACRE_SLICE_LOG2 & heap->map_mask];
}

/// The descriptor that the map has for `addr`: perhaps that of another address, never NULL.
static inline struct slab *map_find(acre_heap *heap, uintptr_t addr)
{
    return (struct slab *)(void *)((char *)heap + load_relaxed(map_entry(heap, addr)));
}

/// The slice or huge block that `addr` lies in, whether mapped or stray; NULL if the heap has none.
struct slab *map_find_any(acre_heap *heap, uintptr_t addr);

/// Enters a huge block under its first slice, or makes it a stray. Under heap->lock.
void map_add_huge(acre_heap *heap, struct slab *huge);
void map_remove_huge(acre_heap *heap, struct slab *huge);

/// Enters a segment's slices, or makes it a stray. Under heap->lock. Returns the bytes of the map that
/// are in use from now on, or no longer: at most MAP_BYTES_OF_SEGMENT.
size_t map_add_segment(acre_heap *heap, struct segment *segment);
size_t map_remove_segment(acre_heap *heap, struct segment *segment);

/// Removes `count` slices of a segment from number `first` on. Under heap->lock.
void map_cut_segment(acre_heap *heap, struct segment *segment, unsigned first, unsigned count);

enum { MAP_BYTES_OF_SEGMENT = PAGE_BYTES };

#endif
