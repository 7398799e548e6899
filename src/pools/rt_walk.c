// rt_walk.c - looking at an rt heap as a whole: walk, statistics, what an address is, and the check.
//
// All of it follows the bitmap of starts from bit to bit, so it holds even where the range cannot be read
// or was written over; only the check of QUICK's lists and of guards reads the range.
// SPDX-License-Identifier: MIT
#include "pools/rt_engine.h"
#include "pools/rt_special.h"

static uint32_t range_end(const acre_rt *rt)
{
    return RT_POSITION_FIRST + rt->granules;
}

bool acre_rt_walk(const acre_rt *rt, acre_rt_visitor *visit, void *context)
{
    for (uint32_t at = RT_POSITION_FIRST; at != range_end(rt);) {
        uint32_t end = block_end(rt, at);
        bool live = !edge_test(rt, at);
        uint32_t count = end - at - (live ? guard_granules(rt) : 0);
        if (!visit(context, position_address(rt, at), (size_t)count << rt->granule_log2, live)) {
            return false;
        }
        at = end;
    }
    return true;
}

static bool count_block(void *context, void *block, size_t bytes, bool live)
{
    acre_rt_stats *stats = context;
    (void)block;
    if (live) {
        stats->live_blocks += 1;
        return true;
    }
    stats->free_blocks += 1;
    if (bytes > stats->largest_bytes) {
        stats->largest_bytes = bytes;
    }
    return true;
}

void acre_rt_get_stats(const acre_rt *rt, acre_rt_stats *out)
{
    *out = (acre_rt_stats){
        .range_bytes = (size_t)rt->granules << rt->granule_log2,
        .granule_bytes = (size_t)1 << rt->granule_log2,
        .live_bytes = (size_t)rt->used_granules << rt->granule_log2,
        .peak_bytes = (size_t)rt->peak_granules << rt->granule_log2,
        .posted_blocks = rt->posts == NULL ? 0 : post_waiting(rt->posts),
        .failures = rt->failures,
        .faults = rt->faults,
    };
    (void)acre_rt_walk(rt, count_block, out);
}

acre_rt_kind acre_rt_judge(const acre_rt *rt, const void *addr)
{
    uintptr_t offset = (uintptr_t)addr - rt->base;
    uintptr_t at = offset >> rt->granule_log2;
    if (at - RT_POSITION_FIRST >= rt->granules) {
        return ACRE_RT_FOREIGN;
    }
    if (at << rt->granule_log2 != offset) {
        return ACRE_RT_MISALIGNED;
    }
    uint32_t start = block_start(rt, (uint32_t)at);
    if (edge_test(rt, start)) {
        return ACRE_RT_FREE;
    }
    return start == at ? ACRE_RT_LIVE : ACRE_RT_INTERIOR;
}

void *acre_rt_block_of(const acre_rt *rt, const void *addr)
{
    uintptr_t at = ((uintptr_t)addr - rt->base) >> rt->granule_log2;
    if (at - RT_POSITION_FIRST >= rt->granules) {
        return NULL;
    }
    uint32_t start = block_start(rt, (uint32_t)at);
    return edge_test(rt, start) ? NULL : position_address(rt, start);
}

static const char *check_ends(const acre_rt *rt)
{
    if (!start_test(rt, RT_POSITION_FIRST) || !start_test(rt, range_end(rt)) ||
        rt->starts[0] != 0) {
        return "the range does not start and end where blocks do";
    }
    if (edge_test(rt, range_end(rt)) || rt->edges[0] != 0 || rt->edges[1] != 0) {
        return "what is outside of the range looks free";
    }
    return NULL;
}

static const char *check_bitmaps(const acre_rt *rt)
{
    uint32_t used = 0;
    bool after_free = false;
    for (uint32_t at = RT_POSITION_FIRST; at != range_end(rt);) {
        uint32_t end = block_end(rt, at);
        bool is_free = edge_test(rt, at);
        if (end > range_end(rt)) {
            return "a block starts behind the range";
        }
        if (edge_test(rt, end - 1) != is_free) {
            return "a block is free at one end only";
        }
        if (is_free && after_free) {
            return "two free blocks lie side by side";
        }
        // Lengths of QUICK's free blocks lie in them: its index is checked for that.
        if ((!is_free || rt->engine_id != ACRE_RT_QUICK) &&
            rt->engine->length(rt, at) != end - at) {
            return "a block's length is not the distance to the next one";
        }
        used += is_free ? 0 : end - at;
        after_free = is_free;
        at = end;
    }
    return used == rt->used_granules ? NULL : "live blocks do not add up to what is counted";
}

static const char *check_guards(const acre_rt *rt)
{
    for (uint32_t at = RT_POSITION_FIRST; at != range_end(rt);) {
        uint32_t end = block_end(rt, at);
        if (!edge_test(rt, at) && !guard_is_sound(rt, at, end - at)) {
            return "a block was written to behind its end";
        }
        at = end;
    }
    return NULL;
}

const char *acre_rt_check(const acre_rt *rt, unsigned level)
{
    const char *broken = check_ends(rt);
    if (broken == NULL && level >= 1) {
        broken = check_bitmaps(rt);
    }
    if (broken == NULL && level >= 2) {
        broken = rt->engine->check(rt);
    }
    if (broken == NULL && level >= 3) {
        broken = check_guards(rt);
    }
    return broken;
}
