// rt_exact_wide.c - EXACT in larger pools: the operations of rt_ops.h, compiled for it.
// SPDX-License-Identifier: MIT
#include "pools/rt_engine.h"

static void *rt_exact_wide_alloc(acre_rt *rt, size_t bytes)
{
    return ops_alloc(rt, bytes, RT_EXACT_WIDE);
}

static acre_status rt_exact_wide_free(acre_rt *rt, void *block)
{
    return ops_free(rt, block, RT_EXACT_WIDE);
}

static NEVER_INLINE void rt_exact_wide_release(acre_rt *rt, uint32_t at, uint32_t count)
{
    ops_release(rt, at, count, RT_EXACT_WIDE);
}

static NEVER_INLINE void rt_exact_wide_take_inside(
    acre_rt *rt, uint32_t block, uint32_t length, uint32_t at, uint32_t count)
{
    ops_take_inside(rt, block, length, at, count, RT_EXACT_WIDE);
}

static void *rt_exact_wide_aligned(acre_rt *rt, size_t align, size_t bytes)
{
    return ops_aligned(rt, align, bytes, RT_EXACT_WIDE, rt_exact_wide_take_inside);
}

static bool rt_exact_wide_resize(acre_rt *rt, uint32_t at, uint32_t count)
{
    return ops_resize(rt, at, count, RT_EXACT_WIDE, rt_exact_wide_release);
}

static bool rt_exact_wide_claim(acre_rt *rt, uint32_t at, uint32_t count)
{
    return ops_claim(rt, at, count, RT_EXACT_WIDE, rt_exact_wide_take_inside);
}

static uint32_t rt_exact_wide_length(const acre_rt *rt, uint32_t at)
{
    return ops_length(rt, at, RT_EXACT_WIDE);
}

static uint32_t rt_exact_wide_largest(const acre_rt *rt)
{
    return ops_largest(rt, RT_EXACT_WIDE);
}

static const char *rt_exact_wide_check(const acre_rt *rt)
{
    return ops_check(rt, RT_EXACT_WIDE);
}

static void rt_exact_wide_start(acre_rt *rt)
{
    ops_start(rt, RT_EXACT_WIDE);
}

static void *rt_tight_wide_alloc(acre_rt *rt, size_t bytes)
{
    return ops_alloc(rt, bytes, RT_TIGHT_WIDE);
}

static void *rt_tight_wide_aligned(acre_rt *rt, size_t align, size_t bytes)
{
    return ops_aligned(rt, align, bytes, RT_TIGHT_WIDE, rt_exact_wide_take_inside);
}

const struct rt_engine rt_exact_wide_engine = {
    .alloc = rt_exact_wide_alloc,
    .free = rt_exact_wide_free,
    .aligned = rt_exact_wide_aligned,
    .resize = rt_exact_wide_resize,
    .claim = rt_exact_wide_claim,
    .length = rt_exact_wide_length,
    .largest = rt_exact_wide_largest,
    .check = rt_exact_wide_check,
    .start = rt_exact_wide_start,
};

const struct rt_engine rt_tight_wide_engine = {
    .alloc = rt_tight_wide_alloc,
    .free = rt_exact_wide_free,
    .aligned = rt_tight_wide_aligned,
    .resize = rt_exact_wide_resize,
    .claim = rt_exact_wide_claim,
    .length = rt_exact_wide_length,
    .largest = rt_exact_wide_largest,
    .check = rt_exact_wide_check,
    .start = rt_exact_wide_start,
};
