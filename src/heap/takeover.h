// takeover.h - memory that sleeps in idle slots.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_TAKEOVER_H
#define ACRE_HEAP_TAKEOVER_H

#include "heap/layout.h"

/// Moves slabs from a slot that has been idle to slot `number`: awake ones of `class`, and empty
/// ones. False if none was found. No lock may be held.
bool takeover(acre_heap *heap, unsigned number, unsigned class);

/// Moves empty slabs from any other slot, idle or not, to the one that the caller is on. False if there
/// are none. No lock may be held.
bool takeover_empty(acre_heap *heap);

/// How many empty slabs a slot had at each moment since this was last asked; 0 if they are not worth a barrier.
unsigned takeover_rested(struct slot *slot);

/// Gives back some of the empty slabs of slot `number`, as free pages: of an `idle` one, else of those that other
/// slots' frees have emptied, and up to `empties` others. Returns their bytes; 0 when there are no more. Where
/// somebody may be on the slot and the port cannot tell, these are only slabs of which every block is on the foreign
/// list. No lock may be held. The caller need not be on any slot.
size_t takeover_retire(acre_heap *heap, unsigned number, bool idle, unsigned empties);

#endif
