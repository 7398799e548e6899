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

static const uintptr_t list_bits = 0xffffffffu;
static const uintptr_t generation_one = (uintptr_t)1 << 31 << 1; // 0 where words have 32 bits

static acre_block *foreign_first(const struct slab *slab, uintptr_t foreign)
{
    if ((foreign & list_bits) == 0) {
        return NULL;
    }
    return (acre_block *)(slab->base + ((foreign & 0xffff) << GRANULE_LOG2));
}

/// The word with blocks from `first` to `last` before its list, to which `last` is linked.
static uintptr_t linked(
    acre_heap *heap, const struct slab *slab, acre_block *first, acre_block *last, unsigned count,
    uintptr_t old)
{
    uintptr_t place = ((uintptr_t)first - slab->base) >> GRANULE_LOG2;
    block_link(heap, last, foreign_first(slab, old));
    return (old & ~(uintptr_t)0xffff) + ((uintptr_t)count << 16) + place;
}

unsigned foreign_splice(
    acre_heap *heap, struct slab *slab, acre_block *first, acre_block *last, unsigned count)
{
    uintptr_t old = load_relaxed(&slab->foreign);
    uintptr_t new;
    do {
        new = linked(heap, slab, first, last, count, old);
        // Release: pairs with the swap in foreign_take; the taker reads the links.
    } while (!cas_word_release(&slab->foreign, &old, new));
    return (uint32_t)old >> 16;
}

acre_block *foreign_take(struct slab *slab)
{
    uintptr_t old = load_relaxed(&slab->foreign);
    if ((old & list_bits) == 0) {
        return NULL;
    }
    old = swap_word_both(&slab->foreign, old & ~list_bits); // pairs with foreign_splice
    return foreign_first(slab, old);
}

acre_block *foreign_renew(struct slab *slab, uint32_t generation)
{
    return foreign_first(slab, swap_word_both(&slab->foreign, generation * generation_one));
}

/// The slot that owns the slab, ACRE_SLOT_NONE if none does. The caller's block is free already, so the
/// slab may be gone; where its descriptor may be gone, too, that is asked first.
static unsigned owner_now(acre_heap *heap, const struct slab *slab)
{
    if (likely(heap->pages->remap != NULL && load_relaxed(&heap->headers_given_up) == 0)) {
        return owner_slot(load_acquire(&slab->owner)); // pairs with slab_start
    }
    acre_port_lock_take(&heap->lock); // no segment comes or goes meanwhile
    bool there = segment_holds_locked(heap, slab);
    unsigned number = there ? owner_slot(load_acquire(&slab->owner)) : ACRE_SLOT_NONE;
    acre_port_lock_drop(&heap->lock);
    return number;
}

struct slot *slab_lock_owner(acre_heap *heap, struct slab *slab)
{
    while (true) {
        unsigned number = owner_now(heap, slab);
        struct slot *slot = number < ACRE_PORT_SLOTS_MAX ? slot_of(heap, number) : NULL;
        if (slot == NULL) {
            return NULL; // nobody's, or the slab's segment has been given back, and reads as zero
        }
        acre_port_lock_take(&slot->lock);
        if (owner_now(heap, slab) == number) {
            return slot; // and it stays the owner as long as it is locked
        }
        acre_port_lock_drop(&slot->lock); // it changed hands before we had the lock
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
    if (slab->state == SLAB_AWAKE && may_be_all_free(slab)) {
        slab_set_drained(slot, slab);
    }
    acre_port_lock_drop(&slot->lock);
}

bool foreign_free(acre_heap *heap, struct slab *slab, acre_block *block, uint32_t seen)
{
    // All that is read of the slab is read before the push: after it the slab may serve something else, or
    // be gone.
    unsigned wake = slab->wake;
    unsigned carved = load_relaxed(&slab->carved);
    unsigned hot_count = slab_hot_count(slab);
    bool drained = load_relaxed(&slab->drained);
    uintptr_t old = load_relaxed(&slab->foreign);
    uintptr_t new;
    do {
        if ((old & ~list_bits) != seen * generation_one) {
            return false;
        }
        new = linked(heap, slab, block, block, 1, old);
    } while (!cas_word_release(&slab->foreign, &old, new)); // pairs with foreign_take
    unsigned count = (uint32_t) new >> 16;
    if (count == wake || (!drained && hot_count + count >= carved)) {
        foreign_event(heap, slab);
    }
    return true;
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
