// suspect.h - a block that looks free: is it?
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_SUSPECT_H
#define ACRE_HEAP_SUSPECT_H

#include "heap/layout.h"

/// Whether a carved block of `slab` is free. Quick for all that do not look it. No lock may be held.
bool suspect_is_free(acre_heap *heap, struct slab *slab, const acre_block *block);

/// The same of a block that a push was begun for: that may be why it looks free, so it must be found.
bool suspect_is_found_free(acre_heap *heap, struct slab *slab, const acre_block *block);

#endif
