// pages_range.c - a page source over one range of memory. See acre/port/kernel.h.
//
//   addr                first
//   [ taken | committed | unit 0 | unit 1 | ...                      ]
//     a bit a unit each   4 KiB
//
// First fit over the bitmap of what is taken. Addresses are memory here, so a range that is reserved
// keeps its units to itself whether they are committed or not; what commit and decommit move is the
// promise to read as zero.
//
// Lock: that of `committed`, for both bitmaps and the sums.
// Cost: reserve O(units / 64); commit clears; the others O(units of the range / 64).
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "committed.h"
#include "units.h"

static void *range_reserve(acre_pages *self, size_t bytes, size_t align)
{
    acre_pages_range *range = (acre_pages_range *)self;
    if (bytes / UNIT_BYTES > range->units) {
        return NULL;
    }
    const unsigned count = (unsigned)(bytes / UNIT_BYTES);
    unsigned first = 0;
    acre_port_lock_take(committed_lock(&range->committed));
    const struct units units = {
        range->taken, (unsigned)range->units, UNIT_BYTES, range->committed.first};
    bool found = units_take(&units, count, align, &first);
    if (found) {
        range->taken_units += count;
    }
    acre_port_lock_drop(committed_lock(&range->committed));
    return found ? (void *)(range->committed.first + (uintptr_t)first * UNIT_BYTES) : NULL;
}

static acre_status range_commit(acre_pages *self, void *addr, size_t bytes)
{
    committed_add(&((acre_pages_range *)self)->committed, addr, bytes);
    return ACRE_OK;
}

static acre_status range_decommit(acre_pages *self, void *addr, size_t bytes)
{
    committed_remove(&((acre_pages_range *)self)->committed, addr, bytes);
    return ACRE_OK;
}

static acre_status range_release(acre_pages *self, void *addr, size_t bytes)
{
    acre_pages_range *range = (acre_pages_range *)self;
    const unsigned count = (unsigned)(bytes / UNIT_BYTES);
    committed_remove(&range->committed, addr, bytes);
    acre_port_lock_take(committed_lock(&range->committed));
    range->taken_units -= count;
    bitmap_fill(range->taken, committed_unit(&range->committed, addr), count, false);
    acre_port_lock_drop(committed_lock(&range->committed));
    return ACRE_OK;
}

acre_status acre_pages_range_init(acre_pages_range *range, void *addr, size_t bytes)
{
    size_t from;
    const uintptr_t start = (uintptr_t)addr;
    if (range == NULL || addr == NULL || start + bytes < start ||
        !align_up(start, UNIT_BYTES, &from) || from - start > bytes) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t units = (bytes - (from - start)) / UNIT_BYTES;
    const size_t words = (units + WORD_BITS - 1) / WORD_BITS;
    const size_t map_units = (2 * words * sizeof(word) + UNIT_BYTES - 1) / UNIT_BYTES;
    if (units <= map_units || units > UINT32_MAX / 2) {
        return ACRE_BAD_ARGUMENT;
    }
    word *maps = (word *)from;
    __builtin_memset(maps, 0, 2 * words * sizeof(word));
    *range = (acre_pages_range){
        .pages =
            {
                .reserve = range_reserve,
                .commit = range_commit,
                .decommit = range_decommit,
                .release = range_release,
                .page_bytes = UNIT_BYTES,
            },
        .committed = {.first = from + map_units * UNIT_BYTES, .bits = maps + words},
        .taken = maps,
        .units = units - map_units,
    };
    return ACRE_OK;
}

size_t acre_pages_range_committed(const acre_pages_range *range)
{
    return load_relaxed(&range->committed.units) * UNIT_BYTES;
}

size_t acre_pages_range_reserved(const acre_pages_range *range)
{
    return load_relaxed(&range->taken_units) * UNIT_BYTES;
}
