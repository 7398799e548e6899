// wake.c - see wake.h.
//
// A full slab sleeps until so many of its blocks are free that it is worth a refill: up to one in 24 of all blocks
// wait in slabs that sleep. They are enough for as long as new memory is to be had. Where it is not, nobody is
// told that there is none before they have been used, too.
// SPDX-License-Identifier: MIT
#include "heap/wake.h"

#include "heap/foreign.h"
#include "heap/segment.h"
#include "heap/slab.h"

/// Without its slot's lock only a peek.
__attribute__((no_sanitize("thread"))) SLOW static bool is_sleeper(
    const struct slab *slab, unsigned class)
{
    return slab->kind == KIND_SLAB && slab->class == class && slab->state == SLAB_ASLEEP &&
           slab_hot_count(slab) + foreign_count(slab) != 0;
}

SLOW static void wake_in(acre_heap *heap, struct segment *segment, unsigned class)
{
    for (unsigned i = HEADER_SLICES; i < segment_length(segment) / SLICE_PAGES; i++) {
        struct slab *slab = &segment->slabs[i];
        struct slot *slot = is_sleeper(slab, class) ? slab_lock_owner(heap, slab) : NULL;
        if (slot == NULL) {
            continue;
        }
        if (is_sleeper(slab, class)) {
            slab_wake(slot, slab);
        }
        acre_port_lock_drop(&slot->lock);
    }
}

SLOW void wake_all(acre_heap *heap, unsigned class)
{
    struct segment *segment = NULL;
    acre_port_lock_take(&heap->lock);
    const uint32_t end = heap->segments_added;
    while ((segment = segment_next_pinned(heap, segment, end)) != NULL) {
        acre_port_lock_drop(&heap->lock);
        wake_in(heap, segment, class);
        acre_port_lock_take(&heap->lock);
    }
    acre_port_lock_drop(&heap->lock);
}
