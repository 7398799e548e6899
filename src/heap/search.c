// search.c - looking at the blocks of a slab's lists one by one: are all free, is this one.
//
// A list in a hot word can be looked at only while it is not there: it is borrowed by a commit and put
// back by another. Frees go on meanwhile, onto an empty list, and count `due` down from DUE_NEVER; what
// is added to `due` at the end accounts for both. See slab.h for what the states mean.
// SPDX-License-Identifier: MIT
#include "heap/foreign.h"
#include "heap/map.h"
#include "heap/slab.h"

/// A hot list that was borrowed.
struct borrowed {
    acre_block *first; // NULL if it was empty
    acre_block *last;
    unsigned count;
    uint16_t aim; // due_base that it had: how many frees in all lead to the slab's next event
};

static bool borrow(acre_heap *heap, struct slot *slot, struct slab *slab, struct borrowed *out)
{
    *out = (struct borrowed){.aim = slab->due_base};
    if (!acre_port_take(slot->number, &slab->hot, DUE_NEVER, &out->first)) {
        if (slab->state == SLAB_ASLEEP) {
            slab_add_awake(slot, slab); // a take that was interrupted may have set `due`
        }
        return false;
    }
    store_relaxed(&slab->due_base, (uint16_t)DUE_NEVER);
    out->count = block_count(heap, out->first, &out->last);
    return true;
}

static void give_back(
    acre_heap *heap, struct slot *slot, struct slab *slab, const struct borrowed *list)
{
    unsigned count = list->count;
    if (list->first != NULL && !acre_port_install(slot->number, &slab->hot.head, list->first)) {
        (void)foreign_splice(heap, slab, list->first, list->last, count);
        count = 0;
    }
    uint16_t delta = (uint16_t)(list->aim - count - DUE_NEVER);
    if (acre_port_due_add(slot->number, &slab->hot, delta)) {
        store_relaxed(&slab->due_base, list->aim);
    } else if (slab->state == SLAB_ASLEEP) {
        slab_add_awake(slot, slab); // nothing else would wake it
    }
}

/// The list that follows leads through the slab in the order of frees, a cache miss a block: to ask for
/// the lines in the order of addresses first takes a tenth of the time.
static void fetch_blocks(const struct slab *slab)
{
    const char *first = (const char *)slab->base;
    size_t bytes = slab->carved * slab->block_bytes;
    size_t step = slab->block_bytes < LINE_BYTES ? LINE_BYTES : slab->block_bytes;
    for (size_t at = 0; at < bytes; at += step) {
        __builtin_prefetch(first + at);
    }
}

enum found slab_count_all(acre_heap *heap, struct slot *slot, struct slab *slab)
{
    struct borrowed hot;
    fetch_blocks(slab);
    // From the commit in `borrow` on, a free that found its block to be live before cannot push it any
    // more: pushes that began on the slot are over, later ones see this, and foreign_renew does
    // the same for the others.
    const uintptr_t owner = load_relaxed(&slab->owner);
    const uint32_t generation = owner_next_generation(heap);
    owner_renew(slab, ACRE_SLOT_NONE, generation);
    if (!borrow(heap, slot, slab, &hot)) {
        store_release(&slab->owner, owner); // nothing has been counted
        return FOUND_UNKNOWN;
    }
    acre_block *last = NULL;
    acre_block *foreign = foreign_renew(slab, generation);
    unsigned count = block_count(heap, foreign, &last);
    // A list that ends meets no block twice, and two lists with a block in common end in the same one.
    if (foreign != NULL && last == hot.last) {
        acre_port_fatal("double free", last, slab->block_bytes);
    }
    if (hot.count + count == slab->carved) {
        return FOUND; // who frees each block once has none left to push
    }
    if (foreign != NULL) {
        (void)foreign_splice(heap, slab, foreign, last, count);
    }
    hot.aim = slab->carved;
    give_back(heap, slot, slab, &hot);
    owner_set(slab, slot->number);
    return FOUND_NOT;
}

SLOW static bool list_has(const acre_block *list, const acre_block *block)
{
    while (list != NULL && list != block) {
        list = list->next;
    }
    return list != NULL;
}

/// Puts blocks onto the foreign lists of their slabs: the bin may have been filled from another one
/// meanwhile.
SLOW static void give_each_back(acre_heap *heap, acre_block *list)
{
    while (list != NULL) {
        acre_block *next = list->next;
        (void)foreign_splice(heap, map_find_any(heap, (uintptr_t)list), list, list, 1);
        list = next;
    }
}

/// Searches the bin by emptying it. Its list comes back as it was, if its slot is still ours.
SLOW static enum found search_bin(
    acre_heap *heap, struct slot *slot, unsigned class, const acre_block *block)
{
    acre_block **bin = &slot->bins.bin[class];
    acre_block *first = NULL;
    acre_block *last = NULL;
    acre_block *popped;
    bool has = false;
    unsigned count = 0;
    acre_pop pop;
    while ((pop = acre_port_pop_on(slot->number, bin, &popped)) == ACRE_POPPED) {
        // A pop does not look. A live block here was freed twice, and its link is its owner's data.
        if (!block_looks_free(heap, popped) || count == SLICE_BYTES / GRANULE_BYTES) {
            block_report_corrupted(heap, popped);
        }
        has = has || popped == block;
        first = first == NULL ? popped : first;
        if (last != NULL && last->next != popped) {
            block_link(heap, last, popped); // another thread on the slot took what was between
        }
        last = popped;
        count += 1;
    }
    if (first != NULL) {
        block_link(heap, last, NULL); // what follows is still in the bin, or nothing is
        if (!acre_port_install(slot->number, bin, first)) {
            give_each_back(heap, first);
        }
    }
    if (has) {
        return FOUND;
    }
    return pop == ACRE_MOVED ? FOUND_UNKNOWN : FOUND_NOT;
}

SLOW static bool search_foreign(acre_heap *heap, struct slab *slab, const acre_block *block)
{
    acre_block *last = NULL;
    acre_block *list = foreign_take(slab);
    unsigned count = block_count(heap, list, &last);
    bool has = list_has(list, block);
    if (list != NULL) {
        (void)foreign_splice(heap, slab, list, last, count);
    }
    return has;
}

/// Frees that came while a list was borrowed may have raised no event.
SLOW static void make_up_for_events(struct slot *slot, struct slab *slab)
{
    if (slab->state == SLAB_ASLEEP &&
        (slab_hot_count(slab) >= slab->wake || foreign_count(slab) >= slab->wake)) {
        slab_wake(slot, slab);
    }
}

SLOW static enum found search_lists(
    acre_heap *heap, struct slot *slot, struct slab *slab, const acre_block *block)
{
    if (search_foreign(heap, slab, block)) {
        return FOUND;
    }
    struct borrowed hot;
    if (!borrow(heap, slot, slab, &hot)) {
        return FOUND_UNKNOWN;
    }
    bool has = list_has(hot.first, block);
    give_back(heap, slot, slab, &hot);
    return has ? FOUND : search_bin(heap, slot, slab->class, block);
}

SLOW enum found slab_search(
    acre_heap *heap, struct slot *slot, struct slab *slab, const acre_block *block)
{
    enum found found = search_lists(heap, slot, slab, block);
    make_up_for_events(slot, slab);
    return found;
}
