// kmalloc.c - see kmalloc.h.
// SPDX-License-Identifier: MIT
#include "kernel/kmalloc.h"

#include "kernel/kernel.h"

void *kmalloc(size_t bytes)
{
    return acre_heap_alloc(memory_heap(), bytes);
}

void *kzalloc(size_t bytes)
{
    return acre_heap_calloc(memory_heap(), 1, bytes);
}

void *kmalloc_aligned(size_t bytes, size_t align)
{
    return acre_heap_aligned(memory_heap(), align, bytes);
}

void *krealloc(void *block, size_t bytes)
{
    return acre_heap_realloc(memory_heap(), block, bytes);
}

void kfree(void *block)
{
    acre_heap_free(memory_heap(), block);
}

size_t ksize(const void *block)
{
    return acre_heap_usable_size(memory_heap(), block);
}
