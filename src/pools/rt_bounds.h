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

#if defined(__ARM_ARCH_6M__)
#define RT_BOUND_TARGET "cortex-m0"
static const struct rt_bound rt_bounds[4] = {
    {626, 56, 616, 37},
    {663, 56, 660, 37},
    {369, 0, 474, 0},
    {367, 0, 486, 0},
};
#elif defined(__ARM_ARCH_7EM__)
#define RT_BOUND_TARGET "cortex-m4"
static const struct rt_bound rt_bounds[4] = {
    {332, 48, 298, 31},
    {363, 47, 335, 31},
    {186, 0, 227, 0},
    {191, 0, 233, 0},
};
#elif defined(__riscv) && __riscv_xlen == 64 && !defined(__riscv_zbb)
#define RT_BOUND_TARGET "riscv64"
static const struct rt_bound rt_bounds[4] = {
    {499, 77, 451, 51},
    {548, 77, 490, 51},
    {290, 0, 350, 0},
    {295, 0, 350, 0},
};
#elif defined(__aarch64__)
#define RT_BOUND_TARGET "aarch64"
static const struct rt_bound rt_bounds[4] = {
    {306, 42, 270, 24},
    {340, 44, 303, 26},
    {187, 0, 210, 0},
    {195, 0, 212, 0},
};
#elif defined(__x86_64__)
#define RT_BOUND_TARGET "x86-64"
static const struct rt_bound rt_bounds[4] = {
    {374, 55, 339, 37},
    {407, 51, 376, 35},
    {220, 0, 258, 0},
    {227, 0, 262, 0},
};
#else
#define RT_BOUND_TARGET NULL
static const struct rt_bound rt_bounds[4];
#endif

#endif
