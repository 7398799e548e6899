// purge.c - giving free memory back to the page source, as the last resort.
//
// A page that is touched again after it was given back costs a page fault, nineteen times what
// clearing it would have cost. So a heap keeps free memory up to half of what it used at its recent
// peak, and at least KEEP_BYTES_MIN; purging goes down to half of that, so that it does not start
// again with the next free. A heap that was never large waits a second before it starts: a program that
// frees all it has and fills it again, round by round, would pay for every page in every round.
//
// So much for heaps that nobody looks after. Where a helper does (giveback.h), frees leave purging to it, and
// only who maps a huge block while the heap has too much pays for as much as he takes.
//
// A purge claims the free dirty pages of one segment at a time by marking them as taken, gives them
// back without a lock, and frees them again, now clean. A segment with nothing in it is given back
// whole, but for its addresses (segment.c).
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/reclaim.h"
#include "heap/segment.h"
#include "heap/space.h"

// No single free is to pay for more than a step: a quarter of a millisecond.
enum { KEEP_BYTES_MIN = 4 * SEGMENT_BYTES, PURGE_STEP_BYTES = SEGMENT_BYTES / 4 };

// Nor a huge block for more than a millisecond of counting.
enum { MAKE_WAY_BYTES = SEGMENT_BYTES };

enum { PATIENCE_MS = 1000, PATIENT_PAGES_MAX = 16 * SEGMENT_PAGES };

SLOW static void raise_peak(acre_heap *heap)
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
SLOW static unsigned claim_pages(acre_heap *heap, struct segment *segment, word claimed[PAGE_WORDS])
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
SLOW static void unclaim_pages(
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

SLOW static size_t purge_claimed(acre_heap *heap, struct segment *segment, const word *claimed)
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

/// Gives back what one pinned segment has. Drops heap->lock meanwhile and takes it again. Moves *segment
/// on to the next, pinned.
SLOW static size_t purge_segment(acre_heap *heap, struct segment **segment, uint32_t end)
{
    struct segment *now = *segment;
    word claimed[PAGE_WORDS];
    size_t bytes = 0;
    // One that a walk is visiting keeps its pages: the walk reads them.
    unsigned count = now->pins == 1 ? claim_pages(heap, now, claimed) : 0;
    if (count != 0) {
        acre_port_lock_drop(&heap->lock);
        if (now->may_be_huge) {
            segment_advise(heap, now, false); // else the system may fill the gaps again by itself
        }
        bytes = purge_claimed(heap, now, claimed);
        acre_port_lock_take(&heap->lock);
        segment_sink(now);
    }
    *segment = segment_next_pinned(heap, now, end);
    if (segment_is_idle(now)) {
        segment_remove(heap, now);
        acre_port_lock_drop(&heap->lock);
        bytes += segment_release(heap, now);
        acre_port_lock_take(&heap->lock);
    }
    return bytes;
}

SLOW size_t space_purge(acre_heap *heap, size_t keep_bytes, size_t most_bytes)
{
    size_t bytes = 0;
    acre_port_lock_take(&heap->lock);
    raise_peak(heap);
    heap->used_pages_peak -= (heap->used_pages_peak - heap->used_pages) / 4;
    uint32_t end = heap->segments_added;
    struct segment *segment = segment_next_pinned(heap, NULL, end);
    while (segment != NULL && bytes < most_bytes &&
           (heap->free_dirty_pages * PAGE_BYTES > keep_bytes || keep_bytes == 0)) {
        bytes += purge_segment(heap, &segment, end);
    }
    if (segment != NULL) {
        segment->pins -= 1;
    }
    // When the source refuses (locked memory), trying again at each free would cost without end.
    heap->purge_above_bytes = bytes != 0 ? 0 : heap->free_dirty_pages * PAGE_BYTES * 2;
    acre_port_lock_drop(&heap->lock);
    return bytes;
}

/// Whether there has been more free memory than `keep_bytes` for long enough. Under heap->lock.
SLOW static bool has_excess(acre_heap *heap, size_t keep_bytes)
{
    if (heap->free_dirty_pages * PAGE_BYTES <= keep_bytes) {
        heap->excess_since = 0;
        return false;
    }
    heap->was_large = heap->was_large || heap->used_pages_peak > PATIENT_PAGES_MAX;
    if (heap->was_large) {
        return true;
    }
    uint32_t now = acre_port_ms();
    if (now == 0) {
        return true; // no clock
    }
    if (heap->excess_since == 0) {
        heap->excess_since = now;
    }
    return now - heap->excess_since >= PATIENCE_MS;
}

SLOW void space_purge_some(acre_heap *heap)
{
    acre_port_lock_take(&heap->lock);
    size_t keep_bytes = space_allowance_locked(heap);
    bool wanted = !heap->purging && !heap->is_helped && (heap->flags & ACRE_HEAP_KEEP) == 0 &&
                  has_excess(heap, keep_bytes) &&
                  heap->free_dirty_pages * PAGE_BYTES > heap->purge_above_bytes;
    heap->purging = heap->purging || wanted;
    acre_port_lock_drop(&heap->lock);
    if (wanted) {
        space_purge(heap, keep_bytes / 2, PURGE_STEP_BYTES);
        acre_port_lock_take(&heap->lock);
        heap->purging = false;
        acre_port_lock_drop(&heap->lock);
    }
}

/// Empty slabs become free pages where these alone are not too many, but with them.
SLOW static void make_way_empty(acre_heap *heap, size_t bytes)
{
    acre_port_lock_take(&heap->lock);
    size_t unused = (heap->free_dirty_pages * PAGE_BYTES) +
                    (size_t)load_relaxed(&heap->empty_slabs) * SLICE_BYTES;
    bool wanted = heap->is_helped && unused > space_allowance_locked(heap);
    acre_port_lock_drop(&heap->lock);
    if (wanted) {
        (void)reclaim_empty(heap, bytes < (size_t)MAKE_WAY_BYTES ? bytes : (size_t)MAKE_WAY_BYTES);
    }
}

SLOW void space_make_way(acre_heap *heap, size_t bytes)
{
    make_way_empty(heap, bytes);
    acre_port_lock_take(&heap->lock);
    size_t keep_bytes = space_allowance_locked(heap);
    bool wanted = !heap->purging && heap->is_helped && (heap->flags & ACRE_HEAP_KEEP) == 0 &&
                  heap->free_dirty_pages * PAGE_BYTES > keep_bytes;
    heap->purging = heap->purging || wanted;
    acre_port_lock_drop(&heap->lock);
    if (wanted) {
        space_purge(heap, keep_bytes, bytes);
        acre_port_lock_take(&heap->lock);
        heap->purging = false;
        acre_port_lock_drop(&heap->lock);
    }
}
