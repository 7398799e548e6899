// refill.h - where a small block comes from when its bin is empty.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_REFILL_H
#define ACRE_HEAP_REFILL_H

#include "heap/layout.h"

/// Returns a live block of `class` and fills the bin of the slot that the caller is on. NULL if there
/// is no memory. *zero says whether the block reads as zero but for its first two words.
void *refill(acre_heap *heap, unsigned class, bool *zero);

#endif
