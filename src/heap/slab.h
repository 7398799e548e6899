// slab.h - a slab's life with the slot that owns it.
//
//                       refill takes it                full, refill leaves it
//     fresh slice ----------------------> ACTIVE -------------------------------> ASLEEP
//                                          ^  |                                     |
//                           refill takes it|  | refill leaves it, not all carved    | `wake` frees
//                                          |  v                                     v
//                                        AWAKE <-------------------------------------
//                                          | all blocks free
//                                          v
//                                        EMPTY ---> used again, or its slice given back
//
// Only ACTIVE slabs feed malloc; the others collect frees. `due` counts the owner's frees down to a
// slab's next event: ASLEEP to waking, AWAKE to being empty. Frees from other slots gather in the
// foreign list and raise the same events by its length.
//
// Everything here is under the lock of the slot that owns the slab. The caller is usually on that slot;
// where it never was, or has left, commits say "moved".
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_SLAB_H
#define ACRE_HEAP_SLAB_H

#include "heap/block.h"
#include "heap/layout.h"
#include "heap/owner.h"

/// Makes a fresh slice, or an empty slab of another class, the active slab of `class`.
void slab_start(acre_heap *heap, struct slot *slot, struct slab *slab, unsigned class);

/// Links the next few blocks that were never handed out into a list. NULL if there are none left.
acre_block *slab_carve(acre_heap *heap, struct slab *slab);

static inline bool slab_is_carved(const struct slab *slab)
{
    return slab->carved == slab->capacity;
}

/// Lets an active slab's `due` never fire. False if the thread has moved: an event may come then.
bool slab_quiet(struct slot *slot, struct slab *slab);

/// What slab_drain found.
enum drained { DRAINED_SOME, DRAINED_NONE, DRAINED_MOVED };

/// Takes all free blocks of an active or awake slab. With none, `due` is left to fire after `wake`
/// frees; else it never fires.
enum drained slab_drain(struct slot *slot, struct slab *slab, acre_block **list);

/// The active slab of its class stops being it: it has no free block that anybody knows of.
void slab_leave(struct slot *slot, struct slab *slab);

/// A slab that slab_drain found to have no free block, and all carved, sleeps from now on.
void slab_sleep(struct slab *slab);

/// Notes that all blocks of an awake slab may be free, for whom to use when the slot needs a slab.
void slab_set_drained(struct slot *slot, struct slab *slab);

/// Forgets that hint.
void slab_clear_drained(struct slot *slot, struct slab *slab);

/// Puts a slab that is on no list last on its class's awake list.
void slab_add_awake(struct slot *slot, struct slab *slab);

/// A sleeping slab has enough free blocks to be used again.
void slab_wake(struct slot *slot, struct slab *slab);

/// An awake slab may have no live block left. If so it goes to the slot's empty slabs. When those are
/// too many, one is retired and returned, for space_give_slice once the lock is dropped.
struct slab *slab_check_empty(acre_heap *heap, struct slot *slot, struct slab *slab);

/// Puts a slab that is on no list first among the slot's empty ones; takes one off them.
void slab_add_empty(struct slot *slot, struct slab *slab);
void slab_remove_empty(struct slot *slot, struct slab *slab);

/// Takes an empty slab of `class` to use it again as it is. NULL if there is none.
struct slab *slab_take_empty(struct slot *slot, unsigned class);

/// Retires the slab that has been empty longest, of any class. Its blocks are counted first: counters
/// may be wrong, and to use a slab for anything else while a block of it lives would be the end.
/// NULL if there is none; one that is not empty after all wakes up again.
struct slab *slab_retire_empty(acre_heap *heap, struct slot *slot);

/// Detaches an empty slab from its slot, ready for space_give_slice.
void slab_retire(struct slab *slab);

/// Where a block was found that looks free.
enum found {
    FOUND,         // on one of the slab's lists, or in the bin
    FOUND_NOT,     // on none: it is live, and happens to look like that
    FOUND_UNKNOWN, // the caller is not on the slot, so that some lists could not be searched
};

/// Whether all blocks of an awake or empty slab are free, counted one by one. If so (FOUND), the lists
/// are gone; if not, the blocks stay on them. FOUND_UNKNOWN when the caller is not on the slot.
enum found slab_count_all(acre_heap *heap, struct slot *slot, struct slab *slab);

/// Moves every awake slab whose blocks seem to be all free to the slot's empty ones. Events find most of
/// them; this finds those whose last frees came from several slots.
void slab_sweep(struct slot *slot);

/// Searches every list that may have a free block of `slab`. Slow, and as rare as mistakes are.
enum found slab_search(
    acre_heap *heap, struct slot *slot, struct slab *slab, const acre_block *block);

/// Free blocks in the owner's list by count; one too many for each push that was aborted.
/// A peek from any thread, for decisions that are checked again before they count.
unsigned slab_hot_count(const struct slab *slab);

#endif
