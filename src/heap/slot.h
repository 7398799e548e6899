// slot.h - a heap's slots: made when they are first needed, kept until the heap ends.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_SLOT_H
#define ACRE_HEAP_SLOT_H

#include "heap/layout.h"

/// The struct of slot `number`, made if the heap has none yet. NULL if there is no memory for it.
struct slot *slot_get(acre_heap *heap, unsigned number);

/// Takes every lock of the heap in order, so that its state is whole: for fork.
void slot_lock_all(acre_heap *heap);
void slot_unlock_all(acre_heap *heap);

/// Opens every lock of the heap, whoever has it, and forgets what other threads were doing: in a process
/// that has one thread.
void slot_reset_locks(acre_heap *heap);

#endif
