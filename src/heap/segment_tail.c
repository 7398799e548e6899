// segment_tail.c - the free ends of segments, given up when there are no addresses for a huge block: see segment.h.
//
// A process that may have 32 MiB of addresses and wants huge blocks has one segment, for their descriptors, and
// that would keep an eighth of all. Before the source shrinks the range, without a lock, the pages at the end are
// marked as taken, and the segment is short already: whatever is mapped there next may be a block. The map's
// entries stay until the tail is gone for good, so that no block takes them meanwhile: one whose place they are is a
// stray.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/map.h"
#include "heap/segment.h"

/// The first page of the free end, a slice's first; something stays behind the header, so that giving the segment
/// back gives something. The segment's length if there is none. Under heap->lock.
SLOW static unsigned find_tail(const struct segment *segment)
{
    const unsigned length = segment_length(segment);
    const unsigned used = bitmap_last(segment->free, false, length);
    const unsigned least = used > HEADER_PAGES ? used : HEADER_PAGES + 1;
    const unsigned first = (least + SLICE_PAGES - 1) & ~(unsigned)(SLICE_PAGES - 1);
    return first < length ? first : length;
}

SLOW static bool has_tails(acre_heap *heap, size_t bytes)
{
    size_t sum = 0;
    acre_port_lock_take(&heap->lock);
    for (struct link *at = heap->all_segments.next; at != &heap->all_segments && sum < bytes;
         at = at->next) {
        const struct segment *segment = container_of(at, struct segment, all_link);
        sum += (size_t)(segment_length(segment) - find_tail(segment)) * PAGE_BYTES;
    }
    acre_port_lock_drop(&heap->lock);
    return sum >= bytes;
}

/// Sets how many pages a segment has, and what the slices of its tail, which are at most these, serve as. Under
/// heap->lock.
SLOW static void set_length(
    struct segment *segment, const struct page_range *tail, unsigned length, enum slab_kind kind)
{
    segment->length = length;
    for (unsigned i = tail->first / SLICE_PAGES; i < (tail->first + tail->count) / SLICE_PAGES;
         i++) {
        store_relaxed(&segment->slabs[i].kind, (uint8_t)kind);
    }
}

/// The pages are gone: they are neither taken nor free, and hold nothing. Under heap->lock.
SLOW static void forget_tail(acre_heap *heap, const struct page_range *tail)
{
    struct segment *segment = tail->segment;
    const size_t dirty = bitmap_count(segment->dirty, tail->first, tail->count);
    bitmap_fill(segment->dirty, tail->first, tail->count, false);
    heap->held_bytes -= dirty * PAGE_BYTES;
    heap->reserved_bytes -= (size_t)tail->count * PAGE_BYTES;
    store_relaxed(&heap->used_pages, heap->used_pages - tail->count);
    map_cut_segment(heap, segment, tail->first / SLICE_PAGES, tail->count / SLICE_PAGES);
}

/// Cuts a pinned segment. Drops heap->lock meanwhile and takes it again. Returns the bytes.
SLOW static size_t cut_tail(acre_heap *heap, struct segment *segment)
{
    acre_pages *pages = heap->pages;
    const unsigned first = find_tail(segment);
    const struct page_range tail = {
        .segment = segment, .first = first, .count = segment_length(segment) - first};
    // One that a walk or a purge is visiting keeps its pages.
    if (tail.count == 0 || segment->pins != 1) {
        return 0;
    }
    const size_t old_bytes = segment_bytes(segment);
    segment_mark_taken(heap, &tail);
    set_length(segment, &tail, first, KIND_NONE);
    acre_port_lock_drop(&heap->lock);
    const bool cut =
        pages->remap(pages, segment, old_bytes, (size_t)first * PAGE_BYTES, false) != NULL;
    acre_port_lock_take(&heap->lock);
    if (cut) {
        forget_tail(heap, &tail);
        return (size_t)tail.count * PAGE_BYTES;
    }
    set_length(segment, &tail, first + tail.count, KIND_PAGES);
    segment_mark_free(heap, &tail);
    return 0;
}

SLOW size_t segment_cut_tails(acre_heap *heap, size_t bytes)
{
    size_t cut_bytes = 0;
    if (!ACRE_PORT_SHORT || heap->pages->remap == NULL || !has_tails(heap, bytes)) {
        return 0;
    }
    acre_port_lock_take(&heap->lock);
    const uint32_t end = heap->segments_added;
    struct segment *segment = segment_next_pinned(heap, NULL, end);
    while (segment != NULL && cut_bytes < bytes) {
        cut_bytes += cut_tail(heap, segment);
        segment = segment_next_pinned(heap, segment, end);
    }
    if (segment != NULL) {
        segment->pins -= 1;
    }
    acre_port_lock_drop(&heap->lock);
    return cut_bytes;
}
