// segment.c - see segment.h: how segments come, go, and leave their addresses or headers behind. What becomes of
// their pages is in segment_pages.c.
//
// A thread may be about to look at a slab whose last block it has just freed while others empty the
// slab's segment and give it back. So giving back keeps the addresses and the header: the descriptors
// there say SLAB_TRANSIT. The next segment is made from it. Only when the source has no more addresses
// are they given up, too, all but the header: whoever is late must be able to read it. A source that
// cannot shrink a range gets the header back as well; from then on whoever is late asks first whether the
// slab is there (slab_lock_owner), because what stands at its place may be somebody's block.
//
// Where a limit leaves no addresses for a whole segment, one is made that is as long as it can be: short, of whole
// slices. It stays so until it is cut to its header. segment_tail.c makes whole ones short for a huge block.
//
// A huge page that is touched at all is there as a whole. So a heap's first segments, eight for each slot, ask for small
// pages; of those of a heap that is large already the system decides, or the heap's owner (ACRE_HEAP_HUGE_PAGES),
// until a purge gives back parts of them (docs/design/0010).
// SPDX-License-Identifier: MIT
#include "heap/segment.h"

#include "base/bitmap.h"
#include "heap/huge.h"
#include "heap/map.h"
#include "heap/space.h"

SLOW size_t segment_header_bytes(const acre_heap *heap)
{
    size_t unit = heap->pages->page_bytes;
    return round_up(HEADER_BYTES, unit > (size_t)PAGE_BYTES ? unit : (size_t)PAGE_BYTES);
}

/// What stays committed of a segment that is given back: its header.
SLOW static size_t stub_bytes(const acre_heap *heap)
{
    return segment_header_bytes(heap);
}

// For each slot: its slabs of many classes may be touched only here and there.
enum { SMALL_PAGE_SEGMENTS = 8 };

SLOW void segment_advise(acre_heap *heap, struct segment *segment, bool may_be_huge)
{
    acre_pages *pages = heap->pages;
    segment->may_be_huge = may_be_huge;
    if (pages->advise != NULL && (!may_be_huge || (heap->flags & ACRE_HEAP_HUGE_PAGES) != 0)) {
        pages->advise(
            pages, segment, segment_bytes(segment),
            may_be_huge ? ACRE_ADVICE_HUGE_PAGES : ACRE_ADVICE_SMALL_PAGES);
    }
}

/// `segment` reads as zero but for its first `stub` bytes, which may hold what was there.
SLOW static void segment_init(
    acre_heap *heap, struct segment *segment, size_t stub, unsigned length)
{
    __builtin_memset(segment, 0, stub < sizeof(*segment) ? stub : sizeof(*segment));
    segment->heap = heap;
    segment->length = length;
    segment->free_pages = length - HEADER_PAGES;
    segment->longest = SEGMENT_PAGES;
    bitmap_fill(segment->free, HEADER_PAGES, length - HEADER_PAGES, true);
    for (unsigned i = 0; i < SEGMENT_SLICES; i++) {
        struct slab *slab = &segment->slabs[i];
        slab->base = (uintptr_t)segment + i * (uintptr_t)SLICE_BYTES;
        slab->owner = ACRE_SLOT_NONE;
        slab->kind = i < HEADER_SLICES          ? KIND_HEADER
                     : i < length / SLICE_PAGES ? KIND_PAGES
                                                : KIND_NONE;
    }
}

/// Adds a segment whose memory is charged already, but for its part of the map.
SLOW static void segment_add(acre_heap *heap, struct segment *segment)
{
    size_t map_bytes = map_add_segment(heap, segment);
    heap->metadata_bytes += segment_header_bytes(heap) + map_bytes;
    heap->held_bytes += map_bytes;
    list_add_first(&heap->segments, &segment->link);
    heap->segment_count += 1;
    heap->segments_added += 1;
    segment->number = heap->segments_added;
    list_add_last(&heap->all_segments, &segment->all_link);
}

SLOW static void keep_bare(acre_heap *heap, struct segment *segment)
{
    list_add_first(&heap->bare, &segment->link);
    heap->metadata_bytes += stub_bytes(heap);
    heap->held_bytes += stub_bytes(heap);
}

/// Takes a segment that was given back and has at least so many bytes of addresses. NULL if there is none.
SLOW static struct segment *take_bare(acre_heap *heap, size_t least_bytes)
{
    struct segment *segment = NULL;
    acre_port_lock_take(&heap->lock);
    struct link *at = heap->bare.next;
    while (ACRE_PORT_SHORT && at != &heap->bare &&
           segment_bytes(container_of(at, struct segment, link)) < least_bytes) {
        at = at->next;
    }
    if (at != &heap->bare) {
        segment = container_of(at, struct segment, link);
        list_remove(&segment->link);
        heap->held_bytes -= stub_bytes(heap);
        heap->metadata_bytes -= stub_bytes(heap);
    }
    acre_port_lock_drop(&heap->lock);
    return segment;
}

/// Adds addresses behind a header, without memory, as bare segments have them: at least so many bytes in all, and
/// as many as there are up to a whole segment, found by halves. Returns how many there are then; 0 if too few.
SLOW static size_t grow_header(acre_heap *heap, struct segment *segment, size_t least_bytes)
{
    acre_pages *pages = heap->pages;
    size_t stub = stub_bytes(heap);
    size_t bytes = least_bytes;
    if (pages->remap(pages, segment, stub, bytes, false) == NULL) {
        return 0;
    }
    for (size_t step = SEGMENT_BYTES / 2; ACRE_PORT_SHORT && step >= (size_t)SLICE_BYTES;
         step /= 2) {
        if (bytes + step <= SEGMENT_BYTES &&
            pages->remap(pages, segment, bytes, bytes + step, false) != NULL) {
            bytes += step;
        }
    }
    (void)pages->decommit(pages, (char *)segment + stub, bytes - stub);
    segment->length = (uint32_t)(bytes / PAGE_BYTES);
    return bytes;
}

/// Makes a bare segment of one of which only the header is left, if the addresses behind it are still
/// free. NULL if there is none.
SLOW static struct segment *take_header(acre_heap *heap, size_t least_bytes)
{
    struct segment *segment = NULL;
    size_t stub = stub_bytes(heap);
    acre_port_lock_take(&heap->lock);
    if (!list_is_empty(&heap->headers)) {
        segment = container_of(heap->headers.next, struct segment, link);
        list_remove(&segment->link);
    }
    acre_port_lock_drop(&heap->lock);
    if (segment == NULL) {
        return NULL;
    }
    size_t bytes = grow_header(heap, segment, least_bytes);
    acre_port_lock_take(&heap->lock);
    if (bytes != 0) {
        heap->reserved_bytes += bytes - stub;
        heap->held_bytes -= stub;
        heap->metadata_bytes -= stub;
    } else {
        list_add_last(&heap->headers, &segment->link);
    }
    acre_port_lock_drop(&heap->lock);
    return bytes != 0 ? segment : NULL;
}

/// New addresses where there are none for a whole segment: a header first, which then grows.
SLOW static struct segment *reserve_short(acre_heap *heap, size_t least_bytes)
{
    acre_pages *pages = heap->pages;
    size_t stub = stub_bytes(heap);
    struct segment *segment = pages->reserve(pages, stub, SEGMENT_BYTES);
    if (segment == NULL) {
        return NULL;
    }
    size_t bytes = pages->commit(pages, segment, stub) == ACRE_OK
                       ? grow_header(heap, segment, least_bytes)
                       : 0;
    if (bytes == 0) {
        (void)pages->release(pages, segment, stub); // refused: addresses are lost, no more
        return NULL;
    }
    acre_port_lock_take(&heap->lock);
    heap->reserved_bytes += bytes;
    acre_port_lock_drop(&heap->lock);
    return segment;
}

SLOW static struct segment *reserve_whole(acre_heap *heap)
{
    struct segment *segment = heap->pages->reserve(heap->pages, SEGMENT_BYTES, SEGMENT_BYTES);
    acre_port_lock_take(&heap->lock);
    heap->reserved_bytes += segment == NULL ? 0 : (size_t)SEGMENT_BYTES;
    acre_port_lock_drop(&heap->lock);
    return segment;
}

/// Addresses for a segment.
struct addresses {
    struct segment *segment; // NULL if there are none
    size_t bytes;
    size_t stub; // committed already
};

/// Those of a segment that was given back, or new ones.
SLOW static struct addresses find_addresses(acre_heap *heap, size_t least_bytes)
{
    const bool whole = !ACRE_PORT_SHORT || least_bytes == SEGMENT_BYTES;
    struct addresses found = {.bytes = SEGMENT_BYTES, .stub = stub_bytes(heap)};
    found.segment = take_bare(heap, least_bytes);
    found.segment = found.segment != NULL ? found.segment : take_header(heap, least_bytes);
    if (found.segment == NULL && whole) {
        found.segment = reserve_whole(heap);
        found.stub = 0;
    } else if (found.segment == NULL) {
        found.segment = reserve_short(heap, least_bytes);
    }
    if (!whole && found.segment != NULL) {
        found.bytes = segment_bytes(found.segment);
    }
    return found;
}

/// Makes a segment of at least so many bytes.
SLOW static bool create(acre_heap *heap, size_t least_bytes)
{
    acre_pages *pages = heap->pages;
    size_t header_bytes = segment_header_bytes(heap);
    acre_port_lock_take(&heap->lock);
    uint32_t added = heap->segments_added;
    uint32_t slots = heap->slots_made != 0 ? heap->slots_made : 1;
    bool may_be_huge = heap->segment_count >= SMALL_PAGE_SEGMENTS * slots;
    bool allowed = space_charge_locked(heap, header_bytes + MAP_BYTES_OF_SEGMENT);
    acre_port_lock_drop(&heap->lock);
    if (!allowed) {
        return false;
    }
    struct addresses found = find_addresses(heap, least_bytes);
    struct segment *segment = found.segment;
    bool committed = segment != NULL && pages->commit(pages, segment, header_bytes) == ACRE_OK;
    bool released =
        segment != NULL && !committed && found.stub == 0 &&
        pages->release(pages, segment, found.bytes) == ACRE_OK; // else addresses are lost, no more
    if (committed) {
        segment_init(heap, segment, found.stub, (unsigned)(found.bytes / PAGE_BYTES));
        segment_advise(heap, segment, may_be_huge);
    }
    acre_port_lock_take(&heap->lock);
    heap->held_bytes -= MAP_BYTES_OF_SEGMENT;
    if (committed) {
        segment_add(heap, segment);
    } else {
        heap->held_bytes -= header_bytes;
        heap->reserved_bytes -= released ? found.bytes : 0;
        if (segment != NULL && found.stub != 0) {
            segment->length = (uint32_t)(found.bytes / PAGE_BYTES);
            keep_bare(heap, segment);
        }
    }
    bool others = heap->segments_added != added; // their segment may be all we need
    acre_port_lock_drop(&heap->lock);
    return committed || others;
}

SLOW bool segment_create(acre_heap *heap)
{
    if (ACRE_PORT_HELPER) {
        huge_make_room(heap, SEGMENT_BYTES);
    }
    return create(heap, SEGMENT_BYTES);
}

SLOW bool segment_create_short(acre_heap *heap, const struct page_request *request)
{
    if (!ACRE_PORT_SHORT || heap->pages->remap == NULL) {
        return false;
    }
    unsigned least = HEADER_PAGES + request->pages + request->align_pages - 1;
    least = (least + SLICE_PAGES - 1) & ~(unsigned)(SLICE_PAGES - 1);
    return least < SEGMENT_PAGES && create(heap, (size_t)least * PAGE_BYTES);
}

SLOW struct segment *segment_next_pinned(acre_heap *heap, struct segment *last, uint32_t end)
{
    struct link *at = last == NULL ? heap->all_segments.next : last->all_link.next;
    if (last != NULL) {
        last->pins -= 1;
    }
    if (at == &heap->all_segments) {
        return NULL;
    }
    struct segment *segment = container_of(at, struct segment, all_link);
    if ((int32_t)(segment->number - end) > 0) {
        return NULL;
    }
    segment->pins += 1;
    return segment;
}

SLOW bool segment_is_idle(const struct segment *segment)
{
    return segment->free_pages == segment_length(segment) - HEADER_PAGES &&
           segment->used_spare == 0 && segment->pins == 0;
}

SLOW static size_t segment_dirty_bytes(const struct segment *segment)
{
    return (size_t)bitmap_count(segment->dirty, 0, SEGMENT_PAGES) * PAGE_BYTES;
}

SLOW void segment_remove(acre_heap *heap, struct segment *segment)
{
    acre_debug(segment_is_idle(segment));
    size_t dirty_bytes = segment_dirty_bytes(segment);
    size_t map_bytes = map_remove_segment(heap, segment);
    list_remove(&segment->link);
    list_remove(&segment->all_link);
    heap->segment_count -= 1;
    heap->free_dirty_pages -= dirty_bytes / PAGE_BYTES;
    if (heap->free_dirty_pages < heap->free_dirty_low) {
        heap->free_dirty_low = heap->free_dirty_pages;
    }
    heap->metadata_bytes -= segment_header_bytes(heap) + map_bytes;
    heap->held_bytes -= segment_header_bytes(heap) + map_bytes + dirty_bytes;
}

SLOW size_t segment_release(acre_heap *heap, struct segment *segment)
{
    size_t stub = stub_bytes(heap);
    size_t dirty_bytes = segment_dirty_bytes(segment);
    size_t header_bytes = segment_header_bytes(heap);
    bool released =
        heap->pages->decommit(heap->pages, (char *)segment + stub, segment_bytes(segment) - stub) ==
        ACRE_OK;
    acre_port_lock_take(&heap->lock);
    if (released) {
        keep_bare(heap, segment);
    } else {
        segment_add(heap, segment);
        heap->free_dirty_pages += dirty_bytes / PAGE_BYTES;
        heap->held_bytes += header_bytes + dirty_bytes;
    }
    acre_port_lock_drop(&heap->lock);
    return released ? header_bytes + dirty_bytes - stub : 0;
}

SLOW bool segment_holds_locked(acre_heap *heap, const struct slab *slab)
{
    const uintptr_t segment = (uintptr_t)slab & ~(uintptr_t)(SEGMENT_BYTES - 1);
    if (map_find(heap, segment) == ((const struct segment *)segment)->slabs) {
        return true;
    }
    if (heap->stray_count == 0) {
        return false;
    }
    for (struct link *at = heap->all_segments.next; at != &heap->all_segments; at = at->next) {
        if ((uintptr_t)container_of(at, struct segment, all_link) == segment) {
            return true;
        }
    }
    return false;
}

/// Shrinks a segment that take_bare returned to its header. 0 if refused: it is bare again.
SLOW static size_t give_up_all_but_header(acre_heap *heap, struct segment *segment)
{
    acre_pages *pages = heap->pages;
    size_t stub = stub_bytes(heap);
    size_t bytes = segment_bytes(segment) - stub;
    bool shrunk = pages->remap(pages, segment, bytes + stub, stub, false) != NULL;
    acre_port_lock_take(&heap->lock);
    keep_bare(heap, segment);
    if (shrunk) {
        list_remove(&segment->link);
        list_add_first(&heap->headers, &segment->link);
        heap->reserved_bytes -= bytes;
    }
    acre_port_lock_drop(&heap->lock);
    return shrunk ? bytes : 0;
}

/// With `bytes` of addresses each; 0: as long as they are.
SLOW static void release_segments(acre_heap *heap, struct link *list, size_t bytes)
{
    while (!list_is_empty(list)) {
        struct segment *segment = container_of(list->next, struct segment, link);
        list_remove(&segment->link);
        (void)heap->pages->release(
            heap->pages, segment, bytes != 0 ? bytes : segment_bytes(segment));
    }
}

SLOW size_t segment_release_headers(acre_heap *heap)
{
    size_t bytes = 0;
    size_t stub = stub_bytes(heap);
    while (true) {
        acre_port_lock_take(&heap->lock);
        struct link *link = list_is_empty(&heap->headers) ? NULL : heap->headers.next;
        if (link != NULL) {
            list_remove(link);
            heap->held_bytes -= stub;
            heap->metadata_bytes -= stub;
            heap->reserved_bytes -= stub;
        }
        acre_port_lock_drop(&heap->lock);
        if (link == NULL) {
            return bytes;
        }
        // Before others can write there. Pairs with the acquire in slab_lock_owner.
        store_release(&heap->headers_given_up, 1);
        (void)heap->pages->release(heap->pages, container_of(link, struct segment, link), stub);
        bytes += stub;
    }
}

SLOW void segment_release_given_back(acre_heap *heap)
{
    release_segments(heap, &heap->bare, 0);
    release_segments(heap, &heap->headers, stub_bytes(heap));
}

SLOW size_t segment_release_bare(acre_heap *heap)
{
    size_t bytes = 0;
    struct segment *segment;
    while ((segment = take_bare(heap, 0)) != NULL) {
        if (heap->pages->remap != NULL) {
            size_t given_up = give_up_all_but_header(heap, segment);
            if (given_up == 0) {
                break;
            }
            bytes += given_up;
            continue;
        }
        // Before others can write there. Pairs with the acquire in slab_lock_owner.
        store_release(&heap->headers_given_up, 1);
        if (heap->pages->release(heap->pages, segment, SEGMENT_BYTES) != ACRE_OK) {
            break; // refused: addresses are lost, no more
        }
        bytes += SEGMENT_BYTES;
        acre_port_lock_take(&heap->lock);
        heap->reserved_bytes -= SEGMENT_BYTES;
        acre_port_lock_drop(&heap->lock);
    }
    return bytes;
}
