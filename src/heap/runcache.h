// runcache.h - runs that a slot keeps ready, so that most runs come and go without heap->lock and
// without a search.
//
// Short ones are on lists of their own where the port has commits for that (runlist.h). Here are the others,
// and those that were freed by a thread that left the slot meanwhile.
//
// A few freed runs, newest last; a request takes one of exactly its length. They count as free memory
// that is dirty, and go back to the space when memory runs short, on trim, and when the cache is
// full. Guarded by slot->lock.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_RUNCACHE_H
#define ACRE_HEAP_RUNCACHE_H

#include "heap/layout.h"

/// A run of `pages` pages that was kept, or NULL.
void *runcache_take(acre_heap *heap, unsigned pages);

/// Frees the run at `addr`, of which `slab` is the slice: keeps it, or gives it to the space. Returns
/// its length in pages, or 0 if no run starts there: nothing is changed then.
unsigned runcache_give(acre_heap *heap, struct slab *slab, uintptr_t addr);

/// Gives back what one slot keeps. Returns the bytes. No lock may be held.
size_t runcache_flush_slot(acre_heap *heap, struct slot *slot);

/// Gives every kept run of every slot to the space. Returns the bytes.
size_t runcache_flush(acre_heap *heap);

#endif
