// units.c - see units.h.
// SPDX-License-Identifier: MIT
#include "units.h"

#include "base/bitmap.h"

bool units_take(const struct units *units, unsigned count, size_t align, unsigned *out)
{
    const unsigned end = units->count;
    unsigned at = 0;
    while (at < end) {
        at = bitmap_next(units->taken, false, at, end);
        uintptr_t addr = units->first + (uintptr_t)at * units->bytes;
        uintptr_t skip = round_up(addr, align) - addr;
        if (skip / units->bytes >= end - at) {
            return false;
        }
        at += (unsigned)((skip + units->bytes - 1) / units->bytes);
        if (at >= end || count > end - at) {
            return false;
        }
        unsigned busy = bitmap_next(units->taken, true, at, at + count);
        if (busy == at + count) {
            bitmap_fill(units->taken, at, count, true);
            *out = at;
            return true;
        }
        at = busy;
    }
    return false;
}
