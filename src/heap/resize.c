// resize.c - realloc: in place where the class, the run or the mapping allows it, else moved.
//
// A small block stays only if the new size has the same class. To keep more would save a copy of at
// most 16 KiB, but a sized free could then no longer tell a wrong size from a block that had shrunk.
// SPDX-License-Identifier: MIT
#include "acre/heap.h"
#include "heap/hit.h"
#include "heap/huge.h"
#include "heap/space.h"

/// Resizes without copying. NULL if that cannot be done; the block is then unchanged.
static void *resize_in_place(acre_heap *heap, const struct live *live, void *block, size_t size)
{
    const struct placement at = placement_of(size, GRANULE_BYTES);
    uint8_t kind = load_relaxed(&live->slab->kind);
    if (at.kind != kind) {
        return NULL;
    }
    switch (kind) {
    case KIND_SLAB:
        return at.class == live->slab->class ? block : NULL;
    case KIND_PAGES:
        return space_resize_run(heap, live->slab, (uintptr_t)block, at.pages) ? block : NULL;
    case KIND_HUGE:
        return huge_resize(heap, live->slab, (uintptr_t)block, size);
    default:
        return NULL;
    }
}

void *acre_heap_realloc(acre_heap *heap, void *block, size_t size)
{
    if (block == NULL) {
        return acre_heap_alloc(heap, size);
    }
    struct live live = {.slab = hit_live(heap, block)};
    if (live.slab != NULL) {
        live.bytes = live.slab->block_bytes;
    } else {
        live = miss_inspect(heap, block, "invalid realloc", "realloc of a freed block");
    }
    if (size > PTRDIFF_MAX) {
        return NULL;
    }
    void *resized = resize_in_place(heap, &live, block, size);
    if (resized != NULL) {
        return resized;
    }
    void *moved = acre_heap_alloc(heap, size);
    if (moved == NULL) {
        return NULL;
    }
    __builtin_memcpy(moved, block, live.bytes < size ? live.bytes : size);
    acre_heap_free(heap, block);
    return moved;
}
