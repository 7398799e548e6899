// kmalloc.h - the names under which kernel code likes to ask for memory. An example of how thin they are:
// a kernel of yours has its own.
//
// All of them may be called on any processor, with interrupts on or off, and from interrupt handlers.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_KMALLOC_H
#define ACRE_KERNEL_KMALLOC_H

#include <stddef.h>

/// `bytes` bytes aligned to 16, or NULL when there is no memory; serves again once some is freed.
void *kmalloc(size_t bytes);

/// The same, zeroed.
void *kzalloc(size_t bytes);

/// The same at a multiple of `align`, a power of two.
void *kmalloc_aligned(size_t bytes, size_t align);

/// Another size for a block, which may move; NULL, and the block as it was, when there is no memory.
void *krealloc(void *block, size_t bytes);

/// Ends a block. NULL is ignored.
void kfree(void *block);

/// Bytes that may be used in a block.
size_t ksize(const void *block);

#endif
