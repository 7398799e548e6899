// huge_parts.h - mappings cut in two, and blocks that lie in several mappings, one behind the other.
//
// Only with ACRE_PORT_MOVE, over sources that have acre_pages.move. The block's own descriptor is that of its first
// mapping, with the bytes of all; `behind` leads to the others. No lock may be held but where a name ends in
// _locked: then heap->lock is.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_HUGE_PARTS_H
#define ACRE_HEAP_HUGE_PARTS_H

#include "heap/layout.h"

/// Cuts a mapping that is on no list to `bytes`, and keeps the rest as a mapping of its own. False, and nothing is
/// changed, if the rest is too small to be of use.
bool huge_split(acre_heap *heap, struct slab *huge, size_t bytes);

/// Makes a mapping that is on no list longer, with the memory of kept ones as far as there is any. False: it is as
/// it was.
bool huge_compose(acre_heap *heap, struct slab *huge, size_t bytes);

/// Makes a composed block that is on no list and not in the map shorter: at least `bytes` remain.
void huge_cut(acre_heap *heap, struct slab *huge, size_t bytes);

static inline void huge_chain(struct slab *part, struct slab *rest)
{
    if (ACRE_PORT_MOVE) {
        part->behind = rest;
    }
}

/// Takes the first mapping off a block: it is one by itself then. Returns the rest; NULL if there is none.
static inline struct slab *huge_detach_locked(acre_heap *heap, struct slab *huge)
{
    struct slab *rest = ACRE_PORT_MOVE ? huge->behind : NULL;
    if (rest != NULL) {
        huge->block_bytes = rest->base - huge->base;
        huge->behind = NULL;
        heap->huge_parts -= 1;
    }
    return rest;
}

#endif
