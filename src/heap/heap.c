// heap.c - the public calls on a heap but for realloc, walk and audit. See acre/heap.h.
// SPDX-License-Identifier: MIT
#include "acre/heap.h"

#include "heap/hit.h"
#include "heap/huge.h"
#include "heap/reclaim.h"
#include "heap/space.h"

enum { HEAP_FLAGS = ACRE_HEAP_KEEP | ACRE_HEAP_HUGE_PAGES, PAGE_BYTES_MIN = 64 };

/// Entries of the map: a power of two that covers the span, at least one segment.
SLOW static bool map_entries_for(const acre_heap_options *options, size_t *out)
{
    size_t span_bytes = options->span_bytes;
    if (span_bytes == 0) {
        span_bytes = ACRE_PORT_SPAN_BYTES;
        // Twice the limit: segments need not follow one another closely.
        if (options->limit_bytes != 0 && options->limit_bytes < span_bytes / 2) {
            span_bytes = options->limit_bytes * 2;
        }
    }
    size_t entries = SEGMENT_SLICES;
    while (entries < span_bytes >> ACRE_SLICE_LOG2) {
        if (entries > SIZE_MAX / sizeof(ptrdiff_t) / 4) {
            return false;
        }
        entries *= 2;
    }
    *out = entries;
    return true;
}

SLOW static void fill_class_table(acre_heap *heap)
{
    unsigned class = 0;
    for (size_t i = 0; i < SIZE_CLASS_TABLE; i++) {
        class += i * GRANULE_BYTES > size_classes[class].bytes ? 1 : 0;
        heap->class_of[i] = (uint8_t) class;
    }
    for (size_t size = 0; size <= TINY_BYTES_MAX; size++) {
        heap->class_of_tiny[size] = heap->class_of[(size + GRANULE_BYTES - 1) >> GRANULE_LOG2];
    }
}

SLOW static void heap_init(acre_heap *heap, acre_pages *pages, const acre_heap_options *options)
{
    const unsigned top_byte_at = WORD_BITS - __CHAR_BIT__;
    uintptr_t key = acre_port_key() ^ (uintptr_t)heap;
    heap->key = (key & (~(uintptr_t)0 >> __CHAR_BIT__)) | (uintptr_t)KEY_TOP_BYTE << top_byte_at;
    heap->none.owner = ACRE_SLOT_NONE;
    heap->pages = pages;
    heap->name = options->name;
    heap->limit_bytes = options->limit_bytes;
    heap->flags = options->flags;
    heap->slot_count = acre_port_slots();
    for (unsigned i = 0; i < heap->slot_count; i++) {
        heap->bins[i] = &heap->dead;
    }
    list_init(&heap->segments);
    list_init(&heap->fragmented);
    list_init(&heap->all_segments);
    list_init(&heap->huge);
    list_init(&heap->huge_cached);
    list_init(&heap->bare);
    list_init(&heap->headers);
    list_init(&heap->slab_pool);
    fill_class_table(heap);
}

SLOW acre_status
acre_heap_create(acre_pages *pages, const acre_heap_options *options, acre_heap **out)
{
    static const acre_heap_options defaults = {0};
    options = options == NULL ? &defaults : options;
    size_t entries;
    if (pages == NULL || out == NULL || (options->flags & ~(unsigned)HEAP_FLAGS) != 0 ||
        !is_power_of_two(pages->page_bytes) || pages->page_bytes < PAGE_BYTES_MIN ||
        pages->page_bytes > SLICE_BYTES || !map_entries_for(options, &entries)) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t head_bytes = offsetof(acre_heap, bins) + acre_port_slots() * sizeof(acre_bins *);
    size_t held_bytes = round_up(head_bytes, pages->page_bytes);
    if (options->limit_bytes != 0 && options->limit_bytes < held_bytes) {
        return ACRE_NO_MEMORY;
    }
    size_t bytes = round_up(sizeof(acre_heap) + entries * sizeof(ptrdiff_t), pages->page_bytes);
    acre_heap *heap = pages->reserve(pages, bytes, pages->page_bytes);
    if (heap == NULL) {
        return ACRE_NO_MEMORY;
    }
    if (pages->commit(pages, heap, bytes) != ACRE_OK) {
        (void)pages->release(pages, heap, bytes); // refused: addresses are lost, no more
        return ACRE_NO_MEMORY;
    }
    if (pages->advise != NULL) {
        pages->advise(
            pages, heap, bytes, ACRE_ADVICE_SMALL_PAGES); // most of the map is never touched
    }
    heap_init(heap, pages, options);
    heap->map_mask = entries - 1;
    heap->reserved_self_bytes = bytes;
    heap->reserved_bytes = bytes;
    heap->metadata_bytes = held_bytes;
    heap->held_bytes = held_bytes;
    *out = heap;
    return ACRE_OK;
}

SLOW void acre_heap_destroy(acre_heap *heap)
{
    if (heap == NULL) {
        return;
    }
    huge_release_all(heap); // first: their descriptors lie in segments
    space_release_all(heap);
    acre_pages *pages = heap->pages;
    (void)pages->release(pages, heap, heap->reserved_self_bytes);
}

void *acre_heap_alloc(acre_heap *heap, size_t size)
{
    return hit_alloc(heap, size, acre_port_pop);
}

/// A compiler makes this one instruction or one call to memset.
static void clear(void *block, size_t bytes)
{
    unsigned char *at = block;
    for (size_t i = 0; i < bytes; i++) {
        at[i] = 0;
    }
}

void *acre_heap_calloc(acre_heap *heap, size_t count, size_t size)
{
    size_t bytes;
    if (!mul_size(count, size, &bytes)) {
        return NULL;
    }
    if (bytes <= SMALL_BYTES_MAX) {
        void *block = hit_take(heap, hit_class(heap, bytes), acre_port_pop);
        if (block != NULL) {
            clear(block, bytes);
            return block;
        }
    }
    const struct placement at = placement_of(bytes, GRANULE_BYTES);
    bool zero = false;
    void *block = miss_place(heap, &at, bytes, GRANULE_BYTES, true, &zero);
    if (block != NULL) {
        // Even in fresh memory a small block's two words have been links.
        clear(block, zero && bytes > sizeof(acre_block) ? sizeof(acre_block) : bytes);
    }
    return block;
}

void *acre_heap_aligned(acre_heap *heap, size_t align, size_t size)
{
    if (!is_power_of_two(align)) {
        return NULL;
    }
    if (size <= SMALL_BYTES_MAX && align <= (size_t)PAGE_BYTES) {
        const size_t bytes = size_aligned(size, align);
        if (bytes <= SMALL_BYTES_MAX) {
            return hit_alloc(heap, bytes, acre_port_pop);
        }
    }
    const struct placement at = placement_of(size, align);
    bool zero;
    return miss_place(heap, &at, size, align, false, &zero);
}

void acre_heap_free(acre_heap *heap, void *block)
{
    hit_free(heap, block, acre_port_push);
}

/// Whether a live block is what a request of this size and alignment gets.
static bool live_fits(
    const acre_heap *heap, const struct live *live, const void *block, size_t size, size_t align)
{
    const struct placement at = placement_of(size, align);
    uint8_t kind = load_relaxed(&live->slab->kind);
    switch (at.kind) {
    case KIND_SLAB:
        return kind == KIND_SLAB && live->slab->class == at.class;
    case KIND_PAGES: {
        // A run may have pages to spare; who asked how much is usable may have come to count on them.
        const size_t bytes = (size_t)at.pages * PAGE_BYTES;
        return kind == KIND_PAGES && bytes <= live->bytes &&
               bytes + (size_t)PAGE_BYTES * space_run_spare(live->slab, (uintptr_t)block) >=
                   live->bytes;
    }
    case KIND_HUGE:
        return kind == KIND_HUGE && live->slab->asked_bytes == huge_bytes_for(heap, size);
    default:
        return false;
    }
}

void acre_heap_free_aligned_sized(acre_heap *heap, void *block, size_t align, size_t size)
{
    if (block == NULL) {
        return;
    }
    if (size <= SMALL_BYTES_MAX && align <= (size_t)PAGE_BYTES && is_power_of_two(align) &&
        hit_is_near_class(heap, block, size_class_aligned(size, align))) {
        acre_heap_free(heap, block); // looks whether it is a block, and live
        return;
    }
    struct live live = miss_inspect(heap, block, "invalid free", "double free");
    if (!is_power_of_two(align) || !live_fits(heap, &live, block, size, align)) {
        acre_port_fatal("wrong size on free", block, live.bytes);
    }
    acre_heap_free(heap, block);
}

void acre_heap_free_sized(acre_heap *heap, void *block, size_t size)
{
    if (hit_fits(heap, block, size)) {
        acre_heap_free(heap, block);
        return;
    }
    acre_heap_free_aligned_sized(heap, block, GRANULE_BYTES, size);
}

size_t acre_heap_usable_size(acre_heap *heap, const void *block)
{
    const struct slab *slab = hit_live(heap, block);
    if (slab != NULL) {
        return slab->block_bytes;
    }
    if (block == NULL) {
        return 0;
    }
    return miss_inspect(heap, block, "invalid usable_size", "usable_size of a freed block").bytes;
}

size_t acre_heap_good_size(size_t size)
{
    const struct placement at = placement_of(size, GRANULE_BYTES);
    switch (at.kind) {
    case KIND_SLAB:
        return size_classes[at.class].bytes;
    case KIND_PAGES:
    case KIND_HUGE:
        return round_up(size, PAGE_BYTES);
    default:
        return 0;
    }
}

SLOW size_t acre_heap_trim(acre_heap *heap, size_t keep_bytes)
{
    return reclaim(heap, keep_bytes);
}
