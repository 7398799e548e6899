// reclaim.h - everything free, back to the page source.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_RECLAIM_H
#define ACRE_HEAP_RECLAIM_H

#include "heap/layout.h"

/// Gives free memory back, wherever in the heap it waits for reuse, until at most `keep_bytes` of free
/// pages are held. Returns the bytes given back. No lock may be held.
size_t reclaim(acre_heap *heap, size_t keep_bytes);

/// Turns empty slabs of the caller's slot into free pages, about `bytes` of them, but for those that a slot
/// keeps at any time: for a request that they can serve as pages. Returns the bytes. No lock may be held.
size_t reclaim_empty(acre_heap *heap, size_t bytes);

/// `reclaim` for a request that there was no memory for. False if it is of no use to ask again.
bool reclaim_for(acre_heap *heap);

#endif
