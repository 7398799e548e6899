// handles.h - what the two files of the heap of handles share.
//
// Slots of blocks that have bytes are linked in the order of their addresses; holes are what lies between
// them. So nothing of the heap lies among the blocks, and nothing has to be merged.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_HANDLES_H
#define ACRE_POOLS_HANDLES_H

#include "acre/handles.h"
#include "base/bits.h"

#define HANDLES_NONE UINT32_MAX

struct handle_slot {
    uint64_t
        word;    // as in acre/table.h: the handle if live, else next generation and next free slot
    size_t size; // bytes asked for
    uint32_t offset; // in units
    uint32_t units;  // 0: on no list
    uint32_t prev;   // neighbours by address
    uint32_t next;
    uint32_t priority; // 0: not purgeable
    uint16_t refs;
    uint16_t pins;
    bool purged;
};

struct acre_handles {
    unsigned char *base;
    struct handle_slot *slots;
    uint32_t units; // of ACRE_HANDLES_ALIGN bytes
    uint32_t count; // slots
    uint32_t made;  // slots that were ever used
    uint32_t free_slot;
    uint32_t first; // block by address
    uint32_t last;
    uint32_t live_count;
    uint32_t used_units;
    uint64_t epoch;
    size_t moved_bytes;
    size_t purged_count;
    bool stress_high; // where stress moves everything next
    acre_handles_options options;
};

/// The slot of a live handle; NULL if it is stale.
static inline struct handle_slot *handles_slot(const acre_handles *heap, acre_handle handle)
{
    uint32_t index = (uint32_t)handle;
    return index < heap->made && heap->slots[index].word == handle ? &heap->slots[index] : NULL;
}

static inline unsigned char *handles_data(const acre_handles *heap, const struct handle_slot *slot)
{
    return heap->base + (size_t)slot->offset * ACRE_HANDLES_ALIGN;
}

/// Where a block ends; HANDLES_NONE stands for the start of memory.
static inline uint32_t handles_end(const acre_handles *heap, uint32_t at)
{
    return at == HANDLES_NONE ? 0 : heap->slots[at].offset + heap->slots[at].units;
}

static inline uint32_t handles_after(const acre_handles *heap, uint32_t at)
{
    return at == HANDLES_NONE ? heap->first : heap->slots[at].next;
}

/// Where the next block starts; HANDLES_NONE stands for the end of memory.
static inline uint32_t handles_start(const acre_handles *heap, uint32_t at)
{
    return at == HANDLES_NONE ? heap->units : heap->slots[at].offset;
}

/// Bytes as units; false if no heap has so many.
bool handles_units(size_t bytes, uint32_t *units);

/// Finds a hole of so many units, the lowest or the highest: the block it lies behind (HANDLES_NONE: it is at
/// the start) and where in it to put a block. False: there is none.
bool handles_find(
    const acre_handles *heap, uint32_t units, bool high, uint32_t *after, uint32_t *offset);

/// Puts a slot that is on no list behind a block, at `offset`.
void handles_link(
    acre_handles *heap, uint32_t index, uint32_t after, uint32_t offset, uint32_t units);

/// Both. False: there is no such hole.
bool handles_place(acre_handles *heap, uint32_t index, uint32_t units, bool high);

/// Moves a block's contents to `offset`, where it has its place in the list already.
void handles_move(acre_handles *heap, uint32_t index, uint32_t offset);

/// Takes a slot off the list.
void handles_unlink(acre_handles *heap, uint32_t index);

/// Makes a hole by moving and purging, as ACRE_HANDLES_AUTO has it; `spared` is not purged. False: cannot, and
/// nothing was changed.
bool handles_force_room(acre_handles *heap, uint32_t units, uint32_t spared);

/// Makes room right behind a block, so that it can have so many units where it then is. False: cannot,
/// and nothing was changed.
bool handles_force_behind(acre_handles *heap, uint32_t index, uint32_t units);

/// ACRE_HANDLES_STRESS: moves everything.
void handles_stress(acre_handles *heap);

#endif
