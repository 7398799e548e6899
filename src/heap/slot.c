// slot.c - see slot.h.
// SPDX-License-Identifier: MIT
#include "heap/slot.h"

#include "heap/runlist.h"
#include "heap/space.h"

SLOW static void slot_init(struct slot *slot, unsigned number)
{
    slot->number = number;
    list_init(&slot->empty);
    for (unsigned class = 0; class < SIZE_CLASSES; class ++) {
        list_init(&slot->awake[class]);
    }
    if (ACRE_PORT_RUNS) {
        runlist_open(slot);
    }
}

struct slot *slot_get(acre_heap *heap, unsigned number)
{
    struct slot *slot = slot_of(heap, number);
    if (likely(slot != NULL)) {
        return slot;
    }
    struct slot *mine = space_take_spare(heap, sizeof(*mine));
    if (mine == NULL) {
        return NULL;
    }
    slot_init(mine, number);
    acre_port_lock_take(&heap->lock);
    slot = slot_of(heap, number);
    if (slot == NULL) {
        // Release: pairs with the acquire in slot_of. The hit paths read the entry without one, and
        // see zeros in the bins, old or new.
        store_release(&heap->bins[number], &mine->bins);
        if (heap->slots_high <= number) {
            store_relaxed(&heap->slots_high, number + 1);
        }
        store_relaxed(&heap->slots_made, heap->slots_made + 1); // read without the lock
        slot = mine;
    }
    // Two threads on one slot may both have made one; the second is spare room lost, once a slot.
    acre_port_lock_drop(&heap->lock);
    return slot;
}

/// Locks the slots that there are. Returns how many.
SLOW static unsigned lock_slots(acre_heap *heap)
{
    unsigned count = 0;
    for (unsigned i = 0; i < load_relaxed(&heap->slots_high); i++) {
        struct slot *slot = slot_of(heap, i);
        if (slot != NULL) {
            acre_port_lock_take(&slot->lock);
            slot->locked_for_fork = true;
            count += 1;
        }
    }
    return count;
}

SLOW static void unlock_slots(acre_heap *heap)
{
    for (unsigned i = load_relaxed(&heap->slots_high); i-- != 0;) {
        struct slot *slot = slot_of(heap, i);
        if (slot != NULL && slot->locked_for_fork) {
            slot->locked_for_fork = false;
            acre_port_lock_drop(&slot->lock);
        }
    }
}

SLOW void slot_lock_all(acre_heap *heap)
{
    // A slot may be made while we wait for another; heap->lock, which comes last, stops that.
    while (true) {
        unsigned count = lock_slots(heap);
        acre_port_lock_take(&heap->lock);
        if (count == heap->slots_made) {
            return;
        }
        acre_port_lock_drop(&heap->lock);
        unlock_slots(heap);
    }
}

SLOW void slot_unlock_all(acre_heap *heap)
{
    acre_port_lock_drop(&heap->lock);
    unlock_slots(heap);
}

SLOW void slot_reset_locks(acre_heap *heap)
{
    const acre_port_lock open = {0};
    heap->lock = open;
    heap->is_helped = false;
    heap->purging = false;
    for (unsigned i = 0; i < heap->slots_high; i++) {
        struct slot *slot = slot_of(heap, i);
        if (slot != NULL) {
            slot->lock = open;
            if (ACRE_PORT_RUNS) {
                runlist_open(slot); // somebody may have been taking them
            }
        }
    }
}
