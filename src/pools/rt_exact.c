// rt_exact.c - EXACT and TIGHT in pools of up to 65 502 granules: the operations of rt_ops.h, compiled for it.
// SPDX-License-Identifier: MIT
#include "pools/rt_engine.h"

static void *rt_exact_alloc(acre_rt *rt, size_t bytes)
{
    return ops_alloc(rt, bytes, RT_EXACT);
}

static acre_status rt_exact_free(acre_rt *rt, void *block)
{
    return ops_free(rt, block, RT_EXACT);
}

static NEVER_INLINE void rt_exact_release(acre_rt *rt, uint32_t at, uint32_t count)
{
    ops_release(rt, at, count, RT_EXACT);
}

static NEVER_INLINE void rt_exact_take_inside(
    acre_rt *rt, uint32_t block, uint32_t length, uint32_t at, uint32_t count)
{
    ops_take_inside(rt, block, length, at, count, RT_EXACT);
}

static void *rt_exact_aligned(acre_rt *rt, size_t align, size_t bytes)
{
    return ops_aligned(rt, align, bytes, RT_EXACT, rt_exact_take_inside);
}

static bool rt_exact_resize(acre_rt *rt, uint32_t at, uint32_t count)
{
    return ops_resize(rt, at, count, RT_EXACT, rt_exact_release);
}

static bool rt_exact_claim(acre_rt *rt, uint32_t at, uint32_t count)
{
    return ops_claim(rt, at, count, RT_EXACT, rt_exact_take_inside);
}

static uint32_t rt_exact_length(const acre_rt *rt, uint32_t at)
{
    return ops_length(rt, at, RT_EXACT);
}

static uint32_t rt_exact_largest(const acre_rt *rt)
{
    return ops_largest(rt, RT_EXACT);
}

static const char *rt_exact_check(const acre_rt *rt)
{
    return ops_check(rt, RT_EXACT);
}

static void rt_exact_start(acre_rt *rt)
{
    ops_start(rt, RT_EXACT);
}

static void *rt_tight_alloc(acre_rt *rt, size_t bytes)
{
    return ops_alloc(rt, bytes, RT_TIGHT);
}

static void *rt_tight_aligned(acre_rt *rt, size_t align, size_t bytes)
{
    return ops_aligned(rt, align, bytes, RT_TIGHT, rt_exact_take_inside);
}

const struct rt_engine rt_exact_engine = {
    .alloc = rt_exact_alloc,
    .free = rt_exact_free,
    .aligned = rt_exact_aligned,
    .resize = rt_exact_resize,
    .claim = rt_exact_claim,
    .length = rt_exact_length,
    .largest = rt_exact_largest,
    .check = rt_exact_check,
    .start = rt_exact_start,
};

const struct rt_engine rt_tight_engine = {
    .alloc = rt_tight_alloc,
    .free = rt_exact_free,
    .aligned = rt_tight_aligned,
    .resize = rt_exact_resize,
    .claim = rt_exact_claim,
    .length = rt_exact_length,
    .largest = rt_exact_largest,
    .check = rt_exact_check,
    .start = rt_exact_start,
};
