// rt_exact.h - the index of EXACT and TIGHT: a tree of the largest free blocks, for address-ordered first fit
// and for what is nearly best fit.
//
// A leaf stands for one word of starts, 32 granules, and holds the length of the largest free block
// that starts there; every other node holds the largest of its four children. So the root is the
// largest free block, and the leftmost leaf that is large enough is found by descending (EXACT), or one
// that is not much larger (TIGHT). Numbers of nodes are such that siblings lie side by side from a multiple of four on:
//
//     root 3;  level 1: 4..7;  level 2: 8..23;  level 3: 24..87;  ...
//     children of j: 4 (j - 2) ... + 3          parent of j: j / 4 + 2
//
// The leaves are the last level, cut off behind the last one that is needed. There is at least one
// level of them. A change touches at most two leaves, of which at most one is worked out anew; the other
// can only have become larger. Each climb ends where nothing changes.
//
// The tree is in the spirit of R. Brent, "Efficient implementation of the first-fit strategy for
// dynamic storage allocation", ACM TOPLAS 11(3), 1989. Nodes are half words in narrow pools.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_RT_EXACT_H
#define ACRE_POOLS_RT_EXACT_H

#include "pools/rt_layout.h"

enum { RT_TREE_ROOT = 3, RT_TREE_LEVEL_1 = 4 };

static ALWAYS_INLINE uint32_t tree_get(const acre_rt *rt, uint32_t node, bool wide)
{
    return wide ? ((const uint32_t *)rt->index)[node] : ((const uint16_t *)rt->index)[node];
}

static ALWAYS_INLINE void tree_put(acre_rt *rt, uint32_t node, uint32_t value, bool wide)
{
    if (wide) {
        ((uint32_t *)rt->index)[node] = value;
    } else {
        ((uint16_t *)rt->index)[node] = (uint16_t)value;
    }
}

static ALWAYS_INLINE uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/// Sets a leaf and what follows from it. Time: once around for each level.
static ALWAYS_INLINE void tree_set(acre_rt *rt, uint32_t node, uint32_t value, bool wide)
{
    while (tree_get(rt, node, wide) != value) {
        tree_put(rt, node, value, wide);
        if (node == RT_TREE_ROOT) {
            return;
        }
        uint32_t first = node & ~(uint32_t)3;
        value = larger(
            larger(tree_get(rt, first, wide), tree_get(rt, first + 1, wide)),
            larger(tree_get(rt, first + 2, wide), tree_get(rt, first + 3, wide)));
        node = (node >> 2) + 2;
    }
}

/// Raises a leaf to at least a value, and what follows from it: no sibling need be looked at.
static RT_SHARED void tree_raise(acre_rt *rt, uint32_t node, uint32_t value, bool wide)
{
    while (tree_get(rt, node, wide) < value) {
        tree_put(rt, node, value, wide);
        if (node == RT_TREE_ROOT) {
            return;
        }
        node = (node >> 2) + 2;
    }
}

/// Free blocks that start in a word, one bit each.
static ALWAYS_INLINE uint32_t free_starts(const acre_rt *rt, uint32_t word_at)
{
    const uint16_t *halves = &rt->edges[(size_t)word_at * 2];
    uint32_t edges = (uint32_t)halves[0] | (uint32_t)halves[1] << 16;
    return rt->starts[word_at] & edges;
}

/// The largest free block that starts in a word, by halving on all of its blocks at once: bit i of
/// `go` says that the block at i goes on behind i, and `go2`, `go4`, ... that it does so for 2, 4, ...
/// granules. Only the last block in the word can end outside of it.
static ALWAYS_INLINE uint32_t word_largest(const acre_rt *rt, uint32_t word_at, bool wide)
{
    uint32_t blocks = free_starts(rt, word_at);
    if (blocks == 0) {
        return 0;
    }
    uint32_t starts = rt->starts[word_at];
    uint32_t last = highest_bit32(blocks);
    uint32_t last_length = block_length(rt, (word_at << 5) + last, wide);
    blocks &= ~((uint32_t)1 << last);
    if (blocks == 0) {
        return last_length;
    }
    uint32_t go = ~starts >> 1;
    uint32_t go2 = go & go >> 1;
    uint32_t go4 = go2 & go2 >> 2;
    uint32_t go8 = go4 & go4 >> 4;
    uint32_t length = 0;
    uint32_t left;
    if ((left = blocks & go8 & go8 >> 8) != 0) {
        blocks = left;
        length = 16;
    }
    if ((left = blocks & go8 >> length) != 0) {
        blocks = left;
        length += 8;
    }
    if ((left = blocks & go4 >> length) != 0) {
        blocks = left;
        length += 4;
    }
    if ((left = blocks & go2 >> length) != 0) {
        blocks = left;
        length += 2;
    }
    if ((blocks & go >> length) != 0) {
        length += 1;
    }
    return larger(length + 1, last_length);
}

/// A free block that started at `at` is gone, or has become shorter.
static RT_SHARED void exact_lost(acre_rt *rt, uint32_t at, bool wide)
{
    uint32_t word_at = at >> 5;
    tree_set(rt, rt->tree_leaf + word_at, word_largest(rt, word_at, wide), wide);
}

/// A free block of `count` granules starts at `at` now, and no other of that word has become shorter.
static ALWAYS_INLINE void exact_gained(acre_rt *rt, uint32_t at, uint32_t count, bool wide)
{
    tree_raise(rt, rt->tree_leaf + (at >> 5), count, wide);
}

/// The first block of at least `count` granules in a word in which there is one: the last block, or
/// an earlier one. `fit` loses, by halving as above, the blocks that are too short.
static ALWAYS_INLINE uint32_t word_first(const acre_rt *rt, uint32_t word_at, uint32_t count)
{
    uint32_t blocks = free_starts(rt, word_at);
    uint32_t at = highest_bit32(blocks);
    uint32_t rest = count - 1;
    if (rest < 31) { // no other block of the word is longer
        uint32_t go = ~rt->starts[word_at] >> 1;
        uint32_t fit = blocks & ~((uint32_t)1 << at);
        uint32_t done = rest & 1;
        if (done != 0) {
            fit &= go;
        }
        go &= go >> 1;
        if ((rest & 2) != 0) {
            fit &= go >> done;
        }
        done = rest & 3;
        go &= go >> 2;
        if ((rest & 4) != 0) {
            fit &= go >> done;
        }
        done = rest & 7;
        go &= go >> 4;
        if ((rest & 8) != 0) {
            fit &= go >> done;
        }
        done = rest & 15;
        go &= go >> 8;
        if ((rest & 16) != 0) {
            fit &= go >> done;
        }
        if (fit != 0) {
            at = lowest_bit32(fit);
        }
    }
    return (word_at << 5) + at;
}

/// The first child of a node that has a free block of at least `count` granules, which the node has.
static ALWAYS_INLINE uint32_t
tree_child(const acre_rt *rt, uint32_t node, uint32_t count, bool wide)
{
    uint32_t child = (node - 2) << 2;
    if (tree_get(rt, child, wide) >= count) {
        return child;
    }
    if (tree_get(rt, child + 1, wide) >= count) {
        return child + 1;
    }
    return tree_get(rt, child + 2, wide) >= count ? child + 2 : child + 3;
}

/// The child whose largest free block is the smallest that suffices; of equals the first. What is too small
/// wraps, and is never the least.
static ALWAYS_INLINE uint32_t
tree_tightest(const acre_rt *rt, uint32_t node, uint32_t count, bool wide)
{
    uint32_t child = (node - 2) << 2;
    uint32_t found = child;
    uint32_t least = tree_get(rt, child, wide) - count;
    uint32_t over = tree_get(rt, child + 1, wide) - count;
    found = over < least ? child + 1 : found;
    least = over < least ? over : least;
    over = tree_get(rt, child + 2, wide) - count;
    found = over < least ? child + 2 : found;
    least = over < least ? over : least;
    over = tree_get(rt, child + 3, wide) - count;
    return over < least ? child + 3 : found;
}

/// The lowest free block of at least `count` granules, or 0. If `tight`: one where the largest of its word,
/// of its four words and so on are as small as can be.
static ALWAYS_INLINE uint32_t exact_find(const acre_rt *rt, uint32_t count, bool tight, bool wide)
{
    if (tree_get(rt, RT_TREE_ROOT, wide) < count) {
        return 0;
    }
    uint32_t node = RT_TREE_ROOT;
    do {
        node = tight ? tree_tightest(rt, node, count, wide) : tree_child(rt, node, count, wide);
    } while (node <= rt->tree_leaf);
    return word_first(rt, node - rt->tree_leaf, count);
}

static ALWAYS_INLINE uint32_t exact_free_length(const acre_rt *rt, uint32_t at, bool wide)
{
    return block_length(rt, at, wide);
}

/// Granules of the free block that ends at `last`.
static ALWAYS_INLINE uint32_t exact_free_length_before(const acre_rt *rt, uint32_t last, bool wide)
{
    uint32_t window = start_window(rt, last - 31);
    if (window != 0) {
        return 32 - highest_bit32(window);
    }
    uint32_t half = (last >> 4) - 1;
    return length_get(rt, half, half - 1, wide);
}

static RT_SHARED void exact_attach(acre_rt *rt, uint32_t at, uint32_t count, bool wide)
{
    uint32_t last = at + count - 1;
    if (count > RT_LENGTH_SHORT_MAX) {
        uint32_t front = (at + 16) >> 4;
        uint32_t back = (last >> 4) - 1;
        length_put(rt, front, front + 1, count, wide);
        length_put(rt, back, back - 1, count, wide);
    }
    edge_set(rt, at);
    edge_set(rt, last);
}

#endif
