// units.h - a range of addresses in units, a bit each: set while it is reserved. First fit. For pages_range.c
// and pages_mapped.c, under their locks.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_UNITS_H
#define ACRE_KERNEL_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bits.h"

struct units {
    word *taken;
    unsigned count;
    size_t bytes;    // of a unit
    uintptr_t first; // address of unit 0
};

/// Takes the first `count` units in a row that are free and whose address is a multiple of `align`. False if
/// there are none. Time: linear in the units, 64 at a time.
bool units_take(const struct units *units, unsigned count, size_t align, unsigned *out);

#endif
