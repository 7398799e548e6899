// slot.c - see slot.h.
// SPDX-License-Identifier: MIT
#include "heap/slot.h"

#include "heap/space.h"

static void slot_init(struct slot *slot, unsigned number)
{
    slot->number = number;
    list_init(&slot->empty);
    for (unsigned class = 0; class < SIZE_CLASSES; class++) {
        list_init(&slot->awake[class]);
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
        heap->slots_high = heap->slots_high > number ? heap->slots_high : number + 1;
        slot = mine;
    }
    // Two threads on one slot may both have made one; the second is spare room lost, once a slot.
    acre_port_lock_drop(&heap->lock);
    return slot;
}

void slot_lock_all(acre_heap *heap)
{
    // slots_high may grow while we wait; heap->lock comes last and stops that.
    unsigned locked = 0;
    while (true) {
        for (; locked < load_relaxed(&heap->slots_high); locked++) {
            struct slot *slot = slot_of(heap, locked);
            if (slot != NULL) {
                acre_port_lock_take(&slot->lock);
            }
        }
        acre_port_lock_take(&heap->lock);
        if (locked == heap->slots_high) {
            return;
        }
        acre_port_lock_drop(&heap->lock);
    }
}

void slot_unlock_all(acre_heap *heap)
{
    unsigned locked = heap->slots_high;
    acre_port_lock_drop(&heap->lock);
    while (locked-- != 0) {
        struct slot *slot = slot_of(heap, locked);
        if (slot != NULL) {
            acre_port_lock_drop(&slot->lock);
        }
    }
}
