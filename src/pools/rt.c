// rt.c - the calls of acre/rt.h that programs make most: each goes to the engine of its heap, or, if the
// heap has hooks, posts or a check level, to rt_special.c, which does the same with all that around it.
//
// The bounds that acre_rt_wcet promises are those of the way to the engine.
// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "pools/rt_special.h"

void *acre_rt_alloc(acre_rt *rt, size_t bytes)
{
    if (unlikely(is_special(rt))) {
        return special_alloc(rt, bytes, 0);
    }
    return rt->engine->alloc(rt, bytes);
}

acre_status acre_rt_free(acre_rt *rt, void *block)
{
    if (unlikely(is_special(rt))) {
        return special_free(rt, block);
    }
    return rt->engine->free(rt, block);
}

void *acre_rt_calloc(acre_rt *rt, size_t count, size_t bytes)
{
    size_t all_bytes;
    if (!mul_size(count, bytes, &all_bytes)) {
        return NULL;
    }
    void *block = acre_rt_alloc(rt, all_bytes);
    if (block != NULL) {
        __builtin_memset(block, 0, all_bytes);
    }
    return block;
}

void *acre_rt_aligned(acre_rt *rt, size_t align, size_t bytes)
{
    if (!is_power_of_two(align)) {
        return NULL;
    }
    if (align >> rt->granule_log2 <= 1) {
        return acre_rt_alloc(rt, bytes);
    }
    if (is_special(rt)) {
        return special_alloc(rt, bytes, align);
    }
    return rt->engine->aligned(rt, align, bytes);
}

void *acre_rt_alloc_at(acre_rt *rt, void *addr, size_t bytes)
{
    if (is_special(rt)) {
        return special_alloc_at(rt, addr, bytes);
    }
    uint32_t at = position_of(rt, addr);
    uint32_t count = granules_for(rt, bytes);
    if (at == 0 || count == 0) {
        return NULL;
    }
    if (!rt->engine->claim(rt, at, count)) {
        rt->failures += 1;
        return NULL;
    }
    return addr;
}

acre_status acre_rt_resize(acre_rt *rt, void *block, size_t bytes)
{
    if (is_special(rt)) {
        return special_resize(rt, block, bytes);
    }
    uint32_t at = position_of_live(rt, block);
    if (at == 0) {
        rt->faults += 1;
        return ACRE_BAD_ARGUMENT;
    }
    uint32_t count = granules_for(rt, bytes);
    if (count == 0) {
        return bytes == 0 ? ACRE_BAD_ARGUMENT : ACRE_NO_MEMORY;
    }
    return rt->engine->resize(rt, at, count) ? ACRE_OK : ACRE_NO_MEMORY;
}

void *acre_rt_realloc(acre_rt *rt, void *block, size_t bytes)
{
    return acre_rt_realloc_aligned(rt, block, 1, bytes);
}

void *acre_rt_realloc_aligned(acre_rt *rt, void *block, size_t align, size_t bytes)
{
    if (!is_power_of_two(align)) {
        return NULL;
    }
    if (block == NULL) {
        return acre_rt_aligned(rt, align, bytes);
    }
    // In place, unless the block is not where it is to be.
    if (((uintptr_t)block & (align - 1)) == 0) {
        acre_status status = acre_rt_resize(rt, block, bytes);
        if (status != ACRE_NO_MEMORY) {
            return status == ACRE_OK ? block : NULL;
        }
    }
    size_t old_bytes = acre_rt_size(rt, block);
    if (old_bytes == 0) {
        // To 0 bytes: refused in any case, and told why.
        return acre_rt_resize(rt, block, 0) == ACRE_OK ? block : NULL;
    }
    return special_move(rt, block, old_bytes, rt, acre_rt_aligned(rt, align, bytes), bytes);
}

acre_status acre_rt_free_sized(acre_rt *rt, void *block, size_t bytes)
{
    size_t granule = (size_t)1 << rt->granule_log2;
    size_t size = acre_rt_size(rt, block);
    if (size != 0 && (bytes > size || size - bytes >= granule)) {
        rt->faults += 1;
        return ACRE_BAD_ARGUMENT;
    }
    return acre_rt_free(rt, block);
}

size_t acre_rt_size(const acre_rt *rt, const void *block)
{
    uint32_t at = position_of_live(rt, block);
    if (at == 0) {
        return 0;
    }
    return (size_t)(rt->engine->length(rt, at) - guard_granules(rt)) << rt->granule_log2;
}

bool acre_rt_owns(const acre_rt *rt, const void *block)
{
    return position_of_live(rt, block) != 0;
}

size_t acre_rt_largest(const acre_rt *rt)
{
    uint32_t count = rt->engine->largest(rt);
    uint32_t guard = guard_granules(rt);
    return count <= guard ? 0 : (size_t)(count - guard) << rt->granule_log2;
}
