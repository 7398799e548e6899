// handles.c - blocks that may move: handles, references, contents, pins. See acre/handles.h. Where blocks lie
// is decided in handles_move.c.
// SPDX-License-Identifier: MIT
#include "pools/handles.h"

#include "base/check.h"

enum { BYTES_FOR_A_SLOT = 256, COUNT_MAX = 65535 };

acre_status acre_handles_init(
    void *memory, size_t bytes, const acre_handles_options *options, acre_handles **out)
{
    static const acre_handles_options defaults;
    options = options == NULL ? &defaults : options;
    if (memory == NULL || (options->flags & ~(ACRE_HANDLES_AUTO | ACRE_HANDLES_STRESS)) != 0 ||
        bytes / ACRE_HANDLES_ALIGN >= UINT32_MAX) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t skip = (size_t)(0 - (word)memory) & (_Alignof(struct handle_slot) - 1);
    size_t count = options->count != 0 ? options->count : bytes / BYTES_FOR_A_SLOT + 1;
    size_t head;
    if (!mul_size(count, sizeof(struct handle_slot), &head) ||
        !add_size(head, skip + sizeof(acre_handles) + ACRE_HANDLES_ALIGN, &head) || head > bytes) {
        return ACRE_NO_MEMORY;
    }
    acre_handles *heap = (acre_handles *)(void *)((unsigned char *)memory + skip);
    *heap = (acre_handles){
        .slots = (struct handle_slot *)(void *)(heap + 1),
        .count = (uint32_t)count,
        .free_slot = HANDLES_NONE,
        .first = HANDLES_NONE,
        .last = HANDLES_NONE,
        .options = *options,
    };
    unsigned char *base = (unsigned char *)(heap->slots + count);
    heap->base = base + ((size_t)(0 - (word)base) & (ACRE_HANDLES_ALIGN - 1));
    heap->units =
        (uint32_t)((size_t)((unsigned char *)memory + bytes - heap->base) / ACRE_HANDLES_ALIGN);
    *out = heap;
    return ACRE_OK;
}

// ---- handles and references ----------------------------------------------------------------------

acre_handle acre_handles_new(acre_handles *heap, size_t size, unsigned flags)
{
    uint32_t units;
    uint32_t index = heap->free_slot != HANDLES_NONE ? heap->free_slot : heap->made;
    if (!handles_units(size, &units) || index >= heap->count || (flags & ~ACRE_HANDLE_HIGH) != 0) {
        return 0;
    }
    handles_stress(heap);
    bool high = (flags & ACRE_HANDLE_HIGH) != 0;
    if (units != 0 && !handles_place(heap, index, units, high)) {
        if (!handles_force_room(heap, units, HANDLES_NONE) ||
            !handles_place(heap, index, units, high)) {
            return 0;
        }
    }
    struct handle_slot *slot = &heap->slots[index];
    uint32_t generation = 1;
    if (index == heap->made) {
        heap->made += 1;
    } else {
        generation = (uint32_t)(slot->word >> 32);
        heap->free_slot = (uint32_t)slot->word;
    }
    slot->word = (uint64_t)generation << 32 | index;
    slot->size = size;
    slot->refs = 1;
    slot->pins = 0;
    slot->priority = 0;
    slot->purged = false;
    if (units == 0) {
        slot->units = 0;
        slot->offset = 0;
    }
    heap->live_count += 1;
    return slot->word;
}

/// Frees a live block that is not pinned.
static void free_slot(acre_handles *heap, struct handle_slot *slot)
{
    acre_handle handle = slot->word;
    uint32_t index = (uint32_t)handle;
    uint32_t generation = (uint32_t)(handle >> 32);
    if (heap->options.destroy != NULL) {
        void *data = slot->units != 0 ? handles_data(heap, slot) : NULL;
        heap->options.destroy(handle, data, slot->size, heap->options.argument);
    }
    if (slot->units != 0) {
        handles_unlink(heap, index);
    }
    heap->live_count -= 1;
    heap->epoch += 1;
    if (generation == UINT32_MAX) {
        slot->word = HANDLES_NONE; // used up: on no list, and no handle's word
    } else {
        slot->word = (uint64_t)(generation + 1) << 32 | heap->free_slot;
        heap->free_slot = index;
    }
}

acre_status acre_handles_ref(acre_handles *heap, acre_handle handle)
{
    struct handle_slot *slot = handles_slot(heap, handle);
    if (slot == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    slot->refs = slot->refs == COUNT_MAX ? slot->refs : (uint16_t)(slot->refs + 1);
    return ACRE_OK;
}

acre_status acre_handles_unref(acre_handles *heap, acre_handle handle)
{
    struct handle_slot *slot = handles_slot(heap, handle);
    if (slot == NULL || (slot->refs == 1 && slot->pins != 0)) {
        return ACRE_BAD_ARGUMENT;
    }
    if (slot->refs == 1) {
        free_slot(heap, slot);
    } else if (slot->refs != COUNT_MAX) {
        slot->refs -= 1;
    }
    return ACRE_OK;
}

acre_status acre_handles_kill(acre_handles *heap, acre_handle handle)
{
    struct handle_slot *slot = handles_slot(heap, handle);
    if (slot == NULL || slot->pins != 0) {
        return ACRE_BAD_ARGUMENT;
    }
    free_slot(heap, slot);
    return ACRE_OK;
}

bool acre_handles_is_valid(const acre_handles *heap, acre_handle handle)
{
    return handles_slot(heap, handle) != NULL;
}

size_t acre_handles_size(const acre_handles *heap, acre_handle handle)
{
    const struct handle_slot *slot = handles_slot(heap, handle);
    return slot == NULL ? 0 : slot->size;
}

// ---- contents ------------------------------------------------------------------------------------

/// The address of so many bytes in a block; NULL if they are not in it.
static unsigned char *bytes_at(
    const acre_handles *heap, acre_handle handle, size_t offset, size_t bytes)
{
    const struct handle_slot *slot = handles_slot(heap, handle);
    if (slot == NULL || offset > slot->size || bytes > slot->size - offset) {
        return NULL;
    }
    return handles_data(heap, slot) + offset;
}

acre_status acre_handles_read(
    const acre_handles *heap, acre_handle handle, size_t offset, void *to, size_t bytes)
{
    const unsigned char *from = bytes_at(heap, handle, offset, bytes);
    if (from == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    __builtin_memcpy(to, from, bytes);
    return ACRE_OK;
}

acre_status acre_handles_write(
    acre_handles *heap, acre_handle handle, size_t offset, const void *from, size_t bytes)
{
    unsigned char *to = bytes_at(heap, handle, offset, bytes);
    if (to == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    __builtin_memcpy(to, from, bytes);
    return ACRE_OK;
}

acre_status acre_handles_fill(
    acre_handles *heap, acre_handle handle, size_t offset, unsigned char value, size_t bytes)
{
    unsigned char *to = bytes_at(heap, handle, offset, bytes);
    if (to == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    __builtin_memset(to, value, bytes);
    return ACRE_OK;
}

acre_status acre_handles_copy(
    acre_handles *heap, acre_handle to, size_t to_offset, acre_handle from, size_t from_offset,
    size_t bytes)
{
    unsigned char *target = bytes_at(heap, to, to_offset, bytes);
    const unsigned char *source = bytes_at(heap, from, from_offset, bytes);
    if (target == NULL || source == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    __builtin_memmove(target, source, bytes);
    return ACRE_OK;
}

void *acre_handles_pin(acre_handles *heap, acre_handle handle)
{
    struct handle_slot *slot = handles_slot(heap, handle);
    if (slot == NULL || slot->units == 0 || slot->pins == COUNT_MAX) {
        return NULL;
    }
    slot->pins += 1;
    return handles_data(heap, slot);
}

acre_status acre_handles_unpin(acre_handles *heap, acre_handle handle)
{
    struct handle_slot *slot = handles_slot(heap, handle);
    if (slot == NULL || slot->pins == 0) {
        return ACRE_BAD_ARGUMENT;
    }
    slot->pins -= 1;
    return ACRE_OK;
}

const void *acre_handles_peek(
    const acre_handles *heap, acre_handle handle, size_t offset, size_t bytes)
{
    return bytes_at(heap, handle, offset, bytes);
}

uint64_t acre_handles_epoch(const acre_handles *heap)
{
    return heap->epoch;
}

// ---- size ----------------------------------------------------------------------------------------

/// Moves a block to a place where it can have `units` units: down in its own hole, or to another one. False:
/// there is none.
static bool resize_elsewhere(acre_handles *heap, uint32_t index, uint32_t units)
{
    struct handle_slot *slot = &heap->slots[index];
    uint32_t lowest = handles_end(heap, slot->prev);
    if (slot->units != 0 && handles_start(heap, slot->next) - lowest >= units) {
        handles_move(heap, index, lowest);
        return true;
    }
    uint32_t after;
    uint32_t offset;
    if (!handles_find(heap, units, false, &after, &offset)) {
        return false;
    }
    if (slot->units == 0) {
        handles_link(heap, index, after, offset, units);
        return true;
    }
    // The hole behind the block itself would have been enough without a move: it is another one.
    acre_debug(after != index);
    uint32_t old_units = slot->units;
    uint32_t old_offset = slot->offset;
    handles_unlink(heap, index);
    handles_link(heap, index, after, old_offset, old_units);
    handles_move(heap, index, offset);
    return true;
}

/// Sees to it that the block can have `units` units where it then is, with the holes there are. False: it cannot.
static bool use_room_for(acre_handles *heap, uint32_t index, uint32_t units)
{
    const struct handle_slot *slot = &heap->slots[index];
    if (slot->units != 0 && units <= handles_start(heap, slot->next) - slot->offset) {
        return true;
    }
    return slot->pins == 0 && resize_elsewhere(heap, index, units);
}

/// The same, with holes that are made for it if the heap is ACRE_HANDLES_AUTO.
static bool make_room_for(acre_handles *heap, uint32_t index, uint32_t units)
{
    const struct handle_slot *slot = &heap->slots[index];
    if (use_room_for(heap, index, units)) {
        return true;
    }
    if ((heap->options.flags & ACRE_HANDLES_AUTO) == 0) {
        return false;
    }
    if (slot->units != 0 && handles_force_behind(heap, index, units)) {
        return true;
    }
    return slot->pins == 0 && handles_force_room(heap, units, index) &&
           use_room_for(heap, index, units);
}

acre_status acre_handles_resize(acre_handles *heap, acre_handle handle, size_t size)
{
    struct handle_slot *slot = handles_slot(heap, handle);
    uint32_t units;
    if (slot == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    if (!handles_units(size, &units) || (units == 0 && slot->pins != 0)) {
        return ACRE_NO_MEMORY;
    }
    handles_stress(heap);
    uint32_t index = (uint32_t)handle;
    if (units == 0) {
        if (slot->units != 0) {
            handles_unlink(heap, index);
        }
        slot->size = 0;
        slot->purged = false;
        return ACRE_OK;
    }
    if (!make_room_for(heap, index, units)) {
        return ACRE_NO_MEMORY;
    }
    heap->used_units = heap->used_units - slot->units + units;
    heap->epoch += size < slot->size ? 1 : 0; // an address may be past its end now
    slot->units = units;
    slot->size = size;
    slot->purged = false;
    return ACRE_OK;
}
