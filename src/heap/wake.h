// wake.h - free blocks of slabs that sleep, for when there is no other memory.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_WAKE_H
#define ACRE_HEAP_WAKE_H

#include "heap/layout.h"

/// Wakes every sleeping slab of `class` that has a free block, whosever it is. Looks at every slab. No lock may be
/// held.
void wake_all(acre_heap *heap, unsigned class);

#endif
