// walk.c - visiting live blocks, and statistics by walking. See acre/heap.h.
//
// Whether a carved block is live stands in the block itself (block.h), so a walk follows no list and
// stops nobody. While others use the heap, what it sees is a moment of each block, not of the heap.
// A segment is pinned while it is visited, so that it and its pages stay; no lock is held. Among the huge
// blocks a cursor of the walk's own keeps the place.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/block.h"
#include "heap/huge.h"
#include "heap/segment.h"

/// What a walk reports: blocks of any kind, and slabs before their blocks.
struct walker {
    acre_heap_visitor *visit;
    void *context;
    acre_heap_stats *stats; // or NULL
};

/// Other threads may be writing the block.
__attribute__((no_sanitize("thread"))) static bool is_live(
    const acre_heap *heap, const acre_block *block)
{
    return !block_looks_free(heap, block);
}

SLOW static bool walk_slab(acre_heap *heap, struct slab *slab, const struct walker *walker)
{
    // Another thread may make it a slab of another class: then some blocks may be missed, but nothing
    // outside the slice is read.
    size_t bytes = slab->block_bytes;
    unsigned carved = load_relaxed(&slab->carved);
    if (carved * bytes > SLICE_BYTES) {
        return true;
    }
    if (walker->stats != NULL) {
        walker->stats->virgin_bytes += (size_t)SLICE_BYTES - carved * bytes;
        walker->stats->free_small_bytes += carved * bytes; // less each live one, below
    }
    for (unsigned i = 0; i < carved; i++) {
        acre_block *block = (acre_block *)(slab->base + i * bytes);
        if (is_live(heap, block) && !walker->visit(walker->context, block, bytes)) {
            return false;
        }
    }
    return true;
}

/// Runs that start in one slice.
SLOW static bool walk_pages(struct slab *slab, const struct walker *walker)
{
    struct segment *segment = segment_of(slab);
    unsigned first = page_of(segment, slab->base);
    for (unsigned page = first; page < first + SLICE_PAGES; page++) {
        uint32_t entry = load_relaxed(&segment->run_pages[page]);
        size_t bytes = (size_t)run_length(entry) * PAGE_BYTES;
        if ((entry & RUN_KEPT) != 0 && walker->stats != NULL) {
            walker->stats->dirty_free_bytes += bytes;
        }
        if (entry == 0 || (entry & RUN_KEPT) != 0) {
            continue;
        }
        if (walker->stats != NULL) {
            walker->stats->run_bytes += bytes;
        }
        if (!walker->visit(walker->context, page_address(segment, page), bytes)) {
            return false;
        }
    }
    return true;
}

SLOW static bool walk_segment(acre_heap *heap, struct segment *segment, const struct walker *walker)
{
    for (unsigned i = HEADER_SLICES; i < segment_length(segment) / SLICE_PAGES; i++) {
        struct slab *slab = &segment->slabs[i];
        bool is_slab = load_relaxed(&slab->kind) == KIND_SLAB && load_relaxed(&slab->limit) != 0;
        if (is_slab ? !walk_slab(heap, slab, walker) : !walk_pages(slab, walker)) {
            return false;
        }
    }
    return true;
}

/// The segment after `last`, which is unpinned.
SLOW static struct segment *next_segment(acre_heap *heap, struct segment *last, uint32_t end)
{
    acre_port_lock_take(&heap->lock);
    struct segment *next = segment_next_pinned(heap, last, end);
    acre_port_lock_drop(&heap->lock);
    return next;
}

enum { HUGE_BATCH = 64 };

struct huge_block {
    void *addr;
    size_t bytes;
};

/// The next few huge blocks. `cursor` stands in the heap's list behind the last one.
static __attribute__((noinline)) unsigned next_huge(
    acre_heap *heap, struct slab *cursor, struct huge_block batch[HUGE_BATCH])
{
    unsigned count = 0;
    acre_port_lock_take(&heap->lock);
    struct link *at = cursor->link.next;
    for (; at != &heap->huge && count < HUGE_BATCH; at = at->next) {
        struct slab *huge = container_of(at, struct slab, link);
        if (huge->kind == KIND_HUGE) { // not the cursor of another walk
            batch[count++] = (struct huge_block){(void *)huge->base, huge->block_bytes};
        }
    }
    list_remove(&cursor->link);
    list_add_last(at, &cursor->link);
    acre_port_lock_drop(&heap->lock);
    return count;
}

// Out of line: a compiler that sees all of it at once takes the cursor for left behind.
static __attribute__((noinline)) void add_cursor(acre_heap *heap, struct slab *cursor)
{
    acre_port_lock_take(&heap->lock);
    list_add_first(&heap->huge, &cursor->link);
    acre_port_lock_drop(&heap->lock);
}

static __attribute__((noinline)) void remove_cursor(acre_heap *heap, struct slab *cursor)
{
    acre_port_lock_take(&heap->lock);
    list_remove(&cursor->link);
    acre_port_lock_drop(&heap->lock);
}

SLOW static bool walk_huge(acre_heap *heap, const struct walker *walker)
{
    struct slab cursor = {.kind = KIND_NONE};
    struct huge_block batch[HUGE_BATCH];
    bool goes_on = true;
    unsigned count;
    add_cursor(heap, &cursor);
    while (goes_on && (count = next_huge(heap, &cursor, batch)) != 0) {
        for (unsigned i = 0; i < count && goes_on; i++) {
            goes_on = walker->visit(walker->context, batch[i].addr, batch[i].bytes);
        }
    }
    remove_cursor(heap, &cursor);
    return goes_on;
}

SLOW static bool walk_segments(acre_heap *heap, const struct walker *walker)
{
    acre_port_lock_take(&heap->lock);
    uint32_t end = heap->segments_added;
    acre_port_lock_drop(&heap->lock);
    struct segment *segment = NULL;
    bool goes_on = true;
    while ((segment = next_segment(heap, segment, end)) != NULL) {
        goes_on = goes_on && walk_segment(heap, segment, walker);
    }
    return goes_on;
}

SLOW bool acre_heap_walk(acre_heap *heap, acre_heap_visitor *visit, void *context)
{
    const struct walker walker = {.visit = visit, .context = context};
    return walk_segments(heap, &walker) && walk_huge(heap, &walker);
}

SLOW static bool add_block(void *context, void *block, size_t usable_bytes)
{
    acre_heap_stats *stats = context;
    (void)block;
    stats->live_bytes += usable_bytes;
    stats->live_blocks += 1;
    return true;
}

SLOW void acre_heap_get_stats(acre_heap *heap, acre_heap_stats *out)
{
    acre_heap_stats stats = {0};
    const struct walker walker = {.visit = add_block, .context = &stats, .stats = &stats};
    (void)walk_segments(heap, &walker);
    acre_port_lock_take(&heap->lock);
    stats.small_bytes = stats.live_bytes - stats.run_bytes;
    stats.huge_bytes = heap->huge_bytes;
    stats.huge_blocks = heap->huge_count;
    stats.live_bytes += stats.huge_bytes;
    stats.live_blocks += stats.huge_blocks;
    stats.free_small_bytes -= stats.small_bytes;
    stats.dirty_free_bytes += heap->free_dirty_pages * PAGE_BYTES;
    stats.cached_huge_bytes = heap->huge_cached_bytes;
    stats.metadata_bytes = heap->metadata_bytes;
    stats.committed_bytes = heap->held_bytes;
    stats.reserved_bytes = heap->reserved_bytes;
    stats.limit_bytes = heap->limit_bytes;
    stats.slots = heap->slots_made;
    stats.segments = heap->segment_count;
    stats.aborted_pushes = acre_port_aborts();
    acre_port_lock_drop(&heap->lock);
    *out = stats;
}
