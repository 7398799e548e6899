// huge.c - see huge.h.
//
// A few freed mappings are kept, because mapping and faulting in a large block costs more than
// anything else an allocator does. A request takes the kept mapping whose size is nearest and has it
// resized; only a source that can resize makes a mapping fit that is much too large or too small.
// At most HUGE_CACHE_MAX are kept, and of bytes an eighth of what is live, or huge_cache_bytes_min. When a
// request needs more memory nevertheless, kept mappings that are no larger than that go first: what is kept
// for later does not raise the peak.
//
// The mapping of a block that is being resized is in no list and not in the map: it is its owner's
// alone, and its address may belong to somebody else the moment it moves.
// SPDX-License-Identifier: MIT
#include "heap/huge.h"

#include "heap/giveback.h"
#include "heap/map.h"
#include "heap/reclaim.h"
#include "heap/segment.h"
#include "heap/space.h"

// Without a way to resize a mapping a kept one serves few sizes, and nobody gives it back when the heap
// is idle.
enum { HUGE_CACHE_MAX = 16, HUGE_CACHE_MAX_RIGID = 4 };

static const size_t huge_cache_bytes_min = (size_t)8 * SEGMENT_BYTES;

// Pages of a kept mapping that are looked at before it is cleared.
enum { PROBES = 16 };

SLOW size_t huge_bytes_for(const acre_heap *heap, size_t size)
{
    size_t unit = heap->pages->page_bytes;
    size_t bytes;
    return align_up(size == 0 ? 1 : size, unit > PAGE_BYTES ? unit : PAGE_BYTES, &bytes) ? bytes
                                                                                         : 0;
}

/// A kept or fresh mapping that is too large by an eighth is taken as it is.
RARE static bool is_close(size_t have_bytes, size_t bytes)
{
    return have_bytes >= bytes && have_bytes - bytes <= bytes / 8;
}

SLOW static struct slab *take_descriptor(acre_heap *heap)
{
    struct slab *slab = NULL;
    acre_port_lock_take(&heap->lock);
    if (!list_is_empty(&heap->slab_pool)) {
        slab = container_of(heap->slab_pool.next, struct slab, link);
        list_remove(&slab->link);
    }
    acre_port_lock_drop(&heap->lock);
    return slab != NULL ? slab : space_take_spare(heap, sizeof(struct slab));
}

RARE static void give_descriptor_locked(acre_heap *heap, struct slab *slab)
{
    store_relaxed(&slab->kind, (uint8_t)KIND_NONE);
    list_add_first(&heap->slab_pool, &slab->link);
}

/// Makes `huge` a live block. Under heap->lock.
SLOW static void publish_locked(acre_heap *heap, struct slab *huge)
{
    huge->limit = 0;
    huge->owner = ACRE_SLOT_NONE;
    huge->class = 0;
    huge->state = SLAB_ACTIVE;
    store_relaxed(&huge->kind, (uint8_t)KIND_HUGE);
    map_add_huge(heap, huge);
    list_add_first(&heap->huge, &huge->link);
    heap->huge_bytes += huge->block_bytes;
    heap->huge_count += 1;
}

RARE static void unpublish_locked(acre_heap *heap, struct slab *huge)
{
    map_remove_huge(heap, huge);
    list_remove(&huge->link);
    heap->huge_bytes -= huge->block_bytes;
    heap->huge_count -= 1;
}

/// Takes a kept mapping off the list. Under heap->lock.
SLOW static void drop_kept_locked(acre_heap *heap, struct slab *huge)
{
    list_remove(&huge->link);
    heap->huge_cached_count -= 1;
    heap->huge_cached_bytes -= huge->block_bytes;
    if (heap->huge_cached_count < heap->huge_cached_low) {
        heap->huge_cached_low = heap->huge_cached_count;
    }
}

/// The kept mapping nearest to `bytes` that can be made to fit, taken off the list. Under heap->lock.
SLOW static struct slab *take_kept_locked(acre_heap *heap, size_t bytes)
{
    struct slab *best = NULL;
    size_t best_off = SIZE_MAX;
    for (struct link *at = heap->huge_cached.next; at != &heap->huge_cached; at = at->next) {
        struct slab *huge = container_of(at, struct slab, link);
        size_t have = huge->block_bytes;
        size_t off = have > bytes ? have - bytes : bytes - have;
        if (off < best_off && (is_close(have, bytes) || heap->pages->remap != NULL)) {
            best = huge;
            best_off = off;
        }
    }
    if (best != NULL) {
        drop_kept_locked(heap, best);
    }
    return best;
}

SLOW static void keep_locked(acre_heap *heap, struct slab *huge)
{
    store_relaxed(&huge->kind, (uint8_t)KIND_NONE);
    list_add_first(&heap->huge_cached, &huge->link);
    heap->huge_cached_count += 1;
    heap->huge_cached_bytes += huge->block_bytes;
}

/// Releases a mapping that is on no list; keeps it after all if the source refuses.
SLOW static size_t release_mapping(acre_heap *heap, struct slab *huge)
{
    size_t bytes = huge->block_bytes;
    bool released =
        heap->pages->release(heap->pages, (void *)huge->base, huge->block_bytes) == ACRE_OK;
    acre_port_lock_take(&heap->lock);
    if (released) {
        heap->held_bytes -= bytes;
        heap->reserved_bytes -= bytes;
        give_descriptor_locked(heap, huge);
    } else {
        keep_locked(heap, huge);
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

/// Releases kept mappings of up to `bytes` in all, the oldest first: the heap is about to grow by as much.
SLOW static void make_room(acre_heap *heap, size_t bytes)
{
    if ((heap->flags & ACRE_HEAP_KEEP) != 0) {
        return;
    }
    acre_port_lock_take(&heap->lock);
    struct slab *huge;
    while ((huge = oldest_locked(heap)) != NULL && huge->block_bytes <= bytes) {
        drop_kept_locked(heap, huge);
        acre_port_lock_drop(&heap->lock);
        size_t released = release_mapping(heap, huge);
        acre_port_lock_take(&heap->lock);
        if (released == 0) {
            break; // it has been kept again
        }
        bytes -= released;
    }
    acre_port_lock_drop(&heap->lock);
}

SLOW void huge_make_way(acre_heap *heap, size_t bytes)
{
    acre_port_lock_take(&heap->lock);
    const struct slab *oldest = oldest_locked(heap);
    heap->huge_grown_bytes = oldest == NULL ? 0 : heap->huge_grown_bytes + bytes;
    size_t room = 0;
    if (oldest != NULL && oldest->block_bytes <= heap->huge_grown_bytes) {
        room = heap->huge_grown_bytes;
        heap->huge_grown_bytes = 0;
    }
    acre_port_lock_drop(&heap->lock);
    if (room != 0) {
        make_room(heap, room);
    }
}

/// Resizes a mapping that is on no list and accounts for it. False: it is as it was.
SLOW static bool resize_mapping(acre_heap *heap, struct slab *huge, size_t bytes, bool may_move)
{
    size_t old_bytes = huge->block_bytes;
    if (heap->pages->remap == NULL) {
        return false;
    }
    if (bytes > old_bytes) {
        make_room(heap, bytes - old_bytes);
    }
    acre_port_lock_take(&heap->lock);
    bool allowed = bytes <= old_bytes || space_charge_locked(heap, bytes - old_bytes);
    acre_port_lock_drop(&heap->lock);
    if (!allowed) {
        return false;
    }
    void *addr = heap->pages->remap(heap->pages, (void *)huge->base, old_bytes, bytes, may_move);
    acre_port_lock_take(&heap->lock);
    if (addr != NULL) {
        huge->base = (uintptr_t)addr;
        huge->block_bytes = bytes;
        heap->reserved_bytes = heap->reserved_bytes - old_bytes + bytes;
        heap->held_bytes -= bytes < old_bytes ? old_bytes - bytes : 0;
    } else {
        heap->held_bytes -= bytes > old_bytes ? bytes - old_bytes : 0;
    }
    acre_port_lock_drop(&heap->lock);
    return addr != NULL;
}

SLOW static struct slab *take_kept(acre_heap *heap, size_t bytes)
{
    acre_port_lock_take(&heap->lock);
    struct slab *huge = take_kept_locked(heap, bytes);
    acre_port_lock_drop(&heap->lock);
    if (huge == NULL || is_close(huge->block_bytes, bytes) ||
        resize_mapping(heap, huge, bytes, true)) {
        return huge;
    }
    acre_port_lock_take(&heap->lock);
    keep_locked(heap, huge);
    acre_port_lock_drop(&heap->lock);
    return NULL;
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
    make_room(heap, bytes);
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
        give_descriptor_locked(heap, huge);
        acre_port_lock_drop(&heap->lock);
        return NULL;
    }
    return huge;
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

/// Whether most of a mapping reads as zero: then it was used sparsely, and will be again. To read a page
/// that has no memory takes none.
SLOW static bool is_sparse(const struct slab *huge)
{
    // One page of each sixteenth, at places that are as good as random, so that no pattern of use hides.
    const size_t part_pages = huge->block_bytes / PAGE_BYTES / PROBES;
    const size_t mask = ((size_t)1 << highest_bit(part_pages | 1)) - 1;
    uint32_t spread = 0;
    unsigned zeros = 0;
    for (unsigned i = 0; i < PROBES; i++) {
        spread += 0x9e3779b9U; // the golden ratio
        const size_t page = i * part_pages + (spread >> 8 & mask);
        zeros += page_is_zero((const word *)(huge->base + page * PAGE_BYTES)) ? 1 : 0;
    }
    return zeros > PROBES / 2;
}

/// A kept mapping that reads as zero, or is to be cleared. Clearing one that was used sparsely costs a
/// page fault for every page that nobody wants; giving the memory of a dense one back costs five times
/// what clearing it does (docs/design/0014). NULL if there is none.
SLOW static struct slab *take_kept_zero(acre_heap *heap, size_t bytes, bool *zero)
{
    acre_pages *pages = heap->pages;
    struct slab *huge = take_kept(heap, bytes);
    if (huge == NULL || !is_sparse(huge) ||
        pages->decommit(pages, (void *)huge->base, huge->block_bytes) != ACRE_OK) {
        return huge;
    }
    if (pages->commit(pages, (void *)huge->base, huge->block_bytes) != ACRE_OK) {
        (void)release_mapping(heap, huge);
        return NULL;
    }
    *zero = true;
    return huge;
}

SLOW void *huge_alloc(acre_heap *heap, size_t size, size_t align, bool want_zero, bool *zero)
{
    size_t bytes = huge_bytes_for(heap, size);
    if (bytes == 0) {
        return NULL;
    }
    struct slab *huge = NULL;
    *zero = false;
    if (align <= heap->pages->page_bytes) {
        huge = want_zero ? take_kept_zero(heap, bytes, zero) : take_kept(heap, bytes);
    }
    if (huge == NULL) {
        huge = take_fresh(heap, bytes, align);
        *zero = true;
    }
    if (huge == NULL) {
        return NULL;
    }
    huge->asked_bytes = bytes;
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

SLOW bool huge_free(acre_heap *heap, uintptr_t addr)
{
    acre_port_lock_take(&heap->lock);
    struct slab *huge = find_locked(heap, addr);
    bool keep = false;
    bool ask = false;
    if (huge != NULL) {
        unpublish_locked(heap, huge);
        size_t most = heap->huge_bytes / 8;
        most = most > huge_cache_bytes_min ? most : huge_cache_bytes_min;
        unsigned most_count = heap->pages->remap != NULL ? HUGE_CACHE_MAX : HUGE_CACHE_MAX_RIGID;
        keep = heap->huge_cached_count < most_count &&
               heap->huge_cached_bytes + huge->block_bytes <= most;
        if (keep) {
            keep_locked(heap, huge);
            ask = giveback_is_wanted_locked(heap);
        }
    }
    acre_port_lock_drop(&heap->lock);
    if (huge != NULL && !keep) {
        release_mapping(heap, huge);
    }
    if (ask) {
        giveback_ask(heap);
    }
    return huge != NULL;
}

SLOW void *huge_resize(acre_heap *heap, struct slab *huge, size_t size)
{
    size_t bytes = huge_bytes_for(heap, size);
    if (bytes == 0) {
        return NULL;
    }
    if (!is_close(huge->block_bytes, bytes)) {
        acre_port_lock_take(&heap->lock);
        unpublish_locked(heap, huge);
        acre_port_lock_drop(&heap->lock);
        bool grows = bytes > huge->block_bytes;
        bool resized = resize_mapping(heap, huge, bytes, grows);
        if (!resized && grows && heap->pages->remap != NULL && reclaim_for(heap)) {
            resized = resize_mapping(heap, huge, bytes, grows);
        }
        acre_port_lock_take(&heap->lock);
        publish_locked(heap, huge);
        acre_port_lock_drop(&heap->lock);
        if (!resized && huge->block_bytes < bytes) {
            return NULL;
        }
    }
    huge->asked_bytes = bytes;
    return (void *)huge->base;
}

SLOW size_t huge_drop_oldest(acre_heap *heap)
{
    struct slab *huge = NULL;
    acre_port_lock_take(&heap->lock);
    if (!list_is_empty(&heap->huge_cached)) {
        huge = container_of(heap->huge_cached.prev, struct slab, link);
        drop_kept_locked(heap, huge);
    }
    acre_port_lock_drop(&heap->lock);
    return huge == NULL ? 0 : release_mapping(heap, huge);
}

SLOW size_t huge_drop_cache(acre_heap *heap)
{
    size_t bytes = 0;
    acre_port_lock_take(&heap->lock);
    unsigned rounds = heap->huge_cached_count; // a mapping that cannot be released comes back
    acre_port_lock_drop(&heap->lock);
    while (rounds-- != 0) {
        bytes += huge_drop_oldest(heap);
    }
    return bytes;
}

SLOW static void release_list(acre_heap *heap, struct link *list)
{
    while (!list_is_empty(list)) {
        struct slab *huge = container_of(list->next, struct slab, link);
        list_remove(&huge->link);
        (void)heap->pages->release(heap->pages, (void *)huge->base, huge->block_bytes);
    }
}

SLOW void huge_release_all(acre_heap *heap)
{
    segment_release_given_back(heap);
    release_list(heap, &heap->huge);
    release_list(heap, &heap->huge_cached);
}
