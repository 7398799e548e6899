// huge.c - see huge.h.
//
// Freed mappings are kept for the next block: see huge_kept.c. A block may lie in several of them, one behind the
// other: see huge_parts.c.
//
// The mapping of a block that is being resized is in no list and not in the map: it is its owner's
// alone, and its address may belong to somebody else the moment it moves.
// SPDX-License-Identifier: MIT
#include "heap/huge.h"

#include "heap/giveback.h"
#include "heap/huge_grow.h"
#include "heap/huge_kept.h"
#include "heap/huge_parts.h"
#include "heap/map.h"
#include "heap/reclaim.h"
#include "heap/segment.h"
#include "heap/space.h"

SLOW size_t huge_bytes_for(const acre_heap *heap, size_t size)
{
    size_t unit = heap->pages->page_bytes;
    size_t bytes;
    return align_up(size == 0 ? 1 : size, unit > PAGE_BYTES ? unit : PAGE_BYTES, &bytes) ? bytes
                                                                                         : 0;
}

/// Takes a descriptor from the pool unless no more than `least` are there.
SLOW static struct slab *take_pooled(acre_heap *heap, unsigned least)
{
    struct slab *slab = NULL;
    acre_port_lock_take(&heap->lock);
    const struct link *first = heap->slab_pool.next;
    if (first != &heap->slab_pool && (least == 0 || first->next != &heap->slab_pool)) {
        slab = container_of(heap->slab_pool.next, struct slab, link);
        list_remove(&slab->link);
    }
    acre_port_lock_drop(&heap->lock);
    return slab;
}

/// Where mappings are cut, one descriptor stays in the pool, for whoever cuts and must not take memory.
SLOW static struct slab *take_descriptor(acre_heap *heap)
{
    enum { LEAST = ACRE_PORT_MOVE };
    struct slab *slab = take_pooled(heap, LEAST);
    if (slab == NULL) {
        slab = space_take_spare(heap, (1 + LEAST) * sizeof(*slab));
        if (ACRE_PORT_MOVE && slab != NULL) {
            acre_port_lock_take(&heap->lock);
            huge_descriptor_give_locked(heap, slab + 1);
            acre_port_lock_drop(&heap->lock);
        }
    }
    if (ACRE_PORT_MOVE && slab == NULL) {
        slab = take_pooled(heap, 0);
    }
    if (ACRE_PORT_MOVE && slab != NULL) {
        slab->behind = NULL;
    }
    return slab;
}

SLOW struct slab *huge_descriptor_take(acre_heap *heap)
{
    return ACRE_PORT_MOVE ? take_descriptor(heap) : NULL;
}

/// Makes `huge` a live block. Under heap->lock.
SLOW static void publish_locked(acre_heap *heap, struct slab *huge)
{
    huge->limit = 0;
    huge->owner = ACRE_SLOT_NONE;
    huge->class = 0;
    huge->state = SLAB_ACTIVE;
    huge->fresh = false; // from now on
    store_relaxed(&huge->kind, (uint8_t)KIND_HUGE);
    map_add_huge(heap, huge);
    list_add_first(&heap->huge, &huge->link);
    heap->huge_bytes += huge->block_bytes;
    heap->huge_count += 1;
    huge_note_low_locked(heap);
}

RARE static void unpublish_locked(acre_heap *heap, struct slab *huge)
{
    map_remove_huge(heap, huge);
    list_remove(&huge->link);
    heap->huge_bytes -= huge->block_bytes;
    heap->huge_count -= 1;
}

/// Reserves addresses; those of segments that were given back, or are free at their ends, are the last resort.
SLOW static void *reserve_huge(acre_heap *heap, size_t bytes, size_t align)
{
    void *addr = heap->pages->reserve(heap->pages, bytes, align);
    if (addr == NULL && segment_release_bare(heap) != 0) {
        addr = heap->pages->reserve(heap->pages, bytes, align);
    }
    if (ACRE_PORT_SHORT && addr == NULL && segment_cut_tails(heap, bytes) != 0) {
        addr = heap->pages->reserve(heap->pages, bytes, align);
    }
    if (addr == NULL && segment_release_headers(heap) != 0) {
        addr = heap->pages->reserve(heap->pages, bytes, align);
    }
    return addr;
}

/// Maps fresh memory into the descriptor. False if it is not to be had.
SLOW static bool map_fresh(acre_heap *heap, struct slab *huge, size_t bytes, size_t align)
{
    acre_pages *pages = heap->pages;
    acre_port_lock_take(&heap->lock);
    bool allowed = space_charge_locked(heap, bytes);
    acre_port_lock_drop(&heap->lock);
    if (!allowed) {
        return false;
    }
    void *addr = reserve_huge(heap, bytes, align > pages->page_bytes ? align : pages->page_bytes);
    if (addr != NULL && pages->commit(pages, addr, bytes) != ACRE_OK) {
        (void)pages->release(pages, addr, bytes); // refused: addresses are lost, no more
        addr = NULL;
    }
    acre_port_lock_take(&heap->lock);
    if (addr == NULL) {
        heap->held_bytes -= bytes;
    } else {
        heap->reserved_bytes += bytes;
        huge->base = (uintptr_t)addr;
        huge->block_bytes = bytes;
        huge->fresh = true;
        huge_new_origin_locked(heap, huge);
    }
    acre_port_lock_drop(&heap->lock);
    return addr != NULL;
}

SLOW static struct slab *take_fresh(acre_heap *heap, size_t bytes, size_t align)
{
    struct slab *huge = take_descriptor(heap);
    if (huge == NULL) {
        return NULL;
    }
    huge_make_room(heap, bytes);
    if (ACRE_PORT_HELPER) {
        space_make_way(heap, bytes);
    }
    bool mapped = map_fresh(heap, huge, bytes, align);
    bool hopeless = heap->limit_bytes != 0 && bytes > heap->limit_bytes;
    if (!mapped && !hopeless && reclaim_for(heap)) {
        mapped = map_fresh(heap, huge, bytes, align);
    }
    if (!mapped) {
        acre_port_lock_take(&heap->lock);
        huge_descriptor_give_locked(heap, huge);
        acre_port_lock_drop(&heap->lock);
        return NULL;
    }
    return huge;
}

SLOW void *huge_alloc(acre_heap *heap, size_t size, size_t align, bool want_zero, bool *zero)
{
    size_t bytes = huge_bytes_for(heap, size);
    if (bytes == 0) {
        return NULL;
    }
    struct slab *huge = NULL;
    if (align <= heap->pages->page_bytes) {
        huge = huge_kept_take(heap, bytes, want_zero);
    }
    if (huge == NULL) {
        huge = take_fresh(heap, bytes, align);
    }
    if (huge == NULL) {
        return NULL;
    }
    huge->asked_bytes = bytes;
    *zero = huge->fresh;
    acre_port_lock_take(&heap->lock);
    publish_locked(heap, huge);
    acre_port_lock_drop(&heap->lock);
    return (void *)huge->base;
}

/// The live huge block that starts at `addr`. Under heap->lock.
SLOW static struct slab *find_locked(acre_heap *heap, uintptr_t addr)
{
    struct slab *slab = map_find(heap, addr);
    if (slab->kind == KIND_HUGE && slab->base == addr) {
        return slab;
    }
    if (heap->stray_count == 0) {
        return NULL;
    }
    for (struct link *at = heap->huge.next; at != &heap->huge; at = at->next) {
        struct slab *huge = container_of(at, struct slab, link);
        if (huge->base == addr) {
            return huge;
        }
    }
    return NULL;
}

SLOW void huge_keep_what_is_allowed(acre_heap *heap)
{
    size_t dropped = 1;
    while (dropped != 0) {
        acre_port_lock_take(&heap->lock);
        const size_t most = huge_kept_bytes_max_locked(heap, heap->is_helped);
        const bool too_much = heap->huge_cached_bytes > most;
        acre_port_lock_drop(&heap->lock);
        dropped = too_much ? huge_drop_some(heap, SIZE_MAX, SIZE_MAX) : 0;
    }
}

SLOW bool huge_free(acre_heap *heap, uintptr_t addr)
{
    acre_port_lock_take(&heap->lock);
    struct slab *huge = find_locked(heap, addr);
    struct slab *unwanted = NULL;
    bool ask = false;
    if (huge != NULL) {
        unpublish_locked(heap, huge);
    }
    for (struct slab *part = huge, *rest; part != NULL; part = rest) {
        rest = huge_detach_locked(heap, part);
        if (huge_is_worth_keeping_locked(heap, part->block_bytes)) {
            huge_keep_locked(heap, part);
            ask = giveback_is_wanted_locked(heap) || ask;
        } else {
            huge_chain(part, unwanted);
            unwanted = part;
        }
    }
    acre_port_lock_drop(&heap->lock);
    while (unwanted != NULL) {
        struct slab *part = unwanted;
        unwanted = ACRE_PORT_MOVE ? part->behind : NULL;
        huge_chain(part, NULL);
        (void)huge_release(heap, part);
    }
    if (ask) {
        giveback_ask(heap);
    }
    return huge != NULL;
}

/// Resizes a mapping, or what a block is composed of, that is on no list and not in the map, if that can be done.
SLOW static void resize_mapping(acre_heap *heap, struct slab *huge, size_t bytes)
{
    const bool grows = bytes > huge->block_bytes;
    if (grows && huge_has_parts(heap) && huge_grow(heap, huge, bytes)) {
        return;
    }
    if (ACRE_PORT_MOVE && huge->behind != NULL) {
        if (!grows) {
            huge_cut(heap, huge, bytes);
        }
        return; // several mappings cannot be resized as one
    }
    const enum huge_remap how = grows ? HUGE_REMAP : HUGE_REMAP_IN_PLACE;
    if (!huge_remap(heap, huge, bytes, how) && how == HUGE_REMAP && heap->pages->remap != NULL &&
        reclaim_for(heap)) {
        (void)huge_remap(heap, huge, bytes, how);
    }
}

SLOW void *huge_resize(acre_heap *heap, struct slab *huge, uintptr_t addr, size_t size)
{
    size_t bytes = huge_bytes_for(heap, size);
    if (bytes == 0) {
        return NULL;
    }
    if (!huge_is_close(huge->block_bytes, bytes)) {
        acre_port_lock_take(&heap->lock);
        const bool is_live = find_locked(heap, addr) == huge;
        if (is_live) {
            unpublish_locked(heap, huge);
        }
        acre_port_lock_drop(&heap->lock);
        if (!is_live) { // somebody has just freed it, by mistake
            acre_port_fatal("realloc of a freed block", (const void *)addr, 0);
        }
        resize_mapping(heap, huge, bytes);
        acre_port_lock_take(&heap->lock);
        publish_locked(heap, huge);
        acre_port_lock_drop(&heap->lock);
        if (huge->block_bytes < bytes) {
            return NULL;
        }
    }
    huge->asked_bytes = bytes;
    return (void *)huge->base;
}

SLOW static void release_list(acre_heap *heap, struct link *list)
{
    while (!list_is_empty(list)) {
        struct slab *huge = container_of(list->next, struct slab, link);
        list_remove(&huge->link);
        while (huge != NULL) {
            struct slab *rest = huge_detach_locked(heap, huge);
            (void)heap->pages->release(heap->pages, (void *)huge->base, huge->block_bytes);
            huge = rest;
        }
    }
}

SLOW void huge_release_all(acre_heap *heap)
{
    segment_release_given_back(heap);
    release_list(heap, &heap->huge);
    release_list(heap, &heap->huge_cached);
}
