// reclaim.h - everything free, back to the page source.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_RECLAIM_H
#define ACRE_HEAP_RECLAIM_H

#include "heap/layout.h"

/// Gives free memory back, wherever in the heap it waits for reuse, until at most `keep_bytes` of free
/// pages are held. Returns the bytes given back. No lock may be held.
size_t reclaim(acre_heap *heap, size_t keep_bytes);

/// The same for a request that there was no memory for. False if it is of no use to ask again.
bool reclaim_for(acre_heap *heap);

#endif
