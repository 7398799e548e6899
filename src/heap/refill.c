// refill.c - see refill.h. Sources in this order, the cheapest and the most used memory first:
//
//   1. the active slab: blocks freed on this slot, then blocks freed from others
//   2. the slab awake longest, likewise; it becomes the active one
//   3. carve: the active slab's blocks that were never handed out
//   4. an empty slab of this slot, of the same class if possible, or one that frees from elsewhere
//      have drained
//   5. slabs of a slot that has been idle
//   6. a slice: dirty, clean, or in a new segment
//   7. slabs that sleep although they have a few free blocks; not in ports without a helper, whose code is to be small
//
// 1 to 4 happen under the slot's lock and may find that the thread has left the slot: then all starts
// again on the slot where it is now. Being moved takes a reschedule, so that cannot go on for ever. 5
// and 6 happen without it and end in another round.
// SPDX-License-Identifier: MIT
#include "heap/refill.h"

#include "heap/foreign.h"
#include "heap/slab.h"
#include "heap/slot.h"
#include "heap/space.h"
#include "heap/takeover.h"
#include "heap/wake.h"

// One sweep of a slot's awake slabs for so many slabs opened.
enum { SWEEP_OPENINGS = 32 };

/// What one round found.
enum round {
    ROUND_BLOCK,   // a block that stood in the bin after all
    ROUND_LIST,    // a list of blocks of the active slab
    ROUND_MOVED,   // the thread has left the slot
    ROUND_NO_SLAB, // nothing but a new slab will do
};

struct finding {
    acre_block *list; // ROUND_LIST: at least one block; ROUND_BLOCK: that block
    bool zero;
};

/// Makes `slab`, which is on no list, the active one in place of the one that has no block left.
static void make_active(struct slot *slot, struct slab *slab)
{
    struct slab *old = slot->active[slab->class];
    if (old != NULL) {
        slab_leave(slot, old);
    }
    slab->state = SLAB_ACTIVE;
    slot->active[slab->class] = slab;
}

/// Step 2: goes through the awake slabs until one has blocks or can be carved.
__attribute__((noinline)) static enum drained find_awake(
    struct slot *slot, unsigned class, acre_block **list)
{
    struct link *awake = &slot->awake[class];
    while (!list_is_empty(awake)) {
        struct slab *slab = container_of(awake->next, struct slab, link);
        enum drained drained = slab_drain(slot, slab, list);
        if (drained == DRAINED_MOVED) {
            return DRAINED_MOVED;
        }
        list_remove(&slab->link);
        slab_clear_drained(slot, slab);
        if (drained == DRAINED_SOME || !slab_is_carved(slab)) {
            make_active(slot, slab);
            return drained;
        }
        slab_sleep(slab);
    }
    return DRAINED_NONE;
}

/// Step 3.
static bool carve(acre_heap *heap, struct slot *slot, unsigned class, struct finding *out)
{
    struct slab *slab = slot->active[class];
    if (slab == NULL || (out->list = slab_carve(heap, slab)) == NULL) {
        return false;
    }
    (void)slab_quiet(slot, slab);
    out->zero = slab->fresh;
    return true;
}

/// Step 4, second half: awake slabs of any class whose blocks other slots have all freed.
static void check_drained(acre_heap *heap, struct slot *slot, struct slab **spare)
{
    for (unsigned class = 0; class < SIZE_CLASSES && slot->drained_count != 0; class ++) {
        struct link *awake = &slot->awake[class];
        for (struct link *at = awake->next; at != awake;) {
            struct slab *slab = container_of(at, struct slab, link);
            at = at->next;
            if (!slab->drained) {
                break; // drained ones stand first
            }
            if ((*spare = slab_check_empty(heap, slot, slab)) != NULL) {
                return;
            }
        }
    }
}

/// Steps 4 and 6: gives the slot an active slab that has blocks to take or to carve.
SLOW static bool open_slab(acre_heap *heap, struct slot *slot, unsigned class, struct slab **spare)
{
    struct slab *slab = slab_take_empty(slot, class);
    if (slab != NULL) {
        make_active(slot, slab);
        return true;
    }
    if (*spare == NULL) {
        check_drained(heap, slot, spare);
    }
    if (*spare == NULL) {
        slot->openings += 1;
        if (slot->openings % SWEEP_OPENINGS == 0) {
            slab_sweep(slot);
        }
        *spare = slab_retire_empty(heap, slot);
    }
    slab = *spare;
    *spare = NULL;
    if (slab == NULL) {
        return false;
    }
    if (slot->active[class] != NULL) {
        slab_leave(slot, slot->active[class]);
    }
    slab_start(heap, slot, slab, class);
    return true;
}

/// Steps 1 to 4, under the slot's lock.
static enum round find_blocks(
    acre_heap *heap, struct slot *slot, unsigned class, struct slab **spare, struct finding *out)
{
    acre_pop pop = acre_port_pop_on(slot->number, &slot->bins.bin[class], &out->list);
    if (pop != ACRE_BIN_EMPTY) {
        return pop == ACRE_POPPED ? ROUND_BLOCK : ROUND_MOVED;
    }
    while (true) {
        struct slab *active = slot->active[class];
        enum drained drained = active != NULL ? slab_drain(slot, active, &out->list) : DRAINED_NONE;
        if (drained == DRAINED_NONE) {
            drained = find_awake(slot, class, &out->list);
        }
        if (drained != DRAINED_NONE) {
            return drained == DRAINED_SOME ? ROUND_LIST : ROUND_MOVED;
        }
        if (carve(heap, slot, class, out)) {
            return ROUND_LIST;
        }
        if (!open_slab(heap, slot, class, spare)) {
            return ROUND_NO_SLAB;
        }
    }
}

/// Turns the first block of a list into a live one and puts the rest into the bin.
static acre_block *hand_out(
    acre_heap *heap, struct slot *slot, unsigned class, struct finding *found, enum round round)
{
    acre_block *block = found->list;
    acre_block *rest = block->next;
    if (ACRE_CHECKED && !block_revive(heap, block, rest)) {
        block_report_corrupted(heap, block);
    }
    __builtin_prefetch(rest);
    if (round == ROUND_LIST && rest != NULL &&
        !acre_port_install(slot->number, &slot->bins.bin[class], rest)) {
        // We left the slot, and somebody there may have filled the bin. The list is ours alone, so
        // it goes where blocks go that are freed from elsewhere.
        acre_block *last = NULL;
        unsigned count = block_count(heap, rest, &last);
        (void)foreign_splice(heap, slot->active[class], rest, last, count);
    }
    return block;
}

/// Steps 5 and 6. False if there is no memory.
static bool find_slab(acre_heap *heap, unsigned number, unsigned class, struct slab **spare)
{
    if (takeover(heap, number, class)) {
        return true;
    }
    *spare = space_take_slice(heap);
    return *spare != NULL;
}

void *refill(acre_heap *heap, unsigned class, bool *zero)
{
    struct slab *spare = NULL;
    acre_block *block = NULL;
    bool tried_all = false;
    while (true) {
        unsigned number = acre_port_slot_enter();
        struct slot *slot = slot_get(heap, number);
        if (slot == NULL) {
            break;
        }
        struct finding found = {0};
        acre_port_lock_take(&slot->lock);
        store_relaxed(&slot->visits, slot->visits + 1);
        enum round round = find_blocks(heap, slot, class, &spare, &found);
        if (round == ROUND_BLOCK || round == ROUND_LIST) {
            block = hand_out(heap, slot, class, &found, round);
        }
        acre_port_lock_drop(&slot->lock);
        if (block != NULL) {
            *zero = found.zero;
            break;
        }
        if (round == ROUND_NO_SLAB && !find_slab(heap, number, class, &spare)) {
            if (tried_all) {
                break;
            }
            tried_all = true; // the search may have woken a slab of this class, too: one more round
            if (ACRE_PORT_HELPER) {
                wake_all(heap, class);
            }
        }
    }
    if (spare != NULL) {
        slab_retire(spare);
        space_give_slice(heap, spare);
    }
    return block;
}
