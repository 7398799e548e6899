// runlist.h - short runs that a slot keeps ready on lists that change in commits, so that most of them
// come and go without any lock.
//
// One list for each length, newest first; a request takes a run of its length, or one that is longer by at
// most a quarter. A run on a list is marked RUN_KEPT like those of runcache.h, by whoever frees it, and its
// first words are those of a free block (block.h), which are checked when it is taken.
//
//   slot->run_owner = generation << 16 | slot number, or ACRE_SLOT_NONE while another takes the lists
//   slot->run_lists[length].head -> run -> run ...
//
// Pushes and pops compare run_owner with what they saw there. Who wants the lists of a slot that it is not on
// writes ACRE_SLOT_NONE, waits until all commits are over that began before (acre_port_barrier), takes
// the lists, and opens them again in a new generation: who still has the old one is refused.
//
// How many pages are on the lists is counted by plain loads and stores, which a thread that is moved between the
// two makes wrong. So it is a guess, made right by each trim: when it is above the bound, and after RUN_DUE
// frees of one length.
//
// Only with ACRE_PORT_RUNS. Cost: a commit each, one compare-and-swap for the mark.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_RUNLIST_H
#define ACRE_HEAP_RUNLIST_H

#include "heap/layout.h"

/// Whether runs of `pages` pages are kept on lists.
static inline bool runlist_holds(size_t pages)
{
    return ACRE_PORT_RUNS && pages - RUN_LISTED_MIN < (size_t)RUN_LISTS;
}

/// What the lists hold, in bytes, about.
static inline size_t runlist_bytes(const struct slot *slot)
{
    const int32_t pages = load_relaxed(&slot->run_listed);
    return pages < 0 ? 0 : (size_t)pages * PAGE_BYTES;
}

/// Makes the lists of a new slot, or those of all slots in the child of a fork.
void runlist_open(struct slot *slot);

/// Takes a run of `pages` pages, or a few more, off the lists of the slot that the caller is on, and makes it
/// live. NULL if there is none.
void *runlist_take(acre_heap *heap, unsigned pages);

/// Puts a run of `pages` pages, which the caller has marked as kept, on a list of the slot. False if the caller
/// is not on it, or there are so many slots that each may keep but few: nothing is changed then. No lock may be held.
bool runlist_give(acre_heap *heap, struct slot *slot, uintptr_t addr, unsigned pages);

/// Gives what is on a slot's lists to the space, unless somebody is on the slot and the port has no
/// barrier. Returns the bytes. No lock may be held. The caller need not be on any slot.
size_t runlist_flush(acre_heap *heap, struct slot *slot);

#endif
