// suspect.c - see suspect.h.
//
// A live block may hold the very two words that a free one holds: a program may copy bytes that it
// never wrote, from the middle of a block to the start of another. Such a program is correct, and must
// not be ended. So before a block is called free it is searched for on the lists of its slab.
//
// A thread that is not on the slab's slot can search only part of them. It then goes by whether the
// link makes sense: the end of a list, or another free block of the same slab.
// SPDX-License-Identifier: MIT
#include "heap/suspect.h"

#include "heap/block.h"
#include "heap/foreign.h"
#include "heap/hit.h"
#include "heap/slab.h"

// A thread may leave the slot in the middle of a search, and be back for the next.
enum { ATTEMPTS_MAX = 4 };

SLOW static bool makes_sense(
    const acre_heap *heap, const struct slab *slab, const acre_block *block)
{
    const acre_block *next = block->next;
    return next == NULL || (hit_is_block(slab, (uintptr_t)next) && block_looks_free(heap, next));
}

SLOW static enum found look_for(acre_heap *heap, struct slab *slab, const acre_block *block)
{
    if (!ACRE_CHECKED || likely(!block_looks_free(heap, block))) {
        return FOUND_NOT;
    }
    if (!makes_sense(heap, slab, block)) {
        return FOUND_NOT;
    }
    enum found found = FOUND_UNKNOWN;
    for (int i = 0; i < ATTEMPTS_MAX && found == FOUND_UNKNOWN; i++) {
        struct slot *slot = slab_lock_owner(heap, slab);
        if (slot == NULL) {
            break; // between slots
        }
        found = slab_search(heap, slot, slab, block);
        acre_port_lock_drop(&slot->lock);
    }
    return found;
}

bool suspect_is_free(acre_heap *heap, struct slab *slab, const acre_block *block)
{
    return look_for(heap, slab, block) != FOUND_NOT;
}

bool suspect_is_found_free(acre_heap *heap, struct slab *slab, const acre_block *block)
{
    return look_for(heap, slab, block) == FOUND;
}
