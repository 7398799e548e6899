// runcache.c - see runcache.h.
// SPDX-License-Identifier: MIT
#include "heap/runcache.h"

#include "heap/map.h"
#include "heap/runlist.h"
#include "heap/segment.h"
#include "heap/slot.h"
#include "heap/space.h"

static struct slab *slab_of_run(acre_heap *heap, uintptr_t addr)
{
    return map_find_any(heap, addr);
}

/// Takes the entry at `i` out of the slot's cache. Under slot->lock.
static uintptr_t remove_at(struct slot *slot, unsigned i)
{
    uintptr_t addr = slot->runs[i].addr;
    slot->run_bytes -= (size_t)slot->runs[i].pages * PAGE_BYTES;
    store_relaxed(&slot->run_count, slot->run_count - 1);
    for (; i < slot->run_count; i++) {
        slot->runs[i] = slot->runs[i + 1];
    }
    return addr;
}

void *runcache_take(acre_heap *heap, unsigned pages)
{
    void *listed = runlist_holds(pages) ? runlist_take(heap, pages) : NULL;
    if (listed != NULL) {
        return listed;
    }
    struct slot *slot = slot_of(heap, acre_port_slot_enter());
    if (slot == NULL || load_relaxed(&slot->run_count) == 0) {
        return NULL;
    }
    uintptr_t addr = 0;
    acre_port_lock_take(&slot->lock);
    for (unsigned i = slot->run_count; i-- != 0;) {
        if (slot->runs[i].pages == pages) {
            addr = remove_at(slot, i);
            break;
        }
    }
    acre_port_lock_drop(&slot->lock);
    bool revived = addr != 0 && space_revive_run(slab_of_run(heap, addr), addr, pages);
    return revived ? (void *)addr : NULL;
}

/// What a slot may keep here: less by what is on its lists, but never less than a quarter.
static size_t kept_bytes_max(const acre_heap *heap, const struct slot *slot)
{
    const size_t most = slot_share(heap, RUN_KEPT_BYTES_MAX);
    const size_t listed = ACRE_PORT_RUNS ? runlist_bytes(slot) : 0;
    if (listed == 0) {
        return most;
    }
    return listed < most / 4 * 3 ? most - listed : most / 4;
}

/// Adds a run, and takes the oldest out until it fits. Returns how many those are. Under slot->lock.
static unsigned add(
    const acre_heap *heap, struct slot *slot, uintptr_t addr, unsigned pages,
    uintptr_t evicted[RUNS_KEPT_MAX])
{
    size_t bytes = (size_t)pages * PAGE_BYTES;
    size_t most = kept_bytes_max(heap, slot);
    unsigned count = 0;
    while (slot->run_count == RUNS_KEPT_MAX ||
           (slot->run_count != 0 && slot->run_bytes + bytes > most)) {
        evicted[count++] = remove_at(slot, 0);
    }
    slot->runs[slot->run_count].addr = addr;
    slot->runs[slot->run_count].pages = pages;
    slot->run_bytes += bytes;
    store_relaxed(&slot->run_count, slot->run_count + 1);
    return count;
}

unsigned runcache_give(acre_heap *heap, struct slab *slab, uintptr_t addr)
{
    // From here on the run is ours.
    unsigned pages = space_keep_run(slab, addr);
    if (pages == 0) {
        return 0;
    }
    struct slot *slot = slot_of(heap, acre_port_slot_enter());
    if (slot == NULL || (size_t)pages * PAGE_BYTES > RUN_KEPT_BYTES_MAX / 4) {
        return space_give_kept(heap, slab, addr);
    }
    if (runlist_holds(pages) && runlist_give(heap, slot, addr, pages)) {
        return pages;
    }
    uintptr_t evicted[RUNS_KEPT_MAX];
    acre_port_lock_take(&slot->lock);
    unsigned count = add(heap, slot, addr, pages, evicted);
    acre_port_lock_drop(&slot->lock);
    for (unsigned i = 0; i < count; i++) {
        (void)space_give_kept(heap, slab_of_run(heap, evicted[i]), evicted[i]);
    }
    return pages;
}

SLOW size_t runcache_flush_slot(acre_heap *heap, struct slot *slot)
{
    size_t bytes = ACRE_PORT_RUNS ? runlist_flush(heap, slot) : 0;
    while (load_relaxed(&slot->run_count) != 0) {
        uintptr_t addr = 0;
        acre_port_lock_take(&slot->lock);
        if (slot->run_count != 0) {
            addr = remove_at(slot, slot->run_count - 1);
        }
        acre_port_lock_drop(&slot->lock);
        if (addr != 0) {
            bytes += (size_t)space_give_kept(heap, slab_of_run(heap, addr), addr) * PAGE_BYTES;
        }
    }
    return bytes;
}

SLOW size_t runcache_flush(acre_heap *heap)
{
    size_t bytes = 0;
    for (unsigned number = 0; number < load_relaxed(&heap->slots_high); number++) {
        struct slot *slot = slot_of(heap, number);
        bytes += slot == NULL ? 0 : runcache_flush_slot(heap, slot);
    }
    return bytes;
}
