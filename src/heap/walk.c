// walk.c - visiting live blocks, and statistics by walking. See acre/heap.h.
//
// Whether a carved block is live stands in the block itself (block.h), so a walk follows no list and
// stops nobody. While others use the heap, what it sees is a moment of each block, not of the heap.
// A segment is pinned while it is visited, so that it stays; no lock is held. Each segment and huge
// block is marked with the walk's number, since the lists may change between two visits.
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

static bool walk_slab(acre_heap *heap, struct slab *slab, const struct walker *walker)
{
    size_t bytes = slab->block_bytes;
    unsigned carved = load_relaxed(&slab->carved);
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
static bool walk_pages(struct slab *slab, const struct walker *walker)
{
    struct segment *segment = segment_of(slab);
    unsigned first = page_of(segment, slab->base);
    for (unsigned page = first; page < first + SLICE_PAGES; page++) {
        unsigned pages = load_relaxed(&segment->run_pages[page]);
        size_t bytes = (size_t)(pages & ~(unsigned)RUN_KEPT) * PAGE_BYTES;
        if ((pages & RUN_KEPT) != 0 && walker->stats != NULL) {
            walker->stats->dirty_free_bytes += bytes;
        }
        if (pages == 0 || (pages & RUN_KEPT) != 0) {
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

static bool walk_segment(acre_heap *heap, struct segment *segment, const struct walker *walker)
{
    for (unsigned i = HEADER_SLICES; i < SEGMENT_SLICES; i++) {
        struct slab *slab = &segment->slabs[i];
        bool is_slab = load_relaxed(&slab->kind) == KIND_SLAB && load_relaxed(&slab->limit) != 0;
        if (is_slab ? !walk_slab(heap, slab, walker) : !walk_pages(slab, walker)) {
            return false;
        }
    }
    return true;
}

/// A segment that this walk has not visited, pinned; `last` is unpinned. NULL if there is none.
static struct segment *next_segment_to_walk(acre_heap *heap, uint32_t pass, struct segment *last)
{
    struct segment *next = NULL;
    acre_port_lock_take(&heap->lock);
    if (last != NULL) {
        last->pins -= 1;
    }
    for (struct link *at = heap->segments.next; at != &heap->segments; at = at->next) {
        struct segment *segment = container_of(at, struct segment, link);
        if (segment->walk_pass != pass) {
            next = segment;
            next->walk_pass = pass;
            next->pins += 1;
            break;
        }
    }
    acre_port_lock_drop(&heap->lock);
    return next;
}

/// A huge block that this walk has not visited. NULL if there is none.
static void *next_huge_to_walk(acre_heap *heap, uint32_t pass, size_t *bytes)
{
    void *block = NULL;
    acre_port_lock_take(&heap->lock);
    for (struct link *at = heap->huge.next; at != &heap->huge; at = at->next) {
        struct slab *huge = container_of(at, struct slab, link);
        if (huge->aborts != pass) {
            huge->aborts = pass;
            block = (void *)huge->base;
            *bytes = huge->block_bytes;
            break;
        }
    }
    acre_port_lock_drop(&heap->lock);
    return block;
}

static bool walk_heap(acre_heap *heap, const struct walker *walker)
{
    acre_port_lock_take(&heap->lock);
    heap->walk_pass += 1;
    uint32_t pass = heap->walk_pass;
    acre_port_lock_drop(&heap->lock);
    struct segment *segment = NULL;
    bool goes_on = true;
    while ((segment = next_segment_to_walk(heap, pass, segment)) != NULL) {
        goes_on = goes_on && walk_segment(heap, segment, walker);
    }
    size_t bytes;
    void *block;
    while (goes_on && (block = next_huge_to_walk(heap, pass, &bytes)) != NULL) {
        if (walker->stats != NULL) {
            walker->stats->huge_bytes += bytes;
            walker->stats->huge_blocks += 1;
        }
        goes_on = walker->visit(walker->context, block, bytes);
    }
    return goes_on;
}

bool acre_heap_walk(acre_heap *heap, acre_heap_visitor *visit, void *context)
{
    const struct walker walker = {.visit = visit, .context = context};
    return walk_heap(heap, &walker);
}

static bool add_block(void *context, void *block, size_t usable_bytes)
{
    acre_heap_stats *stats = context;
    (void)block;
    stats->live_bytes += usable_bytes;
    stats->live_blocks += 1;
    return true;
}

void acre_heap_get_stats(acre_heap *heap, acre_heap_stats *out)
{
    acre_heap_stats stats = {0};
    const struct walker walker = {.visit = add_block, .context = &stats, .stats = &stats};
    (void)walk_heap(heap, &walker);
    acre_port_lock_take(&heap->lock);
    stats.small_bytes = stats.live_bytes - stats.run_bytes - stats.huge_bytes;
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
