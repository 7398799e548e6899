// map.c - see map.h.
// SPDX-License-Identifier: MIT
#include "heap/map.h"

SLOW static void map_set(acre_heap *heap, uintptr_t addr, const struct slab *slab)
{
    // Relaxed: whoever frees a block got its address from whoever allocated it, and with it, by
    // whatever means that happened, everything written before.
    store_relaxed(
        map_entry(heap, addr), slab == NULL ? 0 : (const char *)slab - (const char *)heap);
}

static bool slab_covers(const struct slab *slab, uintptr_t addr)
{
    size_t bytes = slab->kind == KIND_HUGE ? slab->block_bytes : (size_t)SLICE_BYTES;
    return slab->kind != KIND_NONE && addr - slab->base < bytes;
}

RARE static struct slab *find_stray(acre_heap *heap, uintptr_t addr)
{
    for (struct link *at = heap->all_segments.next; at != &heap->all_segments; at = at->next) {
        struct segment *segment = container_of(at, struct segment, all_link);
        if (segment->stray &&
            addr - (uintptr_t)segment < (size_t)segment_length(segment) * PAGE_BYTES) {
            return &segment->slabs[(addr - (uintptr_t)segment) >> ACRE_SLICE_LOG2];
        }
    }
    for (struct link *at = heap->huge.next; at != &heap->huge; at = at->next) {
        struct slab *huge = container_of(at, struct slab, link);
        if (huge->stray && slab_covers(huge, addr)) {
            return huge;
        }
    }
    return NULL;
}

struct slab *map_find_any(acre_heap *heap, uintptr_t addr)
{
    struct slab *slab = map_find(heap, addr);
    if (slab_covers(slab, addr)) {
        return slab;
    }
    if (load_relaxed(&heap->stray_count) == 0) {
        return NULL;
    }
    acre_port_lock_take(&heap->lock);
    slab = find_stray(heap, addr);
    acre_port_lock_drop(&heap->lock);
    return slab;
}

SLOW static void add_stray(acre_heap *heap, int delta)
{
    store_relaxed(&heap->stray_count, heap->stray_count + (uint32_t)delta);
}

SLOW void map_add_huge(acre_heap *heap, struct slab *huge)
{
    huge->stray = *map_entry(heap, huge->base) != 0;
    if (huge->stray) {
        add_stray(heap, 1);
    } else {
        map_set(heap, huge->base, huge);
    }
}

SLOW void map_remove_huge(acre_heap *heap, struct slab *huge)
{
    if (huge->stray) {
        add_stray(heap, -1);
    } else {
        map_set(heap, huge->base, NULL);
    }
}

/// The map's own page that holds a segment's entries costs memory from the first segment on. Huge blocks do not
/// count: they come and go without a charge for it.
SLOW static bool map_page_is_unused(acre_heap *heap, uintptr_t addr)
{
    const size_t page_entries = PAGE_BYTES / sizeof(ptrdiff_t);
    size_t first = (size_t)(map_entry(heap, addr) - heap->map) & ~(page_entries - 1);
    for (size_t i = first; i < first + page_entries && i <= heap->map_mask; i++) {
        const struct slab *slab = (const void *)((const char *)heap + heap->map[i]);
        if (heap->map[i] != 0 && slab->kind != KIND_HUGE) {
            return false;
        }
    }
    return true;
}

SLOW size_t map_add_segment(acre_heap *heap, struct segment *segment)
{
    uintptr_t addr = (uintptr_t)segment;
    segment->stray = false;
    for (unsigned i = 0; i < segment_length(segment) / SLICE_PAGES; i++) {
        segment->stray = segment->stray || *map_entry(heap, addr + i * (uintptr_t)SLICE_BYTES) != 0;
    }
    if (segment->stray) {
        add_stray(heap, 1);
        return 0;
    }
    size_t page_bytes = map_page_is_unused(heap, addr) ? PAGE_BYTES : 0;
    for (unsigned i = 0; i < segment_length(segment) / SLICE_PAGES; i++) {
        map_set(heap, addr + i * (uintptr_t)SLICE_BYTES, &segment->slabs[i]);
    }
    return page_bytes;
}

SLOW size_t map_remove_segment(acre_heap *heap, struct segment *segment)
{
    if (segment->stray) {
        add_stray(heap, -1);
        return 0;
    }
    for (unsigned i = 0; i < segment_length(segment) / SLICE_PAGES; i++) {
        map_set(heap, (uintptr_t)segment + i * (uintptr_t)SLICE_BYTES, NULL);
    }
    return map_page_is_unused(heap, (uintptr_t)segment) ? PAGE_BYTES : 0;
}

SLOW void map_cut_segment(acre_heap *heap, struct segment *segment, unsigned first, unsigned count)
{
    for (unsigned i = first; !segment->stray && i < first + count; i++) {
        map_set(heap, (uintptr_t)segment + i * (uintptr_t)SLICE_BYTES, NULL);
    }
}

_Static_assert(SEGMENT_SLICES * sizeof(ptrdiff_t) <= PAGE_BYTES, "one page of the map");
