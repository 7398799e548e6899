// rt_bounds.h - instructions that acre_rt_alloc and acre_rt_free take at most, by target: what
// scripts/check_rt_bounds.py found, which also checks that this table still says so.
//
// Rows: EXACT, EXACT wide, QUICK, QUICK wide. EXACT's first numbers are for a tree of one level; each
// further level (four times the granules) adds the second ones.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_RT_BOUNDS_H
#define ACRE_POOLS_RT_BOUNDS_H

#include <stdint.h>

struct rt_bound {
    uint16_t alloc;
    uint16_t alloc_level;
    uint16_t free;
    uint16_t free_level;
};

#define RT_BOUND_TARGET NULL
static const struct rt_bound rt_bounds[4];

#endif
