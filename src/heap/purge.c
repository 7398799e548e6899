// purge.c - giving free memory back to the page source, as the last resort.
//
// A page that is touched again after it was given back costs a page fault, nineteen times what
// clearing it would have cost. So a heap keeps free memory up to half of what it used at its recent
// peak, and at least KEEP_BYTES_MIN; purging goes down to half of that, so that it does not start
// again with the next free.
//
// A purge claims the free dirty pages of one segment at a time by marking them as taken, gives them
// back without a lock, and frees them again, now clean. A segment with nothing in it is given back
// whole, but for its addresses (segment.c).
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/segment.h"
#include "heap/space.h"

enum { KEEP_BYTES_MIN = 16 * SEGMENT_BYTES / 4 };

static void raise_peak(acre_heap *heap)
{
    if (heap->used_pages > heap->used_pages_peak) {
        heap->used_pages_peak = heap->used_pages;
    }
}

size_t space_allowance_locked(acre_heap *heap)
{
    raise_peak(heap);
    size_t keep_bytes = heap->used_pages_peak / 2 * PAGE_BYTES;
    return keep_bytes > (size_t)KEEP_BYTES_MIN ? keep_bytes : (size_t)KEEP_BYTES_MIN;
}

/// Claims every unit of the source, one page or several, that is all free and holds memory.
/// Under heap->lock. Returns the number of pages claimed.
static unsigned claim_pages(acre_heap *heap, struct segment *segment, word claimed[PAGE_WORDS])
{
    unsigned unit = (unsigned)(heap->pages->page_bytes >> ACRE_PAGE_LOG2);
    unit = unit == 0 ? 1 : unit;
    unsigned count = 0;
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        claimed[i] = 0;
    }
    for (unsigned at = HEADER_PAGES; at < SEGMENT_PAGES; at += unit) {
        at = bitmap_next(segment->free, true, at, SEGMENT_PAGES) & ~(unit - 1);
        if (at + unit > SEGMENT_PAGES) {
            break;
        }
        if (bitmap_count(segment->free, at, unit) == unit &&
            bitmap_count(segment->dirty, at, unit) != 0) {
            bitmap_fill(claimed, at, unit, true);
            const struct page_range range = {.segment = segment, .first = at, .count = unit};
            segment_mark_taken(heap, &range);
            count += unit;
        }
    }
    return count;
}

/// Frees claimed pages again; those that were given back are clean from now on.
static void unclaim_pages(
    acre_heap *heap, struct segment *segment, const struct page_range *range, bool given_back)
{
    acre_port_lock_take(&heap->lock);
    if (given_back) {
        size_t dirty = bitmap_count(segment->dirty, range->first, range->count);
        bitmap_fill(segment->dirty, range->first, range->count, false);
        heap->held_bytes -= dirty * PAGE_BYTES;
    }
    segment_mark_free(heap, range);
    acre_port_lock_drop(&heap->lock);
}

static size_t purge_claimed(acre_heap *heap, struct segment *segment, const word *claimed)
{
    acre_pages *pages = heap->pages;
    size_t bytes = 0;
    unsigned first = bitmap_next(claimed, true, 0, SEGMENT_PAGES);
    while (first < SEGMENT_PAGES) {
        unsigned end = bitmap_next(claimed, false, first, SEGMENT_PAGES);
        const struct page_range range = {.segment = segment, .first = first, .count = end - first};
        size_t range_bytes = (size_t)range.count * PAGE_BYTES;
        bool given_back =
            pages->decommit(pages, page_address(segment, first), range_bytes) == ACRE_OK;
        unclaim_pages(heap, segment, &range, given_back);
        bytes += given_back ? range_bytes : 0;
        first = bitmap_next(claimed, true, end, SEGMENT_PAGES);
    }
    return bytes;
}

/// The next segment that this pass has not looked at and that has something to give. An idle one is
/// taken out of the heap. Under heap->lock.
static struct segment *next_segment(acre_heap *heap, uint32_t pass)
{
    for (struct link *at = heap->segments.next; at != &heap->segments; at = at->next) {
        struct segment *segment = container_of(at, struct segment, link);
        if (segment->free_pages == 0) {
            return NULL; // all that follow are full, too
        }
        if (segment->purge_pass != pass) {
            segment->purge_pass = pass;
            return segment;
        }
    }
    return NULL;
}

size_t space_purge(acre_heap *heap, size_t keep_bytes)
{
    size_t bytes = 0;
    acre_port_lock_take(&heap->lock);
    heap->purge_pass += 1;
    uint32_t pass = heap->purge_pass;
    raise_peak(heap);
    heap->used_pages_peak -= (heap->used_pages_peak - heap->used_pages) / 4;
    while (heap->free_dirty_pages * PAGE_BYTES > keep_bytes || keep_bytes == 0) {
        struct segment *segment = next_segment(heap, pass);
        if (segment == NULL) {
            break;
        }
        if (segment_is_idle(segment)) {
            segment_remove(heap, segment);
            acre_port_lock_drop(&heap->lock);
            bytes += segment_release(heap, segment);
        } else {
            word claimed[PAGE_WORDS];
            unsigned count = claim_pages(heap, segment, claimed);
            acre_port_lock_drop(&heap->lock);
            bytes += count != 0 ? purge_claimed(heap, segment, claimed) : 0;
        }
        acre_port_lock_take(&heap->lock);
    }
    acre_port_lock_drop(&heap->lock);
    return bytes;
}
