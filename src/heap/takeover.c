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

enum { IDLE_REFUSALS = 64, TAKEOVER_SLABS_MAX = 16, LOOKS_MAX = 16 };

struct loot {
    struct slab *slabs[TAKEOVER_SLABS_MAX];
    unsigned count;
};

/// Whether the slot has been idle; keeps the books for the next question. Without a lock: to be wrong
/// once does no harm.
SLOW static bool slot_is_idle(struct slot *slot, uint32_t refusals)
{
    uint32_t visits = load_relaxed(&slot->visits);
    if (visits != load_relaxed(&slot->visits_seen)) {
        store_relaxed(&slot->visits_seen, visits);
        store_relaxed(&slot->seen_at, refusals);
    }
    return refusals - load_relaxed(&slot->seen_at) >= IDLE_REFUSALS;
}

/// Step 1 for one list.
SLOW static void detach(struct slot *slot, struct link *list, struct loot *loot)
{
    while (!list_is_empty(list) && loot->count < TAKEOVER_SLABS_MAX) {
        struct slab *slab = container_of(list->next, struct slab, link);
        list_remove(&slab->link);
        slab_clear_drained(slot, slab);
        store_release(
            &slab->owner,
            ACRE_SLOT_NONE); // pairs with slab_lock_owner; pushes see it by the barrier
        loot->slabs[loot->count++] = slab;
    }
}

SLOW static void attach(struct slot *slot, struct slab *slab)
{
    if (slab->state == SLAB_EMPTY) {
        list_add_last(&slot->empty, &slab->link);
        slot->empty_count += 1;
    } else {
        list_add_last(&slot->awake[slab->class], &slab->link);
    }
    store_release(&slab->owner, slot->number); // pairs with slab_lock_owner
}

/// What one slot wants of another.
struct raid {
    unsigned class;    // awake slabs of this class; SIZE_CLASSES for none
    uint32_t refusals; // heap->refusals now
    bool idle_only;
};

/// Step 1. Takes what is wanted. Empty loot if there is none.
SLOW static void plunder(struct slot *victim, const struct raid *raid, struct loot *loot)
{
    loot->count = 0;
    acre_port_lock_take(&victim->lock);
    if (raid->class < SIZE_CLASSES) {
        detach(victim, &victim->awake[raid->class], loot);
    } else {
        slab_sweep(victim);
    }
    unsigned awake = loot->count;
    detach(victim, &victim->empty, loot);
    victim->empty_count -= loot->count - awake;
    acre_port_lock_drop(&victim->lock);
}

SLOW static void attach_all(struct slot *slot, const struct loot *loot)
{
    acre_port_lock_take(&slot->lock);
    for (unsigned i = 0; i < loot->count; i++) {
        attach(slot, loot->slabs[i]);
    }
    acre_port_lock_drop(&slot->lock);
}

/// Whether a raid on a slot is worth its locks: most slots are busy, or have nothing. Only a peek.
__attribute__((no_sanitize("thread"))) static bool is_worth_raiding(
    struct slot *victim, const struct raid *raid)
{
    if (!raid->idle_only) {
        return true;
    }
    const struct link *awake = &victim->awake[raid->class];
    bool has_any = victim->empty_count != 0 || awake->next != awake;
    return slot_is_idle(victim, raid->refusals) && has_any;
}

/// Raids one slot after the other until there is loot.
SLOW static bool raid_slots(acre_heap *heap, unsigned number, const struct raid *raid)
{
    struct slot *own = slot_of(heap, number);
    struct loot loot = {.count = 0};
    // With thousands of slots, each slab that is opened looks at the next few of them.
    unsigned slots = load_relaxed(&heap->slots_high);
    unsigned looks = raid->idle_only && slots > LOOKS_MAX ? LOOKS_MAX : slots;
    unsigned n = raid->idle_only && slots > LOOKS_MAX ? load_relaxed(&heap->raid_at) : 0;
    for (; looks-- != 0 && loot.count == 0; n++) {
        n = n < slots ? n : 0;
        store_relaxed(&heap->raid_at, n + 1);
        struct slot *victim = n == number ? NULL : slot_of(heap, n);
        if (victim == NULL || own == NULL || !is_worth_raiding(victim, raid)) {
            continue;
        }
        acre_claim claim = acre_port_slot_claim(n);
        if (claim == ACRE_CLAIM_NO) {
            continue;
        }
        plunder(victim, raid, &loot);
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

SLOW bool takeover(acre_heap *heap, unsigned number, unsigned class)
{
    const struct raid raid = {
        .class = class, .refusals = add_relaxed(&heap->refusals, 1), .idle_only = true};
    return raid_slots(heap, number, &raid);
}

SLOW bool takeover_empty(acre_heap *heap)
{
    const struct raid raid = {.class = SIZE_CLASSES, .idle_only = false};
    return raid_slots(heap, acre_port_slot_enter(), &raid);
}
