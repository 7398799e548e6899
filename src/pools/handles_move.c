// handles_move.c - where the blocks of a heap of handles lie, and moving them. See acre/handles.h and
// pools/handles.h.
//
// Blocks keep their order when they move, so that moving is sliding: no block needs a second place, and
// what lies together stays together. A pinned block divides memory: nothing slides past it.
//
// To make a hole of n units, the stretch between two pins is sought in which holes of n units together have
// the fewest bytes between them: two ends go along the list once, the front one until there is enough, the
// rear one as long as there is.
// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "pools/handles.h"

bool handles_units(size_t bytes, uint32_t *units)
{
    size_t rounded = bytes / ACRE_HANDLES_ALIGN + (bytes % ACRE_HANDLES_ALIGN != 0);
    *units = (uint32_t)rounded;
    return rounded < UINT32_MAX;
}

static uint32_t gap_after(const acre_handles *heap, uint32_t at)
{
    return handles_start(heap, handles_after(heap, at)) - handles_end(heap, at);
}

bool handles_find(
    const acre_handles *heap, uint32_t units, bool high, uint32_t *after, uint32_t *offset)
{
    uint32_t at = high ? heap->last : HANDLES_NONE;
    while (gap_after(heap, at) < units) {
        uint32_t end = high ? HANDLES_NONE : heap->last;
        if (at == end) {
            return false;
        }
        at = high ? heap->slots[at].prev : handles_after(heap, at);
    }
    *after = at;
    *offset = high ? handles_start(heap, handles_after(heap, at)) - units : handles_end(heap, at);
    return true;
}

void handles_link(
    acre_handles *heap, uint32_t index, uint32_t after, uint32_t offset, uint32_t units)
{
    struct handle_slot *slot = &heap->slots[index];
    slot->prev = after;
    slot->next = handles_after(heap, after);
    slot->offset = offset;
    slot->units = units;
    if (after == HANDLES_NONE) {
        heap->first = index;
    } else {
        heap->slots[after].next = index;
    }
    if (slot->next == HANDLES_NONE) {
        heap->last = index;
    } else {
        heap->slots[slot->next].prev = index;
    }
    heap->used_units += units;
}

void handles_unlink(acre_handles *heap, uint32_t index)
{
    struct handle_slot *slot = &heap->slots[index];
    if (slot->prev == HANDLES_NONE) {
        heap->first = slot->next;
    } else {
        heap->slots[slot->prev].next = slot->next;
    }
    if (slot->next == HANDLES_NONE) {
        heap->last = slot->prev;
    } else {
        heap->slots[slot->next].prev = slot->prev;
    }
    heap->used_units -= slot->units;
    heap->epoch += 1;
    slot->units = 0;
    slot->offset = 0;
}

bool handles_place(acre_handles *heap, uint32_t index, uint32_t units, bool high)
{
    uint32_t after;
    uint32_t offset;
    if (!handles_find(heap, units, high, &after, &offset)) {
        return false;
    }
    handles_link(heap, index, after, offset, units);
    return true;
}

// ---- sliding -------------------------------------------------------------------------------------

void handles_move(acre_handles *heap, uint32_t index, uint32_t offset)
{
    struct handle_slot *slot = &heap->slots[index];
    unsigned char *from = handles_data(heap, slot);
    size_t bytes = (size_t)slot->units * ACRE_HANDLES_ALIGN;
    slot->offset = offset;
    unsigned char *to = handles_data(heap, slot);
    __builtin_memmove(to, from, slot->size);
    heap->moved_bytes += slot->size;
    heap->epoch += 1;
    if (ACRE_DEBUG || (heap->options.flags & ACRE_HANDLES_STRESS) != 0) {
        // What the block has left: a pointer that outlives its pin reads this.
        unsigned char *start = from < to || from >= to + bytes ? from : to + bytes;
        unsigned char *end = from < to && to < from + bytes ? to : from + bytes;
        __builtin_memset(start, 0xdd, (size_t)(end - start));
    }
}

/// Slides a block down to the one before it. Returns the bytes moved.
static size_t slide_low(acre_handles *heap, uint32_t index)
{
    struct handle_slot *slot = &heap->slots[index];
    uint32_t offset = handles_end(heap, slot->prev);
    if (slot->pins != 0 || slot->offset == offset) {
        return 0;
    }
    handles_move(heap, index, offset);
    return slot->size;
}

/// Slides a block up to the one behind it.
static void slide_high(acre_handles *heap, uint32_t index)
{
    struct handle_slot *slot = &heap->slots[index];
    uint32_t offset = handles_start(heap, slot->next) - slot->units;
    if (slot->pins == 0 && slot->offset != offset) {
        handles_move(heap, index, offset);
    }
}

size_t acre_handles_compact(acre_handles *heap, size_t bytes_max)
{
    size_t moved = 0;
    for (uint32_t at = heap->first; at != HANDLES_NONE; at = heap->slots[at].next) {
        const struct handle_slot *slot = &heap->slots[at];
        bool moves = slot->pins == 0 && slot->offset != handles_end(heap, slot->prev);
        if (moves && moved != 0 && (moved >= bytes_max || slot->size > bytes_max - moved)) {
            break;
        }
        moved += slide_low(heap, at);
    }
    return moved;
}

void handles_stress(acre_handles *heap)
{
    if ((heap->options.flags & ACRE_HANDLES_STRESS) == 0) {
        return;
    }
    if (heap->stress_high) {
        for (uint32_t at = heap->last; at != HANDLES_NONE; at = heap->slots[at].prev) {
            slide_high(heap, at);
        }
    } else {
        (void)acre_handles_compact(heap, SIZE_MAX);
    }
    heap->stress_high = !heap->stress_high;
}

// ---- making room ---------------------------------------------------------------------------------

acre_status acre_handles_make_room(acre_handles *heap, size_t size, size_t bytes_max)
{
    uint32_t units;
    uint32_t after;
    uint32_t offset;
    if (!handles_units(size, &units)) {
        return ACRE_NO_MEMORY;
    }
    if (handles_find(heap, units, false, &after, &offset)) {
        return ACRE_OK;
    }
    // Holes from the one behind `rear` to the one behind `front`; no single one is enough.
    uint32_t rear = HANDLES_NONE;
    size_t sum = gap_after(heap, HANDLES_NONE);
    size_t cost = 0;
    size_t best_cost = SIZE_MAX;
    uint32_t best_rear = HANDLES_NONE;
    uint32_t best_front = HANDLES_NONE;
    for (uint32_t front = heap->first; front != HANDLES_NONE; front = heap->slots[front].next) {
        if (heap->slots[front].pins != 0) {
            rear = front;
            sum = 0;
            cost = 0;
        } else {
            cost += heap->slots[front].size;
        }
        sum += gap_after(heap, front);
        while (sum >= units) {
            if (cost < best_cost) {
                best_cost = cost;
                best_rear = rear;
                best_front = front;
            }
            sum -= gap_after(heap, rear);
            rear = handles_after(heap, rear);
            cost -= heap->slots[rear].size;
        }
    }
    if (best_front == HANDLES_NONE || best_cost > bytes_max) {
        return ACRE_NO_MEMORY;
    }
    for (uint32_t at = best_rear; at != best_front;) {
        at = handles_after(heap, at);
        (void)slide_low(heap, at);
    }
    return ACRE_OK;
}

// ---- purging -------------------------------------------------------------------------------------

/// What lies between two pins: only there can blocks slide together.
struct stretch {
    size_t gap_units;       // of its holes
    size_t purgeable_units; // of blocks in it that may lose their contents
    uint32_t first_to_go; // of them, the one with the lowest priority; HANDLES_NONE: there is none
    uint32_t last;        // block in it; the one before it if it has none
};

/// The stretch behind a pinned block, or at the start. `spared` is not to be purged.
static struct stretch stretch_behind(const acre_handles *heap, uint32_t rear, uint32_t spared)
{
    struct stretch stretch = {
        .gap_units = gap_after(heap, rear), .first_to_go = HANDLES_NONE, .last = rear};
    uint32_t at = handles_after(heap, rear);
    for (; at != HANDLES_NONE && heap->slots[at].pins == 0; at = heap->slots[at].next) {
        const struct handle_slot *slot = &heap->slots[at];
        stretch.gap_units += gap_after(heap, at);
        stretch.last = at;
        if (slot->priority != 0 && at != spared) {
            uint32_t first = stretch.first_to_go;
            stretch.purgeable_units += slot->units;
            bool sooner = first == HANDLES_NONE || slot->priority < heap->slots[first].priority;
            stretch.first_to_go = sooner ? at : first;
        }
    }
    return stretch;
}

/// Of the stretches that have `units` units when all that may go is gone: the block to go first.
/// HANDLES_NONE: there is none.
static uint32_t first_to_go(const acre_handles *heap, size_t units, uint32_t spared)
{
    uint32_t found = HANDLES_NONE;
    uint32_t rear = HANDLES_NONE;
    do {
        struct stretch stretch = stretch_behind(heap, rear, spared);
        uint32_t first = stretch.first_to_go;
        if (first != HANDLES_NONE && stretch.gap_units + stretch.purgeable_units >= units &&
            (found == HANDLES_NONE || heap->slots[first].priority < heap->slots[found].priority)) {
            found = first;
        }
        rear = handles_after(heap, stretch.last);
    } while (rear != HANDLES_NONE);
    return found;
}

/// Returns the bytes that it frees.
static size_t purge_slot(acre_handles *heap, uint32_t index)
{
    struct handle_slot *slot = &heap->slots[index];
    size_t bytes = (size_t)slot->units * ACRE_HANDLES_ALIGN;
    handles_unlink(heap, index);
    slot->size = 0;
    slot->purged = true;
    heap->purged_count += 1;
    return bytes;
}

size_t acre_handles_purge(acre_handles *heap, size_t bytes)
{
    size_t freed = 0;
    while (freed < bytes) {
        uint32_t first = first_to_go(heap, 0, HANDLES_NONE);
        if (first == HANDLES_NONE) {
            break;
        }
        freed += purge_slot(heap, first);
    }
    return freed;
}

acre_status acre_handles_set_purgeable(acre_handles *heap, acre_handle handle, uint32_t priority)
{
    struct handle_slot *slot = handles_slot(heap, handle);
    if (slot == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    slot->priority = priority;
    return ACRE_OK;
}

bool acre_handles_is_purged(const acre_handles *heap, acre_handle handle)
{
    const struct handle_slot *slot = handles_slot(heap, handle);
    return slot != NULL && slot->purged;
}

bool handles_force_room(acre_handles *heap, uint32_t units, uint32_t spared)
{
    if ((heap->options.flags & ACRE_HANDLES_AUTO) == 0) {
        return false;
    }
    size_t bytes = (size_t)units * ACRE_HANDLES_ALIGN;
    while (acre_handles_make_room(heap, bytes, SIZE_MAX) != ACRE_OK) {
        // Where it can never be enough nothing is purged, so what is purged is never purged in vain.
        uint32_t first = first_to_go(heap, units, spared);
        if (first == HANDLES_NONE) {
            return false;
        }
        (void)purge_slot(heap, first);
    }
    return true;
}

/// Slides blocks from `low` up to a block down, and those behind it up to `high` up.
static void slide_apart(acre_handles *heap, uint32_t low, uint32_t index, uint32_t high)
{
    for (uint32_t at = low; at != index; at = heap->slots[at].next) {
        (void)slide_low(heap, at);
    }
    (void)slide_low(heap, index);
    for (uint32_t at = high; at != index; at = heap->slots[at].prev) {
        slide_high(heap, at);
    }
}

bool handles_force_behind(acre_handles *heap, uint32_t index, uint32_t units)
{
    while (true) {
        uint32_t rear = index; // the pin before it, itself if it is pinned
        while (rear != HANDLES_NONE && heap->slots[rear].pins == 0) {
            rear = heap->slots[rear].prev;
        }
        struct stretch stretch = stretch_behind(heap, rear, index);
        size_t room = heap->slots[index].units + stretch.gap_units;
        if (room >= units) {
            uint32_t low = rear == index ? index : handles_after(heap, rear);
            slide_apart(heap, low, index, stretch.last);
            return true;
        }
        if (room + stretch.purgeable_units < units) {
            return false;
        }
        (void)purge_slot(heap, stretch.first_to_go);
    }
}

// ---- looking at it -------------------------------------------------------------------------------

void acre_handles_get_stats(const acre_handles *heap, acre_handles_stats *out)
{
    const size_t unit = ACRE_HANDLES_ALIGN;
    *out = (acre_handles_stats){
        .total_bytes = heap->units * unit,
        .free_bytes = (heap->units - heap->used_units) * unit,
        .live_count = heap->live_count,
        .count = heap->count,
        .moved_bytes = heap->moved_bytes,
        .purged_count = heap->purged_count,
    };
    size_t stretch = 0; // holes since the last pin
    uint32_t at = HANDLES_NONE;
    do {
        if (at != HANDLES_NONE && heap->slots[at].pins != 0) {
            out->pinned_bytes += heap->slots[at].units * unit;
            stretch = 0;
        }
        size_t gap = gap_after(heap, at) * unit;
        stretch += gap;
        out->largest_bytes = gap > out->largest_bytes ? gap : out->largest_bytes;
        if (stretch > out->largest_compacted_bytes) {
            out->largest_compacted_bytes = stretch;
        }
        at = handles_after(heap, at);
    } while (at != HANDLES_NONE);
}

const char *acre_handles_audit(const acre_handles *heap)
{
    size_t used = 0;
    uint32_t listed = 0;
    uint32_t prev = HANDLES_NONE;
    for (uint32_t at = heap->first; at != HANDLES_NONE; at = heap->slots[at].next) {
        const struct handle_slot *slot = &heap->slots[at];
        if (at >= heap->made || listed == heap->made) {
            return "the list of blocks leads astray";
        }
        if (slot->prev != prev || slot->offset < handles_end(heap, prev)) {
            return "blocks overlap or are out of order";
        }
        if (slot->units == 0 || (uint32_t)slot->word != at ||
            slot->size > (size_t)slot->units * ACRE_HANDLES_ALIGN) {
            return "a block that is not live, or too small, is on the list";
        }
        used += slot->units;
        listed += 1;
        prev = at;
    }
    if (heap->last != prev || handles_end(heap, prev) > heap->units || used != heap->used_units) {
        return "the blocks do not add up";
    }
    uint32_t live = 0;
    uint32_t placed = 0;
    for (uint32_t index = 0; index < heap->made; index++) {
        bool is_live = (uint32_t)heap->slots[index].word == index;
        live += is_live ? 1 : 0;
        placed += is_live && heap->slots[index].units != 0 ? 1 : 0;
    }
    return live == heap->live_count && placed == listed ? NULL : "a live block is not on the list";
}
