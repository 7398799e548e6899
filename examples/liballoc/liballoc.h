// liballoc.h - the interface that kernels which ported liballoc already use: four hooks that the kernel
// supplies, four functions that it calls. shim.c puts acre behind it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LIBALLOC_H
#define ACRE_LIBALLOC_H

#include <stddef.h>

// The functions' prefix, as kernels choose it.
#ifndef PREFIX
#define PREFIX(name) k##name
#endif

// Supplied by the kernel. Each returns 0 when it did what it is for; pages have 4 KiB.

/// Keeps everybody else out: a spinlock, interrupts off, or whatever the kernel needs.
int liballoc_lock(void);
int liballoc_unlock(void);

/// So many contiguous pages, or NULL.
void *liballoc_alloc(size_t pages);

/// Takes back what liballoc_alloc returned, all of it.
int liballoc_free(void *first, size_t pages);

// Supplied by the shim.

void *PREFIX(malloc)(size_t bytes);
void *PREFIX(realloc)(void *block, size_t bytes);
void *PREFIX(calloc)(size_t count, size_t bytes);
void PREFIX(free)(void *block);

/// Not of liballoc: a block at a multiple of `align`, a power of two, which it could not give.
void *PREFIX(malloc_aligned)(size_t align, size_t bytes);

#endif
