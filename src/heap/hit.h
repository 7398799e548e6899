// hit.h - the hit paths: a block popped from a bin, a block pushed onto its slab. All that malloc and
// free usually do is here and in the port's pop and push.
//
// `pop` and `push` are the port's commits; a port with two bindings compiles these functions once for
// each. Everything that is not a hit goes to one out-of-line function a path, which decides anew.
//
//   checks on the way       misuse they find                                 in instructions
//   offset * inverse        not a block's start, not a slab, never handed out   free 5
//   tag of the block        freed twice                                         free 2
//   tag written             (what the two tests of the tag rest on)             free 3
//   tag of the block        written to while free                               malloc 4
//
// Cost: scripts/measure_hits.py counts them in the built library.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_HIT_H
#define ACRE_HEAP_HIT_H

#include "heap/block.h"
#include "heap/layout.h"
#include "heap/map.h"
#include "heap/miss.h"

typedef acre_block *hit_pop(acre_bins *const *bins, size_t at, acre_block **next);
typedef acre_push hit_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark);

static inline unsigned hit_class(const acre_heap *heap, size_t size)
{
    return heap->class_of[(size + GRANULE_BYTES - 1) >> GRANULE_LOG2];
}

/// Pops a block of `class`, or NULL.
static inline __attribute__((always_inline)) void *hit_take(
    acre_heap *heap, unsigned class, hit_pop *pop)
{
    acre_block *next;
    acre_block *block = pop(heap->bins, class, &next);
    if (unlikely(block == NULL)) {
        return NULL;
    }
    if (ACRE_CHECKED && unlikely(!block_revive(heap, block, next))) {
        block_report_corrupted(heap, block);
    }
    // cppcheck-suppress returnDanglingLifetime ; the block is no part of `next`
    return block;
}

static inline __attribute__((always_inline)) void *hit_alloc(
    acre_heap *heap, size_t size, hit_pop *pop)
{
    if (unlikely(size > SMALL_BYTES_MAX)) {
        return miss_alloc(heap, size);
    }
    void *block = hit_take(heap, hit_class(heap, size), pop);
    return likely(block != NULL) ? block : miss_alloc(heap, size);
}

/// Whether `addr` is the start of a carved block of `slab`. See base/sizeclass.h.
static inline bool hit_is_block(const struct slab *slab, uintptr_t addr)
{
    uintptr_t offset = addr - load_relaxed(&slab->base);
    if (WORD_BITS < 64 && offset >= SLICE_BYTES) {
        return false; // with fewer bits the product alone cannot tell addresses far away
    }
    return offset * load_relaxed(&slab->inverse) < load_relaxed(&slab->limit);
}

/// The slab of a small block that is live beyond doubt; NULL where that takes a closer look.
static inline struct slab *hit_live(acre_heap *heap, const void *addr)
{
    struct slab *slab = map_find(heap, (uintptr_t)addr);
    bool is_live = hit_is_block(slab, (uintptr_t)addr) &&
                   !(block_may_be_free(addr) && block_looks_free(heap, addr));
    return likely(is_live) ? slab : NULL;
}

/// Whether `addr` lies in a slab of `class`. Whether a block starts there is for free to say.
static inline bool hit_is_near_class(acre_heap *heap, const void *addr, unsigned class)
{
    const struct slab *slab = map_find(heap, (uintptr_t)addr);
    return load_relaxed(&slab->class) == class && load_relaxed(&slab->limit) != 0;
}

/// Whether `size` bytes asked for would have come from a slab such as `addr` lies in.
static inline bool hit_fits(acre_heap *heap, const void *addr, size_t size)
{
    return size <= SMALL_BYTES_MAX && hit_is_near_class(heap, addr, hit_class(heap, size));
}

static inline __attribute__((always_inline)) void hit_free(
    acre_heap *heap, void *addr, hit_push *push)
{
    struct slab *slab = map_find(heap, (uintptr_t)addr);
    uintptr_t owner = load_acquire(&slab->owner); // before all else of it: see owner.h
    if (unlikely(ACRE_CHECKED ? !hit_is_block(slab, (uintptr_t)addr) : slab->limit == 0)) {
        miss_free(heap, addr);
        return;
    }
    acre_block *block = addr;
    if (ACRE_CHECKED && block_may_be_free(block) && block_looks_free(heap, block)) {
        miss_free(heap, addr);
        return;
    }
    acre_push pushed = push(&slab->hot, &slab->owner, owner, block, block_mark(heap, block));
    if (likely(pushed == ACRE_PUSHED)) {
        return;
    }
    if (pushed == ACRE_PUSHED_DUE) {
        miss_due(heap, slab);
    } else {
        miss_refused(heap, addr);
    }
}

#endif
