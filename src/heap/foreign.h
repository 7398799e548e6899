// foreign.h - blocks freed by threads that are not on their slab's slot.
//
// One word a slab: how many blocks, and where the first is. It changes by compare-and-swap or
// exchange only, from any slot, so that a foreign free takes no lock. The first block's place is
// kept as an offset, so that half a word suffices on any machine, wherever its addresses lie.
//
//   foreign = count << 16 | offset of the first block in the slab / 16        0 = empty
//
// No tag against reuse (ABA) is needed: a push that succeeds links to exactly the block and the count
// that stand in the word at that moment, whatever happened in between, and takes take everything.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_FOREIGN_H
#define ACRE_HEAP_FOREIGN_H

#include "heap/layout.h"

/// Frees a live block of a slab that the caller is not on the slot of.
void foreign_free(acre_heap *heap, struct slab *slab, acre_block *block);

/// Puts back `count` free blocks, linked from `first` to `last`, that nobody else can reach. Returns
/// how many blocks were on the list before them.
unsigned foreign_splice(
    acre_heap *heap, struct slab *slab, acre_block *first, acre_block *last, unsigned count);

/// Takes the whole list. NULL if it is empty.
acre_block *foreign_take(struct slab *slab);

static inline unsigned foreign_count(const struct slab *slab)
{
    return load_relaxed(&slab->foreign) >> 16;
}

/// The owner's free made `due` reach 0: wakes the slab, or finds it empty.
void slab_due(acre_heap *heap, struct slab *slab);

/// Locks the slot that owns `slab`. NULL, and no lock, if the slab is in transit.
struct slot *slab_lock_owner(acre_heap *heap, struct slab *slab);

#endif
