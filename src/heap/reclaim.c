// reclaim.c - see reclaim.h. For trim, and for the moment when the limit is reached or the source has no
// more: kept mappings, kept runs and empty slabs of all slots first become free pages, then those are
// purged. Blocks in bins and half-empty slabs stay where they are.
// SPDX-License-Identifier: MIT
#include "heap/reclaim.h"

#include "heap/huge.h"
#include "heap/runcache.h"
#include "heap/slab.h"
#include "heap/slot.h"
#include "heap/space.h"
#include "heap/takeover.h"

/// Turns one of a slot's empty slabs into free pages, if it has more than `keep`. The caller is on the slot.
SLOW static bool retire_one(acre_heap *heap, struct slot *slot, size_t keep)
{
    acre_port_lock_take(&slot->lock);
    struct slab *slab = slot->empty_count > keep ? slab_retire_empty(heap, slot) : NULL;
    acre_port_lock_drop(&slot->lock);
    if (slab != NULL) {
        space_give_slice(heap, slab);
    }
    return slab != NULL;
}

/// Turns the empty slabs of the caller's slot into free pages.
SLOW static void retire_empty(acre_heap *heap)
{
    struct slot *slot = slot_of(heap, acre_port_slot_enter());
    if (slot == NULL) {
        return;
    }
    acre_port_lock_take(&slot->lock);
    slab_sweep(slot);
    acre_port_lock_drop(&slot->lock);
    while (retire_one(heap, slot, 0)) {
    }
}

SLOW size_t reclaim_empty(acre_heap *heap, size_t bytes)
{
    struct slot *slot = slot_of(heap, acre_port_slot_enter());
    size_t reclaimed = 0;
    while (slot != NULL && reclaimed < bytes &&
           retire_one(heap, slot, slot_share(heap, EMPTY_SLABS_MAX))) {
        reclaimed += SLICE_BYTES;
    }
    return reclaimed;
}

SLOW bool reclaim_for(acre_heap *heap)
{
    // While a helper gives memory back, it is neither free nor the system's. What was refused for that
    // alone is granted after the step.
    const bool helped = ACRE_PORT_HELPER && heap->helper != NULL;
    if (helped) {
        heap->helper->rest();
    }
    return reclaim(heap, 0) != 0 || helped;
}

SLOW size_t reclaim(acre_heap *heap, size_t keep_bytes)
{
    size_t bytes = huge_drop_cache(heap);
    (void)runcache_flush(heap);
    retire_empty(heap);
    while (takeover_empty(heap)) {
        retire_empty(heap);
    }
    return bytes + space_purge(heap, keep_bytes, SIZE_MAX);
}
