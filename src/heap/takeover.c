// takeover.c - see takeover.h.
//
// A slot is idle when it has not refilled while the heap's slots ran out of slabs IDLE_REFUSALS times
// (with slices of 64 KiB, while the heap grew by 4 MiB).
//
// The hot words of a slab may be written only on its owner's slot, and the owner's threads may be
// anywhere. So a slab changes hands in three steps:
//
//   1. under the old owner's lock: off its lists, owner = ACRE_SLOT_NONE
//   2. acre_port_barrier: every commit that had read the old owner is over, done or aborted
//   3. under the new owner's lock: onto its list, owner = new
//
// Between 1 and 3 nobody owns it; frees go to its foreign list, and their events find no owner: the
// new one looks at the list when it refills. The hot words keep what they hold.
// SPDX-License-Identifier: MIT
#include "heap/takeover.h"

#include "heap/foreign.h"
#include "heap/slab.h"
#include "heap/slot.h"
#include "heap/space.h"

enum { IDLE_REFUSALS = 64, TAKEOVER_SLABS_MAX = 16 };

struct loot {
    struct slab *slabs[TAKEOVER_SLABS_MAX];
    unsigned count;
};

/// Whether the slot has been idle; keeps the books for the next question. Under slot->lock.
static bool slot_is_idle(struct slot *slot, uint32_t refusals)
{
    if (slot->visits != slot->visits_seen) {
        slot->visits_seen = slot->visits;
        slot->seen_at = refusals;
    }
    return refusals - slot->seen_at >= IDLE_REFUSALS;
}

/// Step 1 for one list.
static void detach(struct slot *slot, struct link *list, struct loot *loot)
{
    while (!list_is_empty(list) && loot->count < TAKEOVER_SLABS_MAX) {
        struct slab *slab = container_of(list->next, struct slab, link);
        list_remove(&slab->link);
        slab_clear_drained(slot, slab);
        store_release(&slab->owner, ACRE_SLOT_NONE); // pairs with the load in a push
        loot->slabs[loot->count++] = slab;
    }
}

static void attach(struct slot *slot, struct slab *slab)
{
    if (slab->state == SLAB_EMPTY) {
        list_add_last(&slot->empty, &slab->link);
        slot->empty_count += 1;
    } else {
        list_add_last(&slot->awake[slab->class], &slab->link);
    }
    store_release(&slab->owner, slot->number); // pairs with slab_lock_owner
}

/// Takes what is wanted from a slot that is idle. Empty loot if it is not, or has nothing.
static void raid(struct slot *victim, uint32_t refusals, unsigned class, struct loot *loot)
{
    loot->count = 0;
    acre_port_lock_take(&victim->lock);
    if (slot_is_idle(victim, refusals)) {
        detach(victim, &victim->awake[class], loot);
        unsigned awake = loot->count;
        detach(victim, &victim->empty, loot);
        victim->empty_count -= loot->count - awake;
    }
    acre_port_lock_drop(&victim->lock);
}

static void attach_all(struct slot *slot, const struct loot *loot)
{
    acre_port_lock_take(&slot->lock);
    for (unsigned i = 0; i < loot->count; i++) {
        attach(slot, loot->slabs[i]);
    }
    acre_port_lock_drop(&slot->lock);
}

bool takeover(acre_heap *heap, unsigned number, unsigned class)
{
    struct slot *own = slot_of(heap, number);
    struct loot loot = {.count = 0};
    uint32_t refusals = add_relaxed(&heap->refusals, 1);
    for (unsigned n = 0; n < load_relaxed(&heap->slots_high) && loot.count == 0; n++) {
        struct slot *victim = n == number ? NULL : slot_of(heap, n);
        acre_claim claim = victim == NULL ? ACRE_CLAIM_NO : acre_port_slot_claim(n);
        if (claim == ACRE_CLAIM_NO) {
            continue;
        }
        raid(victim, refusals, class, &loot);
        bool safe = loot.count == 0 || claim == ACRE_CLAIM_EXCLUSIVE || acre_port_barrier();
        if (loot.count != 0) {
            attach_all(safe ? own : victim, &loot);
        }
        if (claim == ACRE_CLAIM_EXCLUSIVE) {
            acre_port_slot_unclaim(n);
        }
        if (!safe) {
            return false;
        }
    }
    return loot.count != 0;
}
