// foreign.h - blocks freed by threads that are not on their slab's slot.
//
// One word a slab: how many blocks, and where the first is. It changes by compare-and-swap or
// exchange only, from any slot, so that a foreign free takes no lock. The first block's place is
// kept as an offset, so that half of 32 bits suffices on any machine, wherever its addresses lie.
//
//   foreign = generation << 32 | count << 16 | offset of the first block in the slab / 16
//
// A list that is empty has neither count nor offset. No tag against reuse (ABA) is needed for the list:
// a push that succeeds links to exactly the block and the count that stand in the word at that moment,
// whatever happened in between, and takes take everything. The generation is for the block: see owner.h.
// It changes under the lock of the slab's slot. Where words have 32 bits, there is none.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_FOREIGN_H
#define ACRE_HEAP_FOREIGN_H

#include "heap/layout.h"

/// The slab's generation, to be asked for before the slab is looked at. Always 0 where words have 32 bits.
static inline uint32_t foreign_generation(const struct slab *slab)
{
    return (uint32_t)((uint64_t)load_acquire(&slab->foreign) >> 32); // pairs with foreign_renew
}

/// Frees a live block of a slab that the caller is not on the slot of. False if the slab has another
/// generation now than `seen`: then the block is not freed, but its two words may have been written, and
/// it may be no block any more.
bool foreign_free(acre_heap *heap, struct slab *slab, acre_block *block, uint32_t seen);

/// Puts back `count` free blocks, linked from `first` to `last`, that nobody else can reach. Returns
/// how many blocks were on the list before them.
unsigned foreign_splice(
    acre_heap *heap, struct slab *slab, acre_block *first, acre_block *last, unsigned count);

/// Takes the whole list. NULL if it is empty.
acre_block *foreign_take(struct slab *slab);

/// Takes the whole list and begins a new generation.
acre_block *foreign_renew(struct slab *slab, uint32_t generation);

static inline unsigned foreign_count(const struct slab *slab)
{
    return (uint32_t)load_relaxed(&slab->foreign) >> 16;
}

/// The owner's free made `due` reach 0: wakes the slab, or finds it empty.
void slab_due(acre_heap *heap, struct slab *slab);

/// Locks the slot that owns `slab`. NULL, and no lock, if the slab is in transit.
struct slot *slab_lock_owner(acre_heap *heap, struct slab *slab);

#endif
