// heap_pages.c - a page source over a heap: see acre/heap_pages.h.
// SPDX-License-Identifier: MIT
#include "acre/heap_pages.h"

// The least that the contract of acre/pages.h allows: what is reserved is rounded up to it.
enum { PAGE_BYTES = 64 };

static acre_heap *heap_of(acre_pages *self)
{
    return ((acre_heap_pages *)(void *)self)->heap;
}

static void *heap_pages_reserve(acre_pages *self, size_t bytes, size_t align)
{
    void *range = acre_heap_aligned(heap_of(self), align, bytes);
    if (range != NULL) {
        __builtin_memset(range, 0, bytes); // what a commit promises, for all commits to come
    }
    return range;
}

static acre_status heap_pages_commit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    (void)addr;
    (void)bytes;
    return ACRE_OK;
}

static acre_status heap_pages_decommit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    (void)addr;
    (void)bytes;
    return ACRE_NO_MEMORY;
}

static acre_status heap_pages_release(acre_pages *self, void *addr, size_t bytes)
{
    (void)bytes;
    acre_heap_free(heap_of(self), addr);
    return ACRE_OK;
}

void acre_heap_pages_init(acre_heap_pages *source, acre_heap *heap)
{
    *source = (acre_heap_pages){
        .pages =
            {.reserve = heap_pages_reserve,
             .commit = heap_pages_commit,
             .decommit = heap_pages_decommit,
             .release = heap_pages_release,
             .page_bytes = PAGE_BYTES},
        .heap = heap,
    };
}
