// region_grow.c - blocks of a region that change their size, growing objects, and scratch regions. See
// acre/region.h.
//
// A growing object is a block with room behind its bytes. It doubles when it is full: in place while it
// is the region's last block and there is room, else by a copy.
// SPDX-License-Identifier: MIT
#include "pools/region.h"

enum { GROW_BYTES_MIN = 64 };

/// What a block of so many bytes takes; `bytes` is not near the greatest number.
static size_t taken_by(size_t bytes)
{
    return round_up(bytes == 0 ? 1 : bytes, ACRE_REGION_ALIGN);
}

acre_status acre_region_resize(acre_region *region, void *block, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes > PTRDIFF_MAX / 2) {
        return ACRE_NO_MEMORY;
    }
    unsigned char *start = block;
    size_t old_taken = taken_by(old_bytes);
    size_t new_taken = taken_by(new_bytes);
    if (start + old_taken != region->at) {
        return new_taken <= old_taken ? ACRE_OK : ACRE_BAD_ARGUMENT;
    }
    if (new_taken > old_taken && new_taken - old_taken > (size_t)(region->end - region->at) &&
        !region_commit_room(region, new_taken - old_taken)) {
        return ACRE_NO_MEMORY;
    }
    region->at = start + new_taken;
    return ACRE_OK;
}

void *acre_region_realloc(acre_region *region, void *block, size_t old_bytes, size_t new_bytes)
{
    if (block == NULL) {
        return acre_region_alloc(region, new_bytes);
    }
    if (acre_region_resize(region, block, old_bytes, new_bytes) == ACRE_OK) {
        return block;
    }
    void *moved = acre_region_alloc(region, new_bytes);
    if (moved != NULL) {
        __builtin_memcpy(moved, block, old_bytes < new_bytes ? old_bytes : new_bytes);
    }
    return moved;
}

// ---- growing objects -----------------------------------------------------------------------------

void acre_grow_begin(acre_grow *grow, acre_region *region)
{
    *grow = (acre_grow){.region = region};
}

/// Makes the object's block large enough for `bytes`. False: nothing changed.
static bool grow_to(acre_grow *grow, size_t bytes)
{
    size_t doubled = grow->capacity_bytes > PTRDIFF_MAX / 4 ? bytes : 2 * grow->capacity_bytes;
    doubled = doubled < GROW_BYTES_MIN ? GROW_BYTES_MIN : doubled;
    size_t capacity = doubled > bytes ? doubled : bytes;
    void *block = acre_region_realloc(grow->region, grow->start, grow->capacity_bytes, capacity);
    if (block == NULL && capacity != bytes) {
        capacity = bytes; // perhaps what is needed can be had, if not twice as much
        block = acre_region_realloc(grow->region, grow->start, grow->capacity_bytes, capacity);
    }
    if (block == NULL) {
        return false;
    }
    grow->start = block;
    grow->capacity_bytes = capacity;
    return true;
}

acre_status acre_grow_append(acre_grow *grow, const void *from, size_t bytes)
{
    size_t all;
    if (!add_size(grow->bytes, bytes, &all) || all > PTRDIFF_MAX / 2) {
        return ACRE_NO_MEMORY;
    }
    if (all > grow->capacity_bytes && !grow_to(grow, all)) {
        return ACRE_NO_MEMORY;
    }
    if (from != NULL && bytes != 0) {
        __builtin_memcpy(grow->start + grow->bytes, from, bytes);
    }
    grow->bytes = all;
    return ACRE_OK;
}

void *acre_grow_finish(acre_grow *grow)
{
    void *block = grow->bytes == 0 ? NULL : grow->start;
    if (block != NULL && grow->start + taken_by(grow->capacity_bytes) == grow->region->at) {
        grow->region->at = grow->start + taken_by(grow->bytes);
    }
    acre_grow_begin(grow, grow->region);
    return block;
}

// ---- scratch -------------------------------------------------------------------------------------

acre_status acre_scratch_open(
    acre_scratch *scratch, acre_pages *pages, const acre_region_options *options)
{
    acre_status status = acre_region_open(&scratch->region[0], pages, options);
    return status != ACRE_OK ? status : acre_region_open(&scratch->region[1], pages, options);
}

acre_region *acre_scratch_pick(
    acre_scratch *scratch, const acre_region *const *in_use, size_t count)
{
    for (size_t i = 0; i < 2; i++) {
        bool used = false;
        for (size_t k = 0; k < count; k++) {
            used = used || in_use[k] == &scratch->region[i];
        }
        if (!used) {
            return &scratch->region[i];
        }
    }
    return NULL;
}

void acre_scratch_close(acre_scratch *scratch)
{
    acre_region_close(&scratch->region[1]);
    acre_region_close(&scratch->region[0]);
}
