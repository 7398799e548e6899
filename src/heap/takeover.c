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

#include "heap/block.h"
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

/// Step 1 for a slab that is on no list any more.
SLOW static void put_in_transit(struct slab *slab, struct loot *loot)
{
    // Pairs with slab_lock_owner; pushes see it by the barrier.
    owner_set(slab, ACRE_SLOT_NONE);
    loot->slabs[loot->count++] = slab;
}

SLOW static void detach(struct slot *slot, struct slab *slab, struct loot *loot)
{
    list_remove(&slab->link);
    slab_clear_drained(slot, slab);
    put_in_transit(slab, loot);
}

/// Step 1 for up to `most` empty slabs, those that have been empty longest.
SLOW static void detach_empty(struct slot *slot, unsigned most, struct loot *loot)
{
    for (; most != 0 && slot->empty_count != 0 && loot->count < TAKEOVER_SLABS_MAX; most--) {
        struct slab *slab = container_of(slot->empty.prev, struct slab, link);
        slab_remove_empty(slot, slab);
        put_in_transit(slab, loot);
    }
}

SLOW static void detach_list(struct slot *slot, struct link *list, struct loot *loot)
{
    while (!list_is_empty(list) && loot->count < TAKEOVER_SLABS_MAX) {
        detach(slot, container_of(list->next, struct slab, link), loot);
    }
}

/// Step 1 for slabs that other slots' frees have emptied. Where the port cannot tell whether the slot's
/// thread runs or sleeps for ever, only those of which every block is on the foreign list: nobody can be in
/// the middle of a commit on one, for that takes a block of it.
SLOW static void detach_drained(struct slot *slot, acre_claim claim, struct loot *loot)
{
    for (unsigned class = 0; class < SIZE_CLASSES && slot->drained_count != 0; class ++) {
        struct link *awake = &slot->awake[class];
        for (struct link *at = awake->next; at != awake && loot->count < TAKEOVER_SLABS_MAX;) {
            struct slab *slab = container_of(at, struct slab, link);
            at = at->next;
            if (!slab->drained) {
                break; // drained ones stand first
            }
            if (claim != ACRE_CLAIM_NO || foreign_count(slab) == slab->carved) {
                detach(slot, slab, loot);
                slab->state = SLAB_EMPTY;
            }
        }
    }
}

SLOW static void attach(struct slot *slot, struct slab *slab)
{
    if (slab->state == SLAB_EMPTY) {
        slab_add_empty(slot, slab);
    } else {
        list_add_last(&slot->awake[slab->class], &slab->link);
    }
    owner_set(slab, slot->number); // pairs with slab_lock_owner
}

/// What one slot wants of another.
struct raid {
    unsigned class;    // awake slabs of this class; SIZE_CLASSES for none
    uint32_t refusals; // heap->refusals now
    bool idle_only;
    bool drained_only; // slabs that other slots' frees have emptied, and `empties`, no others
    unsigned empties;  // of a slot in use: how many of its empty slabs
};

/// Step 1 where nobody refills: slabs that can be refilled from, and empty ones.
SLOW static void detach_idle(struct slot *victim, const struct raid *raid, struct loot *loot)
{
    if (raid->class < SIZE_CLASSES) {
        detach_list(victim, &victim->awake[raid->class], loot);
    } else {
        slab_sweep(victim);
    }
    detach_empty(victim, TAKEOVER_SLABS_MAX, loot);
}

/// Step 1. Takes what is wanted. Empty loot if there is none.
SLOW static void plunder(
    struct slot *victim, const struct raid *raid, acre_claim claim, struct loot *loot)
{
    loot->count = 0;
    acre_port_lock_take(&victim->lock);
    if (claim != ACRE_CLAIM_NO && raid->drained_only) {
        detach_empty(victim, raid->empties, loot);
    } else if (claim != ACRE_CLAIM_NO) {
        detach_idle(victim, raid, loot);
    }
    detach_drained(victim, claim, loot);
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

/// Step 2. False if the port cannot promise that nobody is in the middle of a commit.
SLOW static bool let_commits_end(acre_heap *heap, acre_claim claim, const struct loot *loot)
{
    if (loot->count == 0 || claim != ACRE_CLAIM_SHARED) {
        return true;
    }
    const bool ended = acre_port_barrier();
    store_relaxed(&heap->barrier_refused, !ended);
    return ended;
}

/// Whether a raid on a slot is worth its locks: most slots are busy, or have nothing. What others have
/// emptied is taken from a busy one, too, if it is worth a barrier: a thread whose slot changes, as
/// concurrency ids do when threads come and go, would else fill new slabs while it empties its old ones. So are
/// empty slabs, of a slot that keeps many. Only a peek.
__attribute__((no_sanitize("thread"))) static bool is_worth_raiding(
    struct slot *victim, struct raid *raid)
{
    if (!raid->idle_only) {
        return true;
    }
    const struct link *awake = &victim->awake[raid->class];
    raid->drained_only = !slot_is_idle(victim, raid->refusals);
    raid->empties =
        ACRE_PORT_HELPER && victim->empty_count > 2 * TAKEOVER_SLABS_MAX ? TAKEOVER_SLABS_MAX : 0;
    return victim->drained_count >= TAKEOVER_SLABS_MAX || raid->empties != 0 ||
           (!raid->drained_only &&
            (victim->drained_count != 0 || victim->empty_count != 0 || awake->next != awake));
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
        struct raid allowed = *raid;
        if (victim == NULL || own == NULL || !is_worth_raiding(victim, &allowed)) {
            continue;
        }
        acre_claim claim = acre_port_slot_claim(n);
        plunder(victim, &allowed, claim, &loot);
        bool safe = let_commits_end(heap, claim, &loot);
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

/// Counts a list's free blocks as far as it is whole, and sees where it ends.
SLOW static unsigned count_whole(
    const acre_heap *heap, const struct slab *slab, const acre_block *list, const acre_block **last)
{
    unsigned count = 0;
    for (; list != NULL && block_looks_free(heap, list) && count <= slab->carved;
         list = list->next) {
        *last = list;
        count += 1;
    }
    return count;
}

/// Whether all blocks of a slab in transit are on its lists, counted one by one. Nobody else can take from
/// them meanwhile. What is wrong with a list is left for the slab's owner to find: the caller may be a
/// helper, which is no thread to end a process from.
SLOW static bool is_all_free(const acre_heap *heap, const struct slab *slab)
{
    const acre_block *hot_last = NULL;
    const acre_block *foreign_last = NULL;
    const uint32_t foreign = (uint32_t)load_acquire(&slab->foreign); // pairs with foreign_splice
    unsigned count = count_whole(heap, slab, slab->hot.head, &hot_last);
    if (foreign != 0) {
        const uintptr_t at = slab->base + ((uintptr_t)(foreign & 0xffff) << GRANULE_LOG2);
        count += count_whole(heap, slab, (const acre_block *)at, &foreign_last);
    }
    // Two lists with a block in common end in the same one.
    return count == slab->carved && (hot_last == NULL || hot_last != foreign_last);
}

/// Step 3 for a slot's own slabs: those that are all free are retired, and leave the loot for the caller
/// to give back; the others wake up where they were.
SLOW static void retire_or_wake(acre_heap *heap, struct slot *slot, struct loot *loot)
{
    unsigned retired = 0;
    for (unsigned i = 0; i < loot->count; i++) {
        struct slab *slab = loot->slabs[i];
        if (is_all_free(heap, slab)) {
            slab_retire(slab);
            loot->slabs[retired++] = slab;
            continue;
        }
        acre_port_lock_take(&slot->lock);
        slab_add_awake(slot, slab);
        owner_set(slab, slot->number); // pairs with slab_lock_owner
        acre_port_lock_drop(&slot->lock);
    }
    loot->count = retired;
}

/// Whether a slot may have slabs that are all free. Only a peek.
__attribute__((no_sanitize("thread"))) static bool may_have_free_slabs(
    const struct slot *slot, bool drained_only)
{
    bool may = slot->drained_count != 0 || (slot->empty_count != 0 && !drained_only);
    for (unsigned class = 0; class < SIZE_CLASSES && !may && !drained_only; class ++) {
        may = slot->awake[class].next != &slot->awake[class];
    }
    return may;
}

SLOW unsigned takeover_rested(struct slot *slot)
{
    acre_port_lock_take(&slot->lock);
    unsigned low = slot->empty_low;
    slot->empty_low = slot->empty_count;
    acre_port_lock_drop(&slot->lock);
    return low < TAKEOVER_SLABS_MAX ? 0 : low;
}

SLOW size_t takeover_retire(acre_heap *heap, unsigned number, bool idle, unsigned empties)
{
    struct slot *slot = slot_of(heap, number);
    const struct raid raid = {
        .class = SIZE_CLASSES, .drained_only = !idle, .empties = idle ? 0 : empties};
    struct loot loot = {.count = 0};
    if (slot == NULL || (raid.empties == 0 && !may_have_free_slabs(slot, !idle))) {
        return 0;
    }
    acre_claim claim = acre_port_slot_claim(number);
    plunder(slot, &raid, claim, &loot);
    if (let_commits_end(heap, claim, &loot)) {
        retire_or_wake(heap, slot, &loot);
        for (unsigned i = 0; i < loot.count; i++) {
            space_give_slice(heap, loot.slabs[i]);
        }
    } else {
        attach_all(slot, &loot);
        loot.count = 0;
    }
    if (claim == ACRE_CLAIM_EXCLUSIVE) {
        acre_port_slot_unclaim(number);
    }
    return loot.count * (size_t)SLICE_BYTES;
}
