// malloc.c - malloc, free, calloc and realloc of the process.
//
// The first call may come from the dynamic loader, before any constructor, so nothing here may need to
// have run before. malloc is its own hit path (hits.h); at the first call there is no heap, so it does
// not hit. free jumps through a pointer to the hit path of the binding of slots (port.h):
//
//     free -> jmp *free_hit -> boot_free              until the first malloc
//                           -> hit_free_rseq          from then on
//
// SPDX-License-Identifier: MIT
#include "front/boot.h"
#include "front/front.h"
#include "front/hits.h"
#include "heap/miss.h"

acre_heap *front_heap;
size_t hit_tiny_end;
size_t hit_tiny_end_thread;

static __attribute__((noinline)) void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *hit_miss_malloc(size_t size)
{
    if (unlikely(load_relaxed(&front_heap) == NULL) && !front_boot()) {
        return no_memory();
    }
    return front_or_no_memory(miss_alloc(front_heap, size));
}

static void boot_free(void *block)
{
    // Nothing was allocated yet, so a block can only be the dynamic loader's own, from before it
    // found us; it never reuses those.
    if (block != NULL && front_boot()) {
        free(block);
    }
}

static void (*free_hit)(void *block) = boot_free;

void front_use_binding(void)
{
    const bool is_rseq = acre_port_is_rseq();
    free_hit = is_rseq ? hit_free_rseq : hit_free_thread;
    store_release( // what malloc reads first
        is_rseq ? &hit_tiny_end : &hit_tiny_end_thread, (size_t)TINY_BYTES_MAX + 1);
}

void free(void *block)
{
    free_hit(block);
}

acre_heap *acre_default_heap(void)
{
    if (unlikely(front_heap == NULL) && !front_boot()) {
        acre_port_halt("there is memory for a first heap", __FILE__, __LINE__);
    }
    return front_heap;
}

void *calloc(size_t count, size_t size)
{
    if (unlikely(front_heap == NULL) && !front_boot()) {
        return no_memory();
    }
    return front_or_no_memory(acre_heap_calloc(front_heap, count, size));
}

void *realloc(void *block, size_t size)
{
    if (block == NULL) {
        return malloc(size);
    }
    if (size == 0) {
        free(block); // as glibc does, and as programs that run on it expect
        return NULL;
    }
    return front_or_no_memory(acre_heap_realloc(acre_default_heap(), block, size));
}
