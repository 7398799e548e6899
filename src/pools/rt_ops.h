// rt_ops.h - what an rt heap does, written once for both engines and both widths.
//
// Each of rt_exact.c, rt_exact_wide.c, rt_quick.c and rt_quick_wide.c calls these functions with a
// constant `kind`, so that everything here and below it is inlined and the constant decides at compile
// time. What an engine supplies:
//
//     find(count)             a free block of at least `count` granules, detached, or 0
//     free_length(at)         of a free block, and free_length_before(last): of the one that ends there
//     detach(at, count)       the free block is about to change or to end
//     attach(at, count)       a free block is here now; starts knows of it already
//     lost(at)                the free block that started at `at` is gone or shorter: EXACT's tree
//     gained(at, count)       one starts at `at` now that is not shorter than what was there
//
// None of them loops but for EXACT's tree: once around for each level, three times in all.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_RT_OPS_H
#define ACRE_POOLS_RT_OPS_H

#include "pools/rt_exact.h"
#include "pools/rt_quick.h"

enum rt_kind { RT_EXACT, RT_EXACT_WIDE, RT_QUICK, RT_QUICK_WIDE, RT_TIGHT, RT_TIGHT_WIDE };

static ALWAYS_INLINE bool kind_has_tree(enum rt_kind kind)
{
    return kind != RT_QUICK && kind != RT_QUICK_WIDE;
}

static ALWAYS_INLINE bool kind_is_tight(enum rt_kind kind)
{
    return kind == RT_TIGHT || kind == RT_TIGHT_WIDE;
}

static ALWAYS_INLINE bool kind_is_wide(enum rt_kind kind)
{
    return kind == RT_EXACT_WIDE || kind == RT_QUICK_WIDE || kind == RT_TIGHT_WIDE;
}

/// A free block of at least `count` granules, detached; 0 if there is none.
static ALWAYS_INLINE uint32_t ops_find(acre_rt *rt, uint32_t count, enum rt_kind kind)
{
    if (kind_has_tree(kind)) {
        return exact_find(rt, count, kind_is_tight(kind), kind_is_wide(kind));
    }
    uint32_t class;
    uint32_t at = quick_find(rt, count, &class, kind_is_wide(kind));
    if (at != 0) {
        quick_pop(rt, at, class, kind_is_wide(kind));
    }
    return at;
}

static ALWAYS_INLINE uint32_t ops_free_length(const acre_rt *rt, uint32_t at, enum rt_kind kind)
{
    return kind_has_tree(kind) ? exact_free_length(rt, at, kind_is_wide(kind))
                               : quick_free_length(rt, at, kind_is_wide(kind));
}

static ALWAYS_INLINE uint32_t
ops_free_length_before(const acre_rt *rt, uint32_t last, enum rt_kind kind)
{
    return kind_has_tree(kind) ? exact_free_length_before(rt, last, kind_is_wide(kind))
                               : quick_free_length_before(rt, last, kind_is_wide(kind));
}

static ALWAYS_INLINE void ops_detach(acre_rt *rt, uint32_t at, uint32_t count, enum rt_kind kind)
{
    if (!kind_has_tree(kind)) {
        quick_detach(rt, at, count, kind_is_wide(kind));
    }
}

static ALWAYS_INLINE void ops_attach(acre_rt *rt, uint32_t at, uint32_t count, enum rt_kind kind)
{
    if (kind_has_tree(kind)) {
        exact_attach(rt, at, count, kind_is_wide(kind));
    } else {
        quick_attach(rt, at, count, kind_is_wide(kind));
    }
}

static ALWAYS_INLINE void ops_lost(acre_rt *rt, uint32_t at, enum rt_kind kind)
{
    if (kind_has_tree(kind)) {
        exact_lost(rt, at, kind_is_wide(kind));
    }
}

static ALWAYS_INLINE void ops_gained(acre_rt *rt, uint32_t at, uint32_t count, enum rt_kind kind)
{
    if (kind_has_tree(kind)) {
        exact_gained(rt, at, count, kind_is_wide(kind));
    }
}

/// The free block at `gone` was used up; what is left of it, `count` granules, starts at `rest`.
static ALWAYS_INLINE void ops_moved(
    acre_rt *rt, uint32_t gone, uint32_t rest, uint32_t count, enum rt_kind kind)
{
    ops_lost(rt, gone, kind);
    if (rest >> 5 != gone >> 5) {
        ops_gained(rt, rest, count, kind);
    }
}

/// Makes the first `count` granules of a detached free block of `length` live; the rest stays free.
static RT_SHARED void ops_take(
    acre_rt *rt, uint32_t at, uint32_t length, uint32_t count, enum rt_kind kind)
{
    uint32_t rest = at;
    if (length > count) {
        rest = at + count;
        start_set(rt, rest);
        ops_attach(rt, rest, length - count, kind);
    }
    block_set_live(rt, at, count, kind_is_wide(kind));
    ops_moved(rt, at, rest, length - count, kind);
    count_used(rt, count);
}

static ALWAYS_INLINE void *ops_alloc(acre_rt *rt, size_t bytes, enum rt_kind kind)
{
    uint32_t count = granules_for(rt, bytes);
    if (count == 0) {
        return NULL;
    }
    uint32_t at = ops_find(rt, count, kind);
    if (at == 0) {
        rt->failures += 1;
        return NULL;
    }
    ops_take(rt, at, ops_free_length(rt, at, kind), count, kind);
    return position_address(rt, at);
}

/// Makes `count` granules from `at` on free, together with their free neighbours.
static RT_SHARED void ops_release(acre_rt *rt, uint32_t at, uint32_t count, enum rt_kind kind)
{
    uint32_t end = at + count;
    bool merged = edge_test(rt, end);
    if (merged) {
        uint32_t length = ops_free_length(rt, end, kind);
        ops_detach(rt, end, length, kind);
        start_clear(rt, end);
        count += length;
    }
    if (edge_test(rt, at - 1)) {
        uint32_t length = ops_free_length_before(rt, at - 1, kind);
        start_clear(rt, at);
        at -= length;
        ops_detach(rt, at, length, kind);
        count += length;
    }
    ops_attach(rt, at, count, kind);
    if (merged && end >> 5 != at >> 5) {
        ops_lost(rt, end, kind);
    }
    ops_gained(rt, at, count, kind); // longer than what was merged into it
}

static ALWAYS_INLINE acre_status ops_free(acre_rt *rt, void *block, enum rt_kind kind)
{
    uint32_t at = position_of_live(rt, block);
    if (at == 0) {
        if (block == NULL) {
            return ACRE_OK;
        }
        rt->faults += 1;
        return ACRE_BAD_ARGUMENT;
    }
    uint32_t count = block_length(rt, at, kind_is_wide(kind));
    rt->used_granules -= count;
    ops_release(rt, at, count, kind);
    return ACRE_OK;
}

// What is common to operations that have no room on their path for two copies of it: ops_release and
// ops_take_inside as functions of their own.
typedef void ops_release_function(acre_rt *rt, uint32_t at, uint32_t count);
typedef void ops_take_function(
    acre_rt *rt, uint32_t block, uint32_t length, uint32_t at, uint32_t count);

/// Changes the length of a live block in place. False, with nothing changed: no room behind it.
static ALWAYS_INLINE bool ops_resize(
    acre_rt *rt, uint32_t at, uint32_t count, enum rt_kind kind, ops_release_function *release)
{
    uint32_t old = block_length(rt, at, kind_is_wide(kind));
    uint32_t end = at + old;
    if (count <= old) {
        if (count < old) {
            start_set(rt, at + count);
            block_set_live(rt, at, count, kind_is_wide(kind));
            rt->used_granules -= old - count;
            release(rt, at + count, old - count);
        }
        return true;
    }
    if (!edge_test(rt, end)) {
        return false;
    }
    uint32_t length = ops_free_length(rt, end, kind);
    if (old + length < count) {
        return false;
    }
    uint32_t rest = end;
    ops_detach(rt, end, length, kind);
    start_clear(rt, end);
    if (old + length > count) {
        rest = at + count;
        start_set(rt, rest);
        ops_attach(rt, rest, old + length - count, kind);
    }
    block_set_live(rt, at, count, kind_is_wide(kind));
    ops_moved(rt, end, rest, old + length - count, kind);
    count_used(rt, count - old);
    return true;
}

/// Makes `count` granules from `at` live, inside the detached free block of `length` at `block`.
static ALWAYS_INLINE void ops_take_inside(
    acre_rt *rt, uint32_t block, uint32_t length, uint32_t at, uint32_t count, enum rt_kind kind)
{
    uint32_t front = at - block;
    if (front == 0) {
        ops_take(rt, at, length, count, kind);
        return;
    }
    start_set(rt, at);
    ops_attach(rt, block, front, kind);
    ops_take(rt, at, length - front, count, kind);
    ops_lost(rt, block, kind);
}

static ALWAYS_INLINE void *ops_aligned(
    acre_rt *rt, size_t align, size_t bytes, enum rt_kind kind, ops_take_function *take_inside)
{
    uint32_t count = granules_for(rt, bytes);
    uint32_t step = granules_for(rt, align);
    if (count == 0 || step == 0 || count + step - 1 > rt->granules) {
        return NULL;
    }
    uint32_t block = ops_find(rt, count + step - 1, kind);
    if (block == 0) {
        rt->failures += 1;
        return NULL;
    }
    uintptr_t addr = rt->base + ((uintptr_t)block << rt->granule_log2);
    uint32_t front = (uint32_t)((((uintptr_t)0 - addr) & (align - 1)) >> rt->granule_log2);
    take_inside(rt, block, ops_free_length(rt, block, kind), block + front, count);
    return position_address(rt, block + front);
}

/// Makes the granules from `at` on live if they are free. Looks back for where the free block that
/// they lie in starts: a word of starts at a time.
static ALWAYS_INLINE bool ops_claim(
    acre_rt *rt, uint32_t at, uint32_t count, enum rt_kind kind, ops_take_function *take_inside)
{
    uint32_t block = block_start(rt, at);
    if (!edge_test(rt, block)) {
        return false;
    }
    uint32_t length = ops_free_length(rt, block, kind);
    if (length - (at - block) < count) {
        return false;
    }
    ops_detach(rt, block, length, kind);
    take_inside(rt, block, length, at, count);
    return true;
}

#endif
