// foreign.c - foreign frees and the events of slabs. See foreign.h and slab.h.
//
// A push that makes the list `wake` long, exactly, wakes the slab; since the list only grows until it
// is taken as a whole, exactly one push does so. A push after which perhaps no block is live marks the
// slab as drained; the owner looks when it next wants a new slice. Only the owner can look: the count
// of its own list may be changing this moment.
// SPDX-License-Identifier: MIT
#include "heap/foreign.h"

#include "heap/block.h"
#include "heap/segment.h"
#include "heap/slab.h"
#include "heap/space.h"

static acre_block *foreign_first(const struct slab *slab, uint32_t foreign)
{
    if (foreign == 0) {
        return NULL;
    }
    return (acre_block *)(slab->base + ((uintptr_t)(foreign & 0xffff) << GRANULE_LOG2));
}

unsigned foreign_splice(
    acre_heap *heap, struct slab *slab, acre_block *first, acre_block *last, unsigned count)
{
    uint32_t place = (uint32_t)(((uintptr_t)first - slab->base) >> GRANULE_LOG2);
    uint32_t old = load_relaxed(&slab->foreign);
    uint32_t new;
    do {
        block_link(heap, last, foreign_first(slab, old));
        new = ((old >> 16) + count) << 16 | place;
        // Release: pairs with the acquire in foreign_take; the taker reads the links.
    } while (!cas_release(&slab->foreign, &old, new));
    return old >> 16;
}

acre_block *foreign_take(struct slab *slab)
{
    if (load_relaxed(&slab->foreign) == 0) {
        return NULL;
    }
    return foreign_first(slab, swap_acquire(&slab->foreign, 0)); // pairs with foreign_splice
}

/// What a slab is to the slot whose lock the caller holds.
enum standing { OWNED, NOT_OWNED, GONE };

static enum standing standing_of(acre_heap *heap, const struct slab *slab, uint32_t owner)
{
    // Acquire, so that the next load comes after it: where that says that no header had been given up,
    // what this one read was the slab's. Pairs with segment_release_bare.
    bool owned = load_acquire(&slab->owner) == owner;
    bool there = true;
    if (unlikely(load_relaxed(&heap->headers_given_up) != 0)) {
        acre_port_lock_take(&heap->lock); // no segment comes or goes meanwhile
        there = segment_holds_locked(heap, slab);
        owned = there && load_relaxed(&slab->owner) == owner;
        acre_port_lock_drop(&heap->lock);
    }
    if (owned) {
        return OWNED; // and it stays so as long as the slot is locked
    }
    return there ? NOT_OWNED : GONE;
}

struct slot *slab_lock_owner(acre_heap *heap, struct slab *slab)
{
    // The caller's block is free already, so the slab may be gone, and what is read here anything.
    while (true) {
        uint32_t owner = load_acquire(&slab->owner); // pairs with slab_start
        if (owner >= ACRE_PORT_SLOTS_MAX) {
            return NULL; // ACRE_SLOT_NONE
        }
        struct slot *slot = slot_of(heap, owner);
        if (slot == NULL) {
            return NULL; // the slab's segment has been given back, and reads as zero
        }
        acre_port_lock_take(&slot->lock);
        const enum standing standing = standing_of(heap, slab, owner);
        if (standing == OWNED) {
            return slot;
        }
        acre_port_lock_drop(&slot->lock);
        if (standing == GONE) {
            return NULL;
        }
        // It changed hands before we had the lock.
    }
}

static bool may_be_all_free(const struct slab *slab)
{
    return slab_hot_count(slab) + foreign_count(slab) >= load_relaxed(&slab->carved);
}

static void foreign_event(acre_heap *heap, struct slab *slab)
{
    struct slot *slot = slab_lock_owner(heap, slab);
    if (slot == NULL) {
        return; // whoever has it in transit will look at its lists
    }
    if (slab->state == SLAB_ASLEEP && foreign_count(slab) >= slab->wake) {
        slab_wake(slot, slab);
    }
    if (slab->state == SLAB_AWAKE && !slab->drained && may_be_all_free(slab)) {
        store_relaxed(&slab->drained, true);
        slot->drained_count += 1;
        list_remove(&slab->link); // drained slabs stand first
        list_add_first(&slot->awake[slab->class], &slab->link);
    }
    acre_port_lock_drop(&slot->lock);
}

void foreign_free(acre_heap *heap, struct slab *slab, acre_block *block)
{
    // Before the push: after it the slab may serve something else.
    unsigned wake = slab->wake;
    unsigned count = foreign_splice(heap, slab, block, block, 1) + 1;
    if (count == wake || (!load_relaxed(&slab->drained) && may_be_all_free(slab))) {
        foreign_event(heap, slab);
    }
}

void slab_due(acre_heap *heap, struct slab *slab)
{
    struct slab *retired = NULL;
    struct slot *slot = slab_lock_owner(heap, slab);
    if (slot == NULL) {
        return;
    }
    switch (slab->state) {
    case SLAB_ACTIVE:
        (void)slab_quiet(slot, slab);
        break;
    case SLAB_ASLEEP:
        slab_wake(slot, slab);
        if (may_be_all_free(slab)) { // with few blocks, waking and being empty are one event
            retired = slab_check_empty(heap, slot, slab);
        }
        break;
    case SLAB_AWAKE:
        retired = slab_check_empty(heap, slot, slab);
        break;
    default:
        break;
    }
    acre_port_lock_drop(&slot->lock);
    if (retired != NULL) {
        space_give_slice(heap, retired);
    }
}
