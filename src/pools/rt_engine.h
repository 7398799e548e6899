// rt_engine.h - the rest of what an engine supplies: how a pool starts, what its index says, and whether
// the index is sound. Nothing here is on a path with a bound. See rt_ops.h for `kind`.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_RT_ENGINE_H
#define ACRE_POOLS_RT_ENGINE_H

#include "pools/rt_ops.h"

static ALWAYS_INLINE uint32_t ops_length(const acre_rt *rt, uint32_t at, enum rt_kind kind)
{
    return edge_test(rt, at) ? ops_free_length(rt, at, kind)
                             : block_length(rt, at, kind_is_wide(kind));
}

static ALWAYS_INLINE uint32_t ops_largest(const acre_rt *rt, enum rt_kind kind)
{
    const bool wide = kind_is_wide(kind);
    if (kind_has_tree(kind)) {
        return tree_get(rt, RT_TREE_ROOT, wide);
    }
    uint32_t octaves = *(const uint32_t *)rt->index;
    if (octaves == 0) {
        return 0;
    }
    uint32_t octave = highest_bit32(octaves);
    uint32_t class = (octave << RT_STEPS_LOG2) + highest_bit32(list_classes(rt, wide)[octave]);
    return quick_free_length(rt, list_head(rt, class, wide), wide);
}

static ALWAYS_INLINE void ops_start(acre_rt *rt, enum rt_kind kind)
{
    start_set(rt, RT_POSITION_FIRST);
    start_set(rt, RT_POSITION_FIRST + rt->granules);
    ops_attach(rt, RT_POSITION_FIRST, rt->granules, kind);
    ops_gained(rt, RT_POSITION_FIRST, rt->granules, kind);
}

static ALWAYS_INLINE const char *exact_check(const acre_rt *rt, bool wide)
{
    const uint32_t words = (rt->granules + 31) >> 5;
    const uint32_t leaf = rt->tree_leaf + 1;
    const uint32_t nodes = leaf + ((words + 3) & ~(uint32_t)3);
    for (uint32_t node = leaf; node < nodes; node++) {
        uint32_t most = 0;
        uint32_t word_at = node - rt->tree_leaf;
        uint32_t blocks = word_at <= words ? free_starts(rt, word_at) : 0;
        for (; blocks != 0; blocks &= blocks - 1) {
            uint32_t at = (word_at << 5) + lowest_bit32(blocks);
            most = larger(most, block_end(rt, at) - at);
        }
        if (tree_get(rt, node, wide) != most) {
            return "a leaf of the tree is not the largest free block of its word";
        }
    }
    for (uint32_t node = RT_TREE_ROOT; node < leaf; node++) {
        uint32_t most = 0;
        for (uint32_t child = (node - 2) << 2; child < ((node - 1) << 2) && child < nodes;
             child++) {
            most = larger(most, tree_get(rt, child, wide));
        }
        if (tree_get(rt, node, wide) != most) {
            return "a node of the tree is not the largest of its children";
        }
    }
    return NULL;
}

static ALWAYS_INLINE bool is_free_start(const acre_rt *rt, uint32_t at)
{
    return at - RT_POSITION_FIRST < rt->granules && start_test(rt, at) && edge_test(rt, at);
}

/// Looks at one list; adds how many blocks are on it to *blocks.
static ALWAYS_INLINE const char *list_check(
    const acre_rt *rt, uint32_t class, uint32_t *blocks, bool wide)
{
    uint32_t prev = 0;
    for (uint32_t at = list_head(rt, class, wide); at != 0; *blocks += 1) {
        if (!is_free_start(rt, at)) {
            return "a list leads to what is not a free block";
        }
        struct rt_links_wide links = links_get(rt, at, wide);
        uint32_t end = block_end(rt, at);
        if (links.prev != prev || *blocks > rt->granules) {
            return "a list is not linked both ways";
        }
        if (links.count != end - at || quick_free_length_before(rt, end - 1, wide) != end - at) {
            return "a free block does not hold its length";
        }
        if (class_of(end - at) != class) {
            return "a free block is on the list of another class";
        }
        prev = at;
        at = links.next;
    }
    return NULL;
}

static ALWAYS_INLINE const char *quick_check(const acre_rt *rt, bool wide)
{
    const uint32_t octaves = wide ? RT_OCTAVES_WIDE : RT_OCTAVES_NARROW;
    uint32_t listed = 0;
    for (uint32_t class = 0; class < octaves << RT_STEPS_LOG2; class ++) {
        uint32_t octave = class >> RT_STEPS_LOG2;
        bool any = (list_classes(rt, wide)[octave] >> (class & (RT_STEPS - 1)) & 1) != 0;
        if (any != (list_head(rt, class, wide) != 0)) {
            return "the bit of a list does not say whether it is empty";
        }
        const char *broken = list_check(rt, class, &listed, wide);
        if (broken != NULL) {
            return broken;
        }
    }
    for (uint32_t octave = 0; octave < octaves; octave++) {
        bool any = (*(const uint32_t *)rt->index >> octave & 1) != 0;
        if (any != (list_classes(rt, wide)[octave] != 0)) {
            return "the bit of a doubling does not say whether it has free blocks";
        }
    }
    uint32_t found = 0;
    for (uint32_t word_at = 1; word_at <= (rt->granules + 31) >> 5; word_at++) {
        found += count_bits(free_starts(rt, word_at));
    }
    return found == listed ? NULL : "a free block is on no list";
}

static ALWAYS_INLINE const char *ops_check(const acre_rt *rt, enum rt_kind kind)
{
    return kind_has_tree(kind) ? exact_check(rt, kind_is_wide(kind))
                               : quick_check(rt, kind_is_wide(kind));
}

#endif
