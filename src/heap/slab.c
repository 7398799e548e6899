// slab.c - see slab.h.
// SPDX-License-Identifier: MIT
#include "heap/slab.h"

#include "heap/foreign.h"
#include "heap/hit.h"

_Noreturn void block_report_corrupted(acre_heap *heap, const void *addr)
{
    const struct slab *slab = map_find(heap, (uintptr_t)addr);
    const acre_block *block = addr;
    // A block that malloc took before, and nobody has written to since, has its link and a tag of 0;
    // block_revive has made that the tag of a free one. So does one of a list in a circle look.
    bool twice = block->next != NULL && hit_is_block(slab, (uintptr_t)block->next) &&
                 block_looks_free(heap, block);
    acre_port_fatal(twice ? "double free" : "corrupted free block", block, slab->block_bytes);
}

unsigned block_count(acre_heap *heap, acre_block *list, acre_block **last)
{
    unsigned count = 0;
    for (acre_block *block = list; block != NULL; block = block->next) {
        if ((ACRE_CHECKED && !block_looks_free(heap, block)) ||
            count == SLICE_BYTES / GRANULE_BYTES) {
            block_report_corrupted(heap, block);
        }
        count += 1;
        *last = block;
    }
    return count;
}

/// Sets `due` afresh, so that it counts from now on. If the thread has moved, nothing changes.
static bool set_due(struct slot *slot, struct slab *slab, uint16_t due)
{
    uint32_t aborts = acre_port_aborts();
    if (!acre_port_due_set(slot->number, &slab->hot, due)) {
        return false;
    }
    store_relaxed(&slab->due_base, due);
    slab->aborts = aborts;
    return true;
}

void slab_start(acre_heap *heap, struct slot *slot, struct slab *slab, unsigned class)
{
    const uint32_t generation = owner_next_generation(heap);
    const struct size_class *size = &size_classes[class];
    acre_debug(slab->limit == 0 && owner_slot(slab->owner) == ACRE_SLOT_NONE);
    slab->inverse = size->inverse;
    slab->class = (uint8_t) class;
    slab->wake = size->wake;
    slab->block_bytes = size->bytes;
    slab->capacity = size->capacity;
    slab->carved = 0;
    slab->hot.head = NULL;
    slab->hot.due = DUE_NEVER;
    slab->due_base = DUE_NEVER;
    (void)foreign_renew(slab, generation); // after all that a free looks at
    slab->drained = false;
    slab->aborts = acre_port_aborts();
    slab->state = SLAB_ACTIVE;
    store_relaxed(&slab->kind, (uint8_t)KIND_SLAB);
    owner_renew(slab, slot->number, generation); // pairs with slab_lock_owner, and with free
    slot->active[class] = slab;
}

acre_block *slab_carve(acre_heap *heap, struct slab *slab)
{
    const struct size_class *size = &size_classes[slab->class];
    unsigned left = (unsigned)slab->capacity - slab->carved;
    unsigned count = left < size->carve ? left : size->carve;
    if (count == 0) {
        return NULL;
    }
    char *first = (char *)slab->base + (size_t)slab->carved * size->bytes;
    acre_block *list = NULL;
    for (unsigned i = count; i-- != 0;) {
        acre_block *block = (acre_block *)(void *)(first + (size_t)i * size->bytes);
        block_link(heap, block, list);
        list = block;
    }
    store_relaxed(&slab->carved, (uint16_t)(slab->carved + count));
    store_relaxed(&slab->limit, slab->limit + count * size->excess);
    return list;
}

bool slab_quiet(struct slot *slot, struct slab *slab)
{
    return set_due(slot, slab, DUE_NEVER);
}

enum drained slab_drain(struct slot *slot, struct slab *slab, acre_block **list)
{
    uint32_t aborts = acre_port_aborts();
    if (!acre_port_take(slot->number, &slab->hot, slab->wake, list)) {
        return DRAINED_MOVED;
    }
    store_relaxed(&slab->due_base, slab->wake);
    slab->aborts = aborts;
    if (*list == NULL) {
        *list = foreign_take(slab);
    }
    if (*list == NULL) {
        return DRAINED_NONE;
    }
    // If this is refused, an event comes that slab_due will find to be none.
    (void)slab_quiet(slot, slab);
    return DRAINED_SOME;
}

void slab_add_awake(struct slot *slot, struct slab *slab)
{
    slab->state = SLAB_AWAKE;
    list_add_last(&slot->awake[slab->class], &slab->link);
}

/// Lets an awake slab's `due` fire when all its blocks are free, keeping the count so far.
static bool aim_at_empty(struct slot *slot, struct slab *slab)
{
    uint16_t delta = (uint16_t)(slab->carved - slab->due_base);
    if (delta != 0) {
        if (!acre_port_due_add(slot->number, &slab->hot, delta)) {
            return false;
        }
        store_relaxed(&slab->due_base, slab->carved);
    }
    return true;
}

void slab_sleep(struct slab *slab)
{
    slab->state = SLAB_ASLEEP;
}

void slab_leave(struct slot *slot, struct slab *slab)
{
    acre_debug(slab->state == SLAB_ACTIVE);
    if (slab_is_carved(slab)) {
        slab->state = SLAB_ASLEEP; // slab_drain has set `due`
        return;
    }
    // It must not sleep: with fewer blocks carved than `wake` its counter could never fire. At most
    // one slab of a class is in this state, since a new one is opened only when all are carved.
    slab_add_awake(slot, slab);
    (void)aim_at_empty(slot, slab);
}

void slab_wake(struct slot *slot, struct slab *slab)
{
    acre_debug(slab->state == SLAB_ASLEEP);
    slab_add_awake(slot, slab);
    // Refused when the event came from another slot: `due` then fires once more where it would have
    // woken the slab, and aims then.
    (void)aim_at_empty(slot, slab);
}

__attribute__((no_sanitize("thread"))) unsigned slab_hot_count(const struct slab *slab)
{
    return (uint16_t)(slab->due_base - slab->hot.due);
}

SLOW void slab_set_drained(struct slot *slot, struct slab *slab)
{
    if (!slab->drained) {
        store_relaxed(&slab->drained, true);
        slot->drained_count += 1;
        list_remove(&slab->link); // drained slabs stand first
        list_add_first(&slot->awake[slab->class], &slab->link);
    }
}

void slab_clear_drained(struct slot *slot, struct slab *slab)
{
    slot->drained_count -= slab->drained ? 1 : 0;
    store_relaxed(&slab->drained, false);
}

/// Whether all blocks are free, by the counters. They may count a push that has been interrupted and
/// never happened: good enough to expect the slab to be empty, not to treat it as such.
static bool seems_all_free(struct slot *slot, struct slab *slab)
{
    return aim_at_empty(slot, slab) && slab_hot_count(slab) + foreign_count(slab) >= slab->carved;
}

/// Counts empty slabs by class, because there may be many, and those of all slots, for giveback.c.
static void count_empty(struct slot *slot, struct slab *slab, uint32_t more)
{
    if (ACRE_PORT_HELPER) {
        slot->empty_of[slab->class] = (uint16_t)(slot->empty_of[slab->class] + more);
        (void)add_relaxed(&segment_of(slab)->heap->empty_slabs, more);
    }
}

void slab_add_empty(struct slot *slot, struct slab *slab)
{
    slab->state = SLAB_EMPTY;
    list_add_first(&slot->empty, &slab->link);
    slot->empty_count += 1;
    count_empty(slot, slab, 1);
}

void slab_remove_empty(struct slot *slot, struct slab *slab)
{
    list_remove(&slab->link);
    slot->empty_count -= 1;
    if (slot->empty_count < slot->empty_low) {
        slot->empty_low = slot->empty_count;
    }
    count_empty(slot, slab, (uint32_t)-1);
}

/// An awake slab that seems to be all free waits among the empty ones.
static void make_empty(struct slot *slot, struct slab *slab)
{
    list_remove(&slab->link);
    slab_add_empty(slot, slab);
}

/// Whether an empty slab is to become free pages, so that all may use them. While a helper looks after what
/// is unused, that can wait: the class often needs it again, and it costs a look at each block.
static bool has_too_many_empty(const acre_heap *heap, const struct slot *slot)
{
    const struct helper *helper = ACRE_PORT_HELPER ? heap->helper : NULL;
    uint32_t most = EMPTY_SLABS_MAX;
    if (helper != NULL && load_relaxed(&heap->is_helped) && !load_relaxed(&heap->barrier_refused)) {
        const uint32_t helped_most = load_relaxed(&helper->empty_slabs_max);
        most = helped_most > most ? helped_most : most;
    }
    return slot->empty_count > slot_share(heap, most);
}

SLOW void slab_sweep(struct slot *slot)
{
    for (unsigned class = 0; class < SIZE_CLASSES; class ++) {
        struct link *awake = &slot->awake[class];
        for (struct link *at = awake->next; at != awake;) {
            struct slab *slab = container_of(at, struct slab, link);
            at = at->next;
            if (slab_hot_count(slab) + foreign_count(slab) >= slab->carved) {
                slab_clear_drained(slot, slab);
                make_empty(slot, slab);
            }
        }
    }
}

struct slab *slab_check_empty(acre_heap *heap, struct slot *slot, struct slab *slab)
{
    acre_debug(slab->state == SLAB_AWAKE);
    slab_clear_drained(slot, slab);
    if (!seems_all_free(slot, slab)) {
        return NULL;
    }
    make_empty(slot, slab);
    return has_too_many_empty(heap, slot) ? slab_retire_empty(heap, slot) : NULL;
}

struct slab *slab_take_empty(struct slot *slot, unsigned class)
{
    if (ACRE_PORT_HELPER && slot->empty_of[class] == 0) {
        return NULL;
    }
    for (struct link *at = slot->empty.next; at != &slot->empty; at = at->next) {
        struct slab *slab = container_of(at, struct slab, link);
        if (slab->class == class) {
            slab_remove_empty(slot, slab);
            return slab;
        }
    }
    return NULL;
}

struct slab *slab_retire_empty(acre_heap *heap, struct slot *slot)
{
    while (slot->empty_count != 0) {
        struct slab *slab = container_of(slot->empty.prev, struct slab, link);
        enum found all_free = slab_count_all(heap, slot, slab);
        if (all_free == FOUND_UNKNOWN) {
            return NULL; // we have left the slot: its empty slabs wait for who comes next
        }
        slab_remove_empty(slot, slab);
        if (all_free == FOUND) {
            slab_retire(slab);
            return slab;
        }
        slab_add_awake(slot, slab);
        if (slab_hot_count(slab) + foreign_count(slab) >= slab->carved) {
            slab_set_drained(slot, slab); // the last blocks came while nobody owned it
        }
    }
    return NULL;
}

void slab_retire(struct slab *slab)
{
    slab->state = SLAB_TRANSIT;
    slab->fresh = false;
    store_relaxed(&slab->limit, 0);
    owner_set(slab, ACRE_SLOT_NONE);
}
