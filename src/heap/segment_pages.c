// segment_pages.c - the pages of a segment: found, marked, and the segment put where searches look for it. See
// segment.h. Two bits a page: `free`, nobody has it; `dirty`, it holds memory.
//
//               dirty = 0                       dirty = 1
//   free = 1    no memory, reads as zero        memory from an earlier use
//   free = 0    taken, being committed          in use, or claimed for purging
//
// All of it is under heap->lock.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/segment.h"

enum { SINK_LOOKS = 256 };

/// The first whole slice of pages that are all set in `bits`. SEGMENT_PAGES if there is none.
static unsigned find_slice(const word *bits)
{
    // Folding a word onto itself four times leaves the lowest bit of a lane of 16 set exactly if all
    // of the lane's bits were.
    const word lanes = ~(word)0 / 0xffff;
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        word fold = bits[i];
        fold &= fold >> 8;
        fold &= fold >> 4;
        fold &= fold >> 2;
        fold &= fold >> 1;
        fold &= lanes;
        if (fold != 0) {
            return i * WORD_BITS + lowest_bit(fold);
        }
    }
    return SEGMENT_PAGES;
}

_Static_assert(SLICE_PAGES == 16, "find_slice folds lanes of 16 bits");

/// The highest run of `pages` pages that are all set, at most WORD_BITS of them. SEGMENT_PAGES if there is
/// none. A bit of `fold` stays set if the next few are set, too; twice as many with each step.
static unsigned find_short(const word *bits, unsigned pages)
{
    word above = 0; // the next word's
    for (unsigned i = PAGE_WORDS; i-- != 0; above = bits[i]) {
        word low = bits[i];
        word high = above;
        for (unsigned have = 1; have < pages && low != 0;) {
            const unsigned step = have < pages - have ? have : pages - have;
            low &= low >> step | high << (WORD_BITS - step);
            high &= high >> step;
            have += step;
        }
        if (low != 0) {
            return i * WORD_BITS + highest_bit(low);
        }
    }
    return SEGMENT_PAGES;
}

/// The highest run that fits, found from the top. SEGMENT_PAGES if there is none; *longest is then the
/// length of the longest that there is.
__attribute__((noinline)) static unsigned find_from_top(
    const word *bits, const struct page_request *request, unsigned *longest)
{
    unsigned end = SEGMENT_PAGES;
    *longest = 0;
    while ((end = bitmap_last(bits, true, end)) != 0) {
        unsigned start = bitmap_last(bits, false, end);
        if (end - start >= request->pages) {
            unsigned first = (end - request->pages) & ~(request->align_pages - 1);
            if (first >= start) {
                return first;
            }
        }
        *longest = end - start > *longest ? end - start : *longest;
        end = start;
    }
    return SEGMENT_PAGES;
}

/// Puts a segment where searches look for it: among those that may have a whole slice, behind them if it
/// has no free page at all, or apart if its free pages are no whole slice.
static void keep_place(acre_heap *heap, struct segment *segment, bool fragmented)
{
    list_remove(&segment->link);
    segment->is_fragmented = fragmented;
    if (fragmented) {
        list_add_first(&heap->fragmented, &segment->link);
    } else if (segment->free_pages == 0) {
        list_add_last(&heap->segments, &segment->link);
    } else {
        list_add_first(&heap->segments, &segment->link);
    }
}

SLOW static bool has_dirty_free(const struct segment *segment)
{
    word any = 0;
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        any |= segment->free[i] & segment->dirty[i];
    }
    return any != 0;
}

SLOW void segment_sink(struct segment *segment)
{
    if (segment->is_fragmented || segment->free_pages == 0) {
        return;
    }
    struct link *list = &segment->heap->segments;
    list_remove(&segment->link);
    struct link *at = list->next;
    for (int looks = SINK_LOOKS; at != list && looks != 0; looks--) {
        const struct segment *other = container_of(at, struct segment, link);
        if (other->free_pages == 0 || !has_dirty_free(other)) {
            break;
        }
        at = at->next;
    }
    list_add_last(at, &segment->link); // before it
}

static bool find_slice_in(struct segment *segment, bool dirty, struct page_range *out)
{
    word both[PAGE_WORDS];
    const word *bits = segment->free;
    if (dirty) {
        for (unsigned i = 0; i < PAGE_WORDS; i++) {
            both[i] = segment->free[i] & segment->dirty[i];
        }
        bits = both;
    }
    out->first = find_slice(bits);
    if (out->first == SEGMENT_PAGES && !dirty) {
        keep_place(segment->heap, segment, true);
    }
    return out->first != SEGMENT_PAGES;
}

bool segment_find(
    struct segment *segment, const struct page_request *request, bool dirty, struct page_range *out)
{
    if (segment->free_pages < request->pages || segment->longest < request->pages) {
        return false;
    }
    out->segment = segment;
    out->count = request->pages;
    if (!request->from_top) {
        return find_slice_in(segment, dirty, out);
    }
    if (ACRE_PORT_RUNS && request->align_pages == 1 && request->pages <= WORD_BITS) {
        out->first = find_short(segment->free, request->pages);
        if (out->first != SEGMENT_PAGES) {
            return true;
        }
    }
    unsigned longest;
    out->first = find_from_top(segment->free, request, &longest);
    if (out->first == SEGMENT_PAGES) {
        segment->longest = longest;
    }
    return out->first != SEGMENT_PAGES;
}

static void mark(acre_heap *heap, const struct page_range *range, bool free)
{
    struct segment *segment = range->segment;
    bool was_full = segment->free_pages == 0;
    bool was_fragmented = segment->is_fragmented;
    size_t dirty = bitmap_count(segment->dirty, range->first, range->count);
    bitmap_fill(segment->free, range->first, range->count, free);
    if (free) {
        segment->free_pages += range->count;
        heap->free_dirty_pages += dirty;
        store_relaxed(&heap->used_pages, heap->used_pages - range->count); // read without the lock
        // It may have joined two others, each no longer than the longest.
        segment->longest = 2 * segment->longest + range->count;
        segment->longest = segment->longest < SEGMENT_PAGES ? segment->longest : SEGMENT_PAGES;
    } else {
        segment->free_pages -= range->count;
        heap->free_dirty_pages -= dirty;
        if (heap->free_dirty_pages < heap->free_dirty_low) {
            heap->free_dirty_low = heap->free_dirty_pages;
        }
        store_relaxed(&heap->used_pages, heap->used_pages + range->count);
    }
    if (was_full || segment->free_pages == 0 || (was_fragmented && free)) {
        keep_place(heap, segment, false);
    }
}

void segment_mark_taken(acre_heap *heap, const struct page_range *range)
{
    acre_debug(
        bitmap_next(range->segment->free, false, range->first, range->first + range->count) ==
        range->first + range->count);
    mark(heap, range, false);
}

void segment_mark_free(acre_heap *heap, const struct page_range *range)
{
    acre_debug(
        bitmap_next(range->segment->free, true, range->first, range->first + range->count) ==
        range->first + range->count);
    mark(heap, range, true);
}
