// committed.c - see committed.h.
// SPDX-License-Identifier: MIT
#include "committed.h"

#include "base/bitmap.h"
#include "base/check.h"

_Static_assert(
    sizeof(acre_port_lock) <= sizeof(((acre_committed *)0)->lock), "the lock fits its place");

static void commit_unit(acre_committed *committed, unsigned unit)
{
    acre_port_lock_take(committed_lock(committed));
    if (!bitmap_test(committed->bits, unit)) {
        void *addr = (void *)(committed->first + (uintptr_t)unit * UNIT_BYTES);
        __builtin_memset(addr, 0, UNIT_BYTES);
        bitmap_fill(committed->bits, unit, 1, true);
        committed->units += 1;
        if (committed->units > committed->units_peak) {
            committed->units_peak = committed->units;
        }
    }
    acre_port_lock_drop(committed_lock(committed));
}

void committed_add(acre_committed *committed, void *addr, size_t bytes)
{
    const unsigned first = committed_unit(committed, addr);
    for (unsigned i = 0; i < bytes / UNIT_BYTES; i++) {
        commit_unit(committed, first + i);
    }
}

void committed_remove(acre_committed *committed, const void *addr, size_t bytes)
{
    const unsigned first = committed_unit(committed, addr);
    const unsigned count = (unsigned)(bytes / UNIT_BYTES);
    acre_port_lock_take(committed_lock(committed));
    committed->units -= bitmap_count(committed->bits, first, count);
    bitmap_fill(committed->bits, first, count, false);
    acre_port_lock_drop(committed_lock(committed));
}
