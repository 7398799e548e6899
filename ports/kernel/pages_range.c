// pages_range.c - a page source over one range of memory. See acre/port/kernel.h.
//
//   addr                first
//   [ taken | committed | unit 0 | unit 1 | ...                      ]
//     a bit a unit each   4 KiB
//
// First fit over the bitmap of what is taken. Addresses are memory here, so a range that is reserved
// keeps its units to itself whether they are committed or not; what commit and decommit move is the
// promise to read as zero. Units are cleared when they are committed, one by one, so that interrupts are
// off for no longer than a search takes or clearing one unit.
//
// Lock: bitmaps and sums.
// Cost: reserve O(units / 64); commit clears; the others O(units of the range / 64).
// SPDX-License-Identifier: MIT
#include "acre/port/kernel.h"
#include "acre_port.h"
#include "base/bitmap.h"
#include "base/bits.h"
#include "base/check.h"

enum { UNIT_BYTES = ACRE_PAGES_RANGE_UNIT };

_Static_assert(
    sizeof(acre_port_lock) <= sizeof(((acre_pages_range *)0)->lock), "the lock fits its place");

static acre_port_lock *lock_of(acre_pages_range *range)
{
    return (acre_port_lock *)(void *)range->lock;
}

static unsigned unit_of(const acre_pages_range *range, const void *addr)
{
    return (unsigned)(((uintptr_t)addr - range->first) / UNIT_BYTES);
}

/// The first run of `count` free units whose address is a multiple of `align`. False if there is none.
static bool find_units(const acre_pages_range *range, unsigned count, size_t align, unsigned *out)
{
    const unsigned end = (unsigned)range->units;
    unsigned at = 0;
    while (at < end) {
        at = bitmap_next(range->taken, false, at, end);
        uintptr_t addr = range->first + (uintptr_t)at * UNIT_BYTES;
        at += (unsigned)((round_up(addr, align) - addr) / UNIT_BYTES);
        if (at >= end || count > end - at) {
            return false;
        }
        unsigned busy = bitmap_next(range->taken, true, at, at + count);
        if (busy == at + count) {
            *out = at;
            return true;
        }
        at = busy;
    }
    return false;
}

static void *range_reserve(acre_pages *self, size_t bytes, size_t align)
{
    acre_pages_range *range = (acre_pages_range *)self;
    if (bytes / UNIT_BYTES > range->units) {
        return NULL;
    }
    const unsigned count = (unsigned)(bytes / UNIT_BYTES);
    unsigned first;
    acre_port_lock_take(lock_of(range));
    bool found = find_units(range, count, align, &first);
    if (found) {
        bitmap_fill(range->taken, first, count, true);
        range->taken_units += count;
    }
    acre_port_lock_drop(lock_of(range));
    return found ? (void *)(range->first + (uintptr_t)first * UNIT_BYTES) : NULL;
}

/// Clears a unit that is not committed, and marks it. Two callers may want the same one at once, and the
/// first may have written to it when the second comes: so both under the lock.
static void commit_unit(acre_pages_range *range, unsigned unit)
{
    acre_port_lock_take(lock_of(range));
    acre_check(bitmap_test(range->taken, unit));
    if (!bitmap_test(range->committed, unit)) {
        __builtin_memset((void *)(range->first + (uintptr_t)unit * UNIT_BYTES), 0, UNIT_BYTES);
        bitmap_fill(range->committed, unit, 1, true);
        range->committed_units += 1;
        if (range->committed_units > range->committed_units_peak) {
            range->committed_units_peak = range->committed_units;
        }
    }
    acre_port_lock_drop(lock_of(range));
}

static acre_status range_commit(acre_pages *self, void *addr, size_t bytes)
{
    acre_pages_range *range = (acre_pages_range *)self;
    const unsigned first = unit_of(range, addr);
    for (unsigned i = 0; i < bytes / UNIT_BYTES; i++) {
        commit_unit(range, first + i);
    }
    return ACRE_OK;
}

/// Forgets what a range held.
static void forget(acre_pages_range *range, const void *addr, size_t bytes, bool release)
{
    const unsigned first = unit_of(range, addr);
    const unsigned count = (unsigned)(bytes / UNIT_BYTES);
    acre_port_lock_take(lock_of(range));
    range->committed_units -= bitmap_count(range->committed, first, count);
    bitmap_fill(range->committed, first, count, false);
    if (release) {
        range->taken_units -= count;
        bitmap_fill(range->taken, first, count, false);
    }
    acre_port_lock_drop(lock_of(range));
}

static acre_status range_decommit(acre_pages *self, void *addr, size_t bytes)
{
    forget((acre_pages_range *)self, addr, bytes, false);
    return ACRE_OK;
}

static acre_status range_release(acre_pages *self, void *addr, size_t bytes)
{
    forget((acre_pages_range *)self, addr, bytes, true);
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
    units -= map_units;
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
        .first = from + map_units * UNIT_BYTES,
        .units = units,
        .taken = maps,
        .committed = maps + words,
    };
    return ACRE_OK;
}

size_t acre_pages_range_committed(acre_pages_range *range)
{
    return load_relaxed(&range->committed_units) * UNIT_BYTES;
}

size_t acre_pages_range_committed_peak(acre_pages_range *range)
{
    return load_relaxed(&range->committed_units_peak) * UNIT_BYTES;
}

size_t acre_pages_range_reserved(acre_pages_range *range)
{
    return load_relaxed(&range->taken_units) * UNIT_BYTES;
}
