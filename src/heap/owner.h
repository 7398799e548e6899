// owner.h - whose a slab is, and since when: slab->owner.
//
//   owner = generation << 16 | slot number, or ACRE_SLOT_NONE while the slab is in transit
//
// A free first finds that its block is one of the slab's, and pushes it afterwards. If another thread
// frees the same block in between, by mistake, all blocks may be free by then, and the slice may be cut
// into blocks of another size: the push would make two that overlap. So a slab has another generation
// when its blocks are counted for the last time, and another one when it is cut anew. Each push compares
// the whole word with what it saw before it looked at the slab; a foreign free, which is pushed to the
// foreign list, has the generation in the word that it exchanges (foreign.h). Both fail, and the free
// begins anew.
//
// Hand-written hit paths that do all of a free in one restartable sequence, from the look at the slot
// number on, need no generation: nobody counts the blocks of a slab without a commit on its slot.
//
// Everything that writes the word does so under the lock of the slot that owns the slab, or while nobody
// does.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_OWNER_H
#define ACRE_HEAP_OWNER_H

#include "heap/layout.h"

enum { OWNER_SLOT_BITS = 16 };

_Static_assert(ACRE_PORT_SLOTS_MAX <= ACRE_SLOT_NONE, "a slot number fits beside a generation");

/// The slot of a slab->owner.
static inline unsigned owner_slot(uintptr_t owner)
{
    return (uint16_t)owner;
}

/// The generation of a slab->owner. It is that of the foreign word, too, but while it changes.
static inline uint32_t owner_generation(uintptr_t owner)
{
    return (uint32_t)(owner >> OWNER_SLOT_BITS);
}

/// Gives the slab to a slot, or to none, in the generation that it is in.
static inline void owner_set(struct slab *slab, unsigned slot)
{
    uintptr_t owner = load_relaxed(&slab->owner);
    store_release(&slab->owner, owner >> OWNER_SLOT_BITS << OWNER_SLOT_BITS | slot);
}

/// A number that no generation of a slab of this heap has had, but for one 2^32 numbers ago.
static inline uint32_t owner_next_generation(acre_heap *heap)
{
    return add_relaxed(&heap->generations, 1) + 1;
}

/// Gives the slab to a slot, or to none, in a new generation.
static inline void owner_renew(struct slab *slab, unsigned slot, uint32_t generation)
{
    store_release(&slab->owner, (uintptr_t)generation << OWNER_SLOT_BITS | slot);
}

#endif
