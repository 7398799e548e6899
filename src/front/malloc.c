// malloc.c - malloc, free, calloc and realloc of the process.
//
// Each name jumps through a pointer to its hit path, of which there is one for each binding of slots
// (port.h). The pointers first lead to functions that set the process up: the first call may come
// from the dynamic loader, before any constructor, so nothing here may need to have run before.
//
//     malloc -> jmp *hits.alloc -> boot_malloc              the first time
//                               -> hit_malloc_rseq          from then on
//
// SPDX-License-Identifier: MIT
#include "front/boot.h"
#include "front/front.h"
#include "front/hits.h"
#include "heap/miss.h"

acre_heap *front_heap;

struct hits {
    void *(*alloc)(size_t size);
    void (*free)(void *block);
};

static __attribute__((noinline)) void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *hit_miss_malloc(size_t size)
{
    return front_or_no_memory(miss_alloc(front_heap, size));
}

static void *boot_malloc(size_t size)
{
    return front_boot() ? malloc(size) : no_memory();
}

static void boot_free(void *block)
{
    // Nothing was allocated yet, so a block can only be the dynamic loader's own, from before it
    // found us; it never reuses those.
    if (block != NULL && front_boot()) {
        free(block);
    }
}

static struct hits hits = {boot_malloc, boot_free};

void front_use_binding(void)
{
    static const struct hits of_rseq = {hit_malloc_rseq, hit_free_rseq};
    static const struct hits of_thread = {hit_malloc_thread, hit_free_thread};
    hits = acre_port_is_rseq() ? of_rseq : of_thread;
}

void *malloc(size_t size)
{
    return hits.alloc(size);
}

void free(void *block)
{
    hits.free(block);
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
