// segment.h - one segment: created and released as a whole, searched and marked page by page.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_SEGMENT_H
#define ACRE_HEAP_SEGMENT_H

#include "heap/layout.h"

/// What is looked for in a segment.
struct page_request {
    unsigned pages;
    unsigned align_pages; // power of two
    bool from_top;        // runs grow from the top, slices from the bottom, to keep out of each
                          // other's way
};

/// Pages of one segment.
struct page_range {
    struct segment *segment;
    unsigned first;
    unsigned count;
};

/// Asks for huge or small pages for a segment that nobody else can give back now. No lock may be held.
void segment_advise(acre_heap *heap, struct segment *segment, bool may_be_huge);

/// Reserves a segment, commits its header and adds it to the heap. False if the source or the limit
/// does not allow it, and no other thread has added one meanwhile. No lock may be held.
bool segment_create(acre_heap *heap);

/// The same where there are no addresses for a whole one: makes one that is as long as it can be, and long enough
/// for the request. Only with ACRE_PORT_SHORT, over sources that can resize.
bool segment_create_short(acre_heap *heap, const struct page_request *request);

/// Whether nothing but the header is in use. Under heap->lock.
bool segment_is_idle(const struct segment *segment);

/// Takes an idle segment out of the heap. Under heap->lock; segment_release follows without it.
void segment_remove(acre_heap *heap, struct segment *segment);

/// Gives a removed segment's memory back to the source and keeps its addresses; puts it back into the
/// heap if the source refuses. Returns the bytes of memory that this gave back. No lock may be held.
size_t segment_release(acre_heap *heap, struct segment *segment);

/// Gives back the addresses that were kept. Returns their bytes. No lock may be held.
size_t segment_release_bare(acre_heap *heap);

/// Gives up the headers, too: the last resort, when nothing between them is long enough. Returns the bytes.
size_t segment_release_headers(acre_heap *heap);

/// Gives back so many bytes of addresses, or more, that stand free at the ends of segments, which are short ones
/// from then on. Nothing if there are not as many. Returns the bytes. Only with ACRE_PORT_SHORT, over sources that
/// can resize. No lock may be held.
size_t segment_cut_tails(acre_heap *heap, size_t bytes);

/// Releases all that is left of segments that were given back. Nobody may use the heap any more.
void segment_release_given_back(acre_heap *heap);

/// Whether a slab descriptor lies in a segment of the heap. Does not look at the descriptor. Under
/// heap->lock. Time: O(1), but O(segments) for one that is not in the map.
bool segment_holds_locked(acre_heap *heap, const struct slab *slab);

/// Goes through the segments that there were when `end` was heap->segments_added, in the order they were
/// made: the one after `last`, which is unpinned, or the first. It comes pinned, so that it stays when
/// the lock is dropped. NULL after the last one. Under heap->lock.
struct segment *segment_next_pinned(acre_heap *heap, struct segment *last, uint32_t end);

/// A segment that has just been purged goes behind those that have dirty free pages, for the next slice is
/// better taken from them. Under heap->lock.
void segment_sink(struct segment *segment);

/// Finds free pages; for a slice, all of them dirty if `dirty` is set. Runs take the highest that fit:
/// near the top pages have been used before. Under heap->lock.
bool segment_find(
    struct segment *segment, const struct page_request *request, bool dirty,
    struct page_range *out);

/// Marks free pages as taken, or taken pages as free, and keeps the heap's sums and the order of its
/// segments. Under heap->lock.
void segment_mark_taken(acre_heap *heap, const struct page_range *range);
void segment_mark_free(acre_heap *heap, const struct page_range *range);

/// The part of the header that is committed from the start, in bytes.
size_t segment_header_bytes(const acre_heap *heap);

static inline size_t segment_bytes(const struct segment *segment)
{
    return (size_t)segment_length(segment) * PAGE_BYTES;
}

static inline char *page_address(struct segment *segment, unsigned page)
{
    return (char *)segment + (size_t)page * PAGE_BYTES;
}

static inline unsigned page_of(struct segment *segment, uintptr_t addr)
{
    return (unsigned)((addr - (uintptr_t)segment) >> ACRE_PAGE_LOG2);
}

#endif
