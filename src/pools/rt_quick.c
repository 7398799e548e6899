// rt_quick.c - QUICK in pools of up to 65 502 granules: the operations of rt_ops.h, compiled for it.
// SPDX-License-Identifier: MIT
#include "pools/rt_engine.h"

static void *rt_quick_alloc(acre_rt *rt, size_t bytes)
{
    return ops_alloc(rt, bytes, RT_QUICK);
}

static acre_status rt_quick_free(acre_rt *rt, void *block)
{
    return ops_free(rt, block, RT_QUICK);
}

static NEVER_INLINE void rt_quick_release(acre_rt *rt, uint32_t at, uint32_t count)
{
    ops_release(rt, at, count, RT_QUICK);
}

static NEVER_INLINE void rt_quick_take_inside(
    acre_rt *rt, uint32_t block, uint32_t length, uint32_t at, uint32_t count)
{
    ops_take_inside(rt, block, length, at, count, RT_QUICK);
}

static void *rt_quick_aligned(acre_rt *rt, size_t align, size_t bytes)
{
    return ops_aligned(rt, align, bytes, RT_QUICK, rt_quick_take_inside);
}

static bool rt_quick_resize(acre_rt *rt, uint32_t at, uint32_t count)
{
    return ops_resize(rt, at, count, RT_QUICK, rt_quick_release);
}

static bool rt_quick_claim(acre_rt *rt, uint32_t at, uint32_t count)
{
    return ops_claim(rt, at, count, RT_QUICK, rt_quick_take_inside);
}

static uint32_t rt_quick_length(const acre_rt *rt, uint32_t at)
{
    return ops_length(rt, at, RT_QUICK);
}

static uint32_t rt_quick_largest(const acre_rt *rt)
{
    return ops_largest(rt, RT_QUICK);
}

static const char *rt_quick_check(const acre_rt *rt)
{
    return ops_check(rt, RT_QUICK);
}

static void rt_quick_start(acre_rt *rt)
{
    ops_start(rt, RT_QUICK);
}

const struct rt_engine rt_quick_engine = {
    .alloc = rt_quick_alloc,
    .free = rt_quick_free,
    .aligned = rt_quick_aligned,
    .resize = rt_quick_resize,
    .claim = rt_quick_claim,
    .length = rt_quick_length,
    .largest = rt_quick_largest,
    .check = rt_quick_check,
    .start = rt_quick_start,
};
