// rt_group.c - several rt heaps as one: an ordered list, and for each call a choice from it.
//
// The order is the program's: which memory is precious only it knows. With `smallest` the member with the
// smallest largest hole that suffices is asked first, so that what can hold large blocks goes on to do so.
// SPDX-License-Identifier: MIT
#include "pools/rt_special.h"

/// acre_rt_alloc or acre_rt_aligned.
static void *member_alloc(acre_rt *rt, size_t align, size_t bytes)
{
    return align == 0 ? acre_rt_alloc(rt, bytes) : acre_rt_aligned(rt, align, bytes);
}

static bool member_has(const acre_rt_member *member, uint32_t attributes)
{
    return (member->attributes & attributes) == attributes;
}

static acre_rt *smallest_that_suffices(
    const acre_rt_group *group, uint32_t attributes, size_t bytes)
{
    acre_rt *best = NULL;
    size_t best_bytes = SIZE_MAX;
    for (size_t i = 0; i < group->count; i++) {
        const acre_rt_member *member = &group->members[i];
        size_t largest = acre_rt_largest(member->rt);
        if (member_has(member, attributes) && largest >= bytes && largest < best_bytes) {
            best = member->rt;
            best_bytes = largest;
        }
    }
    return best;
}

static void *group_alloc(
    const acre_rt_group *group, uint32_t attributes, size_t align, size_t bytes)
{
    acre_rt *asked = NULL;
    if (group->smallest) {
        asked = smallest_that_suffices(group, attributes, bytes);
        void *block = asked == NULL ? NULL : member_alloc(asked, align, bytes);
        if (block != NULL) {
            return block;
        }
    }
    for (size_t i = 0; i < group->count; i++) {
        const acre_rt_member *member = &group->members[i];
        if (member->rt == asked || !member_has(member, attributes)) {
            continue;
        }
        void *block = member_alloc(member->rt, align, bytes);
        if (block != NULL) {
            return block;
        }
    }
    return NULL;
}

void *acre_rt_group_alloc(const acre_rt_group *group, uint32_t attributes, size_t bytes)
{
    return group_alloc(group, attributes, 0, bytes);
}

void *acre_rt_group_aligned(
    const acre_rt_group *group, uint32_t attributes, size_t align, size_t bytes)
{
    return is_power_of_two(align) ? group_alloc(group, attributes, align, bytes) : NULL;
}

acre_rt *acre_rt_group_owner(const acre_rt_group *group, const void *addr)
{
    for (size_t i = 0; i < group->count; i++) {
        const acre_rt *rt = group->members[i].rt;
        uintptr_t offset =
            (uintptr_t)addr - rt->base - ((uintptr_t)RT_POSITION_FIRST << rt->granule_log2);
        if (offset >> rt->granule_log2 < rt->granules) {
            return group->members[i].rt;
        }
    }
    return NULL;
}

void *acre_rt_group_realloc(
    const acre_rt_group *group, uint32_t attributes, void *block, size_t bytes)
{
    if (block == NULL) {
        return acre_rt_group_alloc(group, attributes, bytes);
    }
    acre_rt *rt = acre_rt_group_owner(group, block);
    if (rt == NULL) {
        return NULL;
    }
    acre_status status = acre_rt_resize(rt, block, bytes);
    if (status != ACRE_NO_MEMORY) {
        return status == ACRE_OK ? block : NULL;
    }
    // It must move: in its member, if there is room.
    size_t old_bytes = acre_rt_size(rt, block);
    acre_rt *to = rt;
    void *moved = acre_rt_alloc(rt, bytes);
    if (moved == NULL) {
        moved = acre_rt_group_alloc(group, attributes, bytes);
        to = moved == NULL ? rt : acre_rt_group_owner(group, moved);
    }
    return special_move(rt, block, old_bytes, to, moved, bytes);
}

acre_status acre_rt_group_free(const acre_rt_group *group, void *block)
{
    if (block == NULL) {
        return ACRE_OK;
    }
    acre_rt *rt = acre_rt_group_owner(group, block);
    return rt == NULL ? ACRE_BAD_ARGUMENT : acre_rt_free(rt, block);
}
