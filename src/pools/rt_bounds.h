// rt_bounds.h - instructions that acre_rt_alloc and acre_rt_free take at most, by target: what
// scripts/check_rt_bounds.py found, which also checks that this table still says so.
//
// Rows: EXACT, EXACT wide, QUICK, QUICK wide, TIGHT, TIGHT wide. EXACT's and TIGHT's first numbers are for a
// tree of one level; each further level (four times the granules) adds the second ones.
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
static const struct rt_bound rt_bounds[6] = {
    {626, 56, 616, 37}, {663, 56, 660, 37}, {369, 0, 474, 0},
    {367, 0, 486, 0},   {642, 68, 616, 37}, {681, 68, 660, 37},
};
#elif defined(__ARM_ARCH_7EM__)
#define RT_BOUND_TARGET "cortex-m4"
static const struct rt_bound rt_bounds[6] = {
    {332, 48, 298, 31}, {363, 47, 335, 31}, {186, 0, 227, 0},
    {191, 0, 233, 0},   {342, 60, 298, 31}, {374, 60, 335, 31},
};
#elif defined(__riscv) && __riscv_xlen == 64 && !defined(__riscv_zbb)
#define RT_BOUND_TARGET "riscv64"
static const struct rt_bound rt_bounds[6] = {
    {499, 77, 451, 51}, {548, 77, 490, 51}, {290, 0, 350, 0},
    {295, 0, 350, 0},   {514, 92, 451, 51}, {563, 92, 490, 51},
};
#elif defined(__aarch64__)
#define RT_BOUND_TARGET "aarch64"
static const struct rt_bound rt_bounds[6] = {
    {306, 42, 270, 24}, {340, 44, 303, 26}, {187, 0, 210, 0},
    {195, 0, 212, 0},   {313, 50, 270, 24}, {347, 52, 303, 26},
};
#elif defined(__x86_64__)
#define RT_BOUND_TARGET "x86-64"
static const struct rt_bound rt_bounds[6] = {
    {374, 55, 339, 37}, {407, 51, 376, 35}, {220, 0, 258, 0},
    {227, 0, 262, 0},   {384, 65, 339, 37}, {418, 63, 376, 35},
};
#else
#define RT_BOUND_TARGET NULL
static const struct rt_bound rt_bounds[6];
#endif

#endif
