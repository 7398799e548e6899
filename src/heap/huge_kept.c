// huge_kept.c - see huge_kept.h.
//
// Mapping and faulting in a large block costs more than anything else an allocator does, so a few freed mappings
// stay. A request takes the one whose size is nearest and has it resized; only a source that can resize makes a
// mapping fit that is much too large or too small. Over a source that can move memory nothing is given back and
// faulted in anew meanwhile: what is too large is cut in two, and what is too small is made longer with the
// memory of other kept ones (huge_parts.c).
//
// How many are kept, and how much, is in huge_kept.h. When the heap grows nevertheless, as much of what is kept goes
// first, the oldest before others, of a large one its end: what is kept for later does not raise the peak.
// SPDX-License-Identifier: MIT
#include "heap/huge_kept.h"

#include "heap/huge.h"
#include "heap/huge_parts.h"
#include "heap/space.h"

// Pages of a kept mapping that are looked at before it is cleared, and by how many one answer must lead to be
// believed sooner.
enum { PROBES = 16, PROBES_LEAD = 3 };

RARE void huge_descriptor_give_locked(acre_heap *heap, struct slab *slab)
{
    store_relaxed(&slab->kind, (uint8_t)KIND_NONE);
    list_add_first(&heap->slab_pool, &slab->link);
}

SLOW void huge_unkeep_locked(acre_heap *heap, struct slab *huge)
{
    list_remove(&huge->link);
    heap->huge_cached_count -= 1;
    heap->huge_cached_bytes -= huge->block_bytes;
}

/// Makes one mapping of `huge`, which is on no list, and what is kept before and behind it of the same origin. Under
/// heap->lock.
SLOW static void merge_locked(acre_heap *heap, struct slab *huge)
{
    for (struct link *at = heap->huge_cached.next; at != &heap->huge_cached;) {
        struct slab *other = container_of(at, struct slab, link);
        at = at->next;
        const bool before = other->base + other->block_bytes == huge->base;
        const bool behind = huge->base + huge->block_bytes == other->base;
        if (other->origin == huge->origin && (before || behind)) {
            huge_unkeep_locked(heap, other);
            huge->base = before ? other->base : huge->base;
            huge->block_bytes += other->block_bytes;
            huge->fresh = huge->fresh && other->fresh;
            huge_descriptor_give_locked(heap, other);
        }
    }
}

SLOW void huge_keep_locked(acre_heap *heap, struct slab *huge)
{
    if (huge_has_parts(heap)) {
        merge_locked(heap, huge);
    }
    store_relaxed(&huge->kind, (uint8_t)KIND_NONE);
    list_add_first(&heap->huge_cached, &huge->link);
    heap->huge_cached_count += 1;
    heap->huge_cached_bytes += huge->block_bytes;
}

/// How badly a mapping suits. Where it can be cut, any that is large enough suits better than any that is not.
static inline size_t misfit(const acre_heap *heap, size_t have_bytes, size_t bytes)
{
    if (have_bytes >= bytes) {
        return have_bytes - bytes;
    }
    return bytes - have_bytes + (huge_has_parts(heap) ? SIZE_MAX / 2 : 0);
}

/// Takes the kept mapping that suits `bytes` best. NULL if none does. Under heap->lock.
SLOW static struct slab *pick_locked(acre_heap *heap, size_t bytes)
{
    const bool any_fits = heap->pages->remap != NULL;
    struct slab *best = NULL;
    size_t best_misfit = SIZE_MAX;
    for (struct link *at = heap->huge_cached.next; at != &heap->huge_cached; at = at->next) {
        struct slab *huge = container_of(at, struct slab, link);
        size_t off = misfit(heap, huge->block_bytes, bytes);
        if (off < best_misfit && (any_fits || huge_is_close(huge->block_bytes, bytes))) {
            best = huge;
            best_misfit = off;
        }
    }
    if (best != NULL) {
        huge_unkeep_locked(heap, best);
    }
    return best;
}

SLOW size_t huge_release(acre_heap *heap, struct slab *huge)
{
    size_t bytes = huge->block_bytes;
    bool released =
        heap->pages->release(heap->pages, (void *)huge->base, huge->block_bytes) == ACRE_OK;
    acre_port_lock_take(&heap->lock);
    if (released) {
        heap->held_bytes -= bytes;
        heap->reserved_bytes -= bytes;
        huge_descriptor_give_locked(heap, huge);
        huge_note_low_locked(heap);
    } else {
        huge_keep_locked(heap, huge);
    }
    acre_port_lock_drop(&heap->lock);
    return released ? bytes : 0;
}

SLOW static struct slab *oldest_locked(acre_heap *heap)
{
    return list_is_empty(&heap->huge_cached)
               ? NULL
               : container_of(heap->huge_cached.prev, struct slab, link);
}

/// Cuts `bytes` off the end of a kept mapping. Returns that end, which is on no list; NULL where one of the two would be
/// too small, or no descriptor is at hand: to make one might take a segment, and that asks for room here. Under
/// heap->lock.
SLOW static struct slab *cut_end_locked(acre_heap *heap, struct slab *huge, size_t bytes)
{
    if (!huge_has_parts(heap) || bytes < huge_part_bytes_min || huge->block_bytes < bytes ||
        huge->block_bytes - bytes < huge_part_bytes_min || list_is_empty(&heap->slab_pool)) {
        return NULL;
    }
    struct slab *end = container_of(heap->slab_pool.next, struct slab, link);
    list_remove(&end->link);
    huge->block_bytes -= bytes;
    heap->huge_cached_bytes -= bytes;
    end->base = huge->base + huge->block_bytes;
    end->block_bytes = bytes;
    end->origin = huge->origin;
    end->behind = NULL;
    end->fresh = huge->fresh;
    return end;
}

SLOW size_t huge_drop_some(acre_heap *heap, size_t most, size_t step)
{
    const size_t unit_mask = heap->pages->page_bytes - 1;
    struct slab *dropped = NULL;
    acre_port_lock_take(&heap->lock);
    struct slab *huge = oldest_locked(heap);
    if (huge != NULL) {
        dropped = cut_end_locked(heap, huge, (most < step ? most : step) & ~unit_mask);
    }
    if (huge != NULL && dropped == NULL && huge->block_bytes <= most) {
        huge_unkeep_locked(heap, huge);
        dropped = huge;
    }
    acre_port_lock_drop(&heap->lock);
    return dropped == NULL ? 0 : huge_release(heap, dropped);
}

SLOW void huge_make_room(acre_heap *heap, size_t bytes)
{
    if ((heap->flags & ACRE_HEAP_KEEP) != 0) {
        return;
    }
    acre_port_lock_take(&heap->lock);
    size_t grown = list_is_empty(&heap->huge_cached) ? 0 : heap->huge_grown_bytes + bytes;
    heap->huge_grown_bytes = 0;
    acre_port_lock_drop(&heap->lock);
    size_t released;
    while (grown != 0 && (released = huge_drop_some(heap, grown, SIZE_MAX)) != 0) {
        grown -= released;
    }
    if (grown != 0) {
        acre_port_lock_take(&heap->lock);
        heap->huge_grown_bytes += grown;
        acre_port_lock_drop(&heap->lock);
    }
}

SLOW bool huge_remap(acre_heap *heap, struct slab *huge, size_t bytes, enum huge_remap how)
{
    size_t old_bytes = huge->block_bytes;
    if (heap->pages->remap == NULL) {
        return false;
    }
    if (bytes > old_bytes && !(ACRE_PORT_MOVE && how == HUGE_REMAP_TO_COMPOSE)) {
        huge_make_room(heap, bytes - old_bytes);
    }
    acre_port_lock_take(&heap->lock);
    bool allowed = bytes <= old_bytes || space_charge_locked(heap, bytes - old_bytes);
    acre_port_lock_drop(&heap->lock);
    if (!allowed) {
        return false;
    }
    void *addr = heap->pages->remap(
        heap->pages, (void *)huge->base, old_bytes, bytes, how != HUGE_REMAP_IN_PLACE);
    acre_port_lock_take(&heap->lock);
    if (addr != NULL) {
        huge->base = (uintptr_t)addr;
        huge->block_bytes = bytes;
        huge_new_origin_locked(heap, huge);
        heap->reserved_bytes = heap->reserved_bytes - old_bytes + bytes;
        heap->held_bytes -= bytes < old_bytes ? old_bytes - bytes : 0;
    } else {
        heap->held_bytes -= bytes > old_bytes ? bytes - old_bytes : 0;
    }
    acre_port_lock_drop(&heap->lock);
    return addr != NULL;
}

SLOW static bool page_is_zero(const word *page)
{
    for (size_t i = 0; i < PAGE_BYTES / sizeof(word); i++) {
        if (page[i] != 0) {
            return false;
        }
    }
    return true;
}

/// Whether most of a range reads as zero: then it was used sparsely, and will be again. To read a page that has no
/// memory takes none, but it takes a page fault: so the answer is believed when PROBES_LEAD more pages say so than
/// say otherwise. Where a tenth of the pages are unlike the rest, that is wrong once in 700 times.
SLOW static bool is_sparse(uintptr_t addr, size_t bytes)
{
    // One page of each sixteenth, at places that are as good as random, so that no pattern of use hides.
    const size_t part_pages = bytes / PAGE_BYTES / PROBES;
    uint32_t spread = 0;
    int lead = 0; // of the pages that are zero
    for (unsigned i = 0; i < PROBES && lead < PROBES_LEAD && lead > -PROBES_LEAD; i++) {
        spread += 0x9e3779b9U; // the golden ratio
        const size_t page = i * part_pages + ((spread >> 16) * part_pages >> 16);
        lead += page_is_zero((const word *)(addr + page * PAGE_BYTES)) ? 1 : -1;
    }
    return lead > 0;
}

SLOW bool huge_is_dense(uintptr_t addr, size_t bytes)
{
    return !is_sparse(addr, bytes);
}

/// Gives the memory of a mapping back that was used sparsely, so that it reads as zero. Clearing it would cost a page
/// fault for every page that nobody wants; giving the memory of a dense one back costs five times what clearing it
/// does (docs/design/0014). False: it is gone, because it got no memory again.
SLOW static bool empty_sparse(acre_heap *heap, struct slab *huge)
{
    acre_pages *pages = heap->pages;
    if (huge->fresh || !is_sparse(huge->base, huge->block_bytes) ||
        pages->decommit(pages, (void *)huge->base, huge->block_bytes) != ACRE_OK) {
        return true;
    }
    if (pages->commit(pages, (void *)huge->base, huge->block_bytes) != ACRE_OK) {
        (void)huge_release(heap, huge);
        return false;
    }
    huge->fresh = true;
    return true;
}

/// Whether the memory behind the first `bytes` of a mapping is worth keeping. Where blocks are used only in part, what
/// was used of one would else be what is not used of the next, and all of it would hold memory in the end.
SLOW static bool has_use_behind(const struct slab *huge, size_t bytes)
{
    return huge->fresh || !is_sparse(huge->base + bytes, huge->block_bytes - bytes);
}

/// Gives a mapping that is on no list the size that is wanted. With `want_zero`, what reads as zero is left without
/// the memory of others. False: it is no shorter than it was.
SLOW static bool make_fit(acre_heap *heap, struct slab *huge, size_t bytes, bool want_zero)
{
    const size_t have_bytes = huge->block_bytes;
    if (huge_is_close(have_bytes, bytes)) {
        return true;
    }
    if (huge_has_parts(heap)) {
        bool fits = have_bytes > bytes
                        ? has_use_behind(huge, bytes) && huge_split(heap, huge, bytes)
                        : !(want_zero && huge->fresh) && huge_compose(heap, huge, bytes);
        if (fits) {
            return true;
        }
    }
    return huge_remap(heap, huge, bytes, HUGE_REMAP);
}

SLOW struct slab *huge_kept_take(acre_heap *heap, size_t bytes, bool want_zero)
{
    acre_port_lock_take(&heap->lock);
    struct slab *huge = pick_locked(heap, bytes);
    acre_port_lock_drop(&heap->lock);
    // Emptied before it is resized: that moves no pages then.
    if (huge == NULL || (want_zero && !empty_sparse(heap, huge))) {
        return NULL;
    }
    if (make_fit(heap, huge, bytes, want_zero)) {
        return huge;
    }
    acre_port_lock_take(&heap->lock);
    huge_keep_locked(heap, huge);
    acre_port_lock_drop(&heap->lock);
    return NULL;
}

SLOW struct slab *huge_kept_take_dense(acre_heap *heap, size_t bytes)
{
    size_t released = 1;
    while (ACRE_PORT_MOVE && released != 0) {
        acre_port_lock_take(&heap->lock);
        struct slab *huge = pick_locked(heap, bytes);
        acre_port_lock_drop(&heap->lock);
        if (huge == NULL || (!huge->fresh && huge_is_dense(huge->base, huge->block_bytes))) {
            return huge;
        }
        released = huge_release(heap, huge);
    }
    return NULL;
}

SLOW bool huge_is_kept(acre_heap *heap, uintptr_t addr)
{
    bool is_kept = false;
    acre_port_lock_take(&heap->lock);
    for (struct link *at = heap->huge_cached.next; at != &heap->huge_cached; at = at->next) {
        const struct slab *huge = container_of(at, struct slab, link);
        is_kept = is_kept || (addr - huge->base < huge->block_bytes && addr % PAGE_BYTES == 0);
    }
    acre_port_lock_drop(&heap->lock);
    return is_kept;
}

SLOW size_t huge_drop_cache(acre_heap *heap)
{
    size_t bytes = 0;
    acre_port_lock_take(&heap->lock);
    unsigned rounds = heap->huge_cached_count; // a mapping that cannot be released comes back
    acre_port_lock_drop(&heap->lock);
    while (rounds-- != 0) {
        bytes += huge_drop_some(heap, SIZE_MAX, SIZE_MAX);
    }
    return bytes;
}
