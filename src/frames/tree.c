// tree.c - see tree.h.
//
// Which tree a slot holds next decides how fragmented memory gets. Trees of the same class that are
// used already come first, those between 1/64 and 1/2 free before all others: nearly full ones give
// little, nearly free ones may become wholly free again. Then a tree that is wholly free; only then
// one of another class.
// SPDX-License-Identifier: MIT
#include "frames/tree.h"

enum {
    WINDOW_TREES = 32,     // that a search looks at before it looks at all
    WINDOW_TREES_HUGE = 4, // a tree serves few blocks of 2 MiB, so its search may cost less
    CHANGE_TRIES_MAX = 8,
    RATE_NONE = 0,
    RATE_OTHER = 1,
    RATE_WHOLE = 2, // from here on a search in the window is enough
    RATE_SAME = 3,
    RATE_BEST = 4, // none is better
};

static unsigned class_of(enum kind kind)
{
    return (unsigned)kind + 1;
}

/// The class of a tree once frames of a kind are in it. Frames that cannot be moved decide, and a tree
/// of blocks of 2 MiB that others broke into is theirs.
static uint32_t class_with(uint32_t entry, enum kind kind)
{
    unsigned old = (entry & TREE_CLASS) >> TREE_CLASS_SHIFT;
    unsigned now = old;
    if (old == 0 || old == class_of(KIND_LARGE) || kind == KIND_PINNED) {
        now = class_of(kind);
    }
    return (entry & ~TREE_CLASS) | now << TREE_CLASS_SHIFT;
}

uint32_t tree_unheld(uint32_t entry)
{
    entry &= ~TREE_HELD;
    return (entry & TREE_FREE) == TREE_FRAMES ? entry & ~TREE_CLASS : entry;
}

RARE bool tree_take(acre_frames *pool, uint64_t tree, unsigned frames, enum kind kind)
{
    uint32_t old = load_relaxed(&pool->trees[tree]);
    uint32_t next;
    do {
        if ((old & TREE_WHOLE) != 0 || (old & TREE_FREE) < frames) {
            return false;
        }
        next = class_with(old, kind) - frames;
    } while (!cas32_both(&pool->trees[tree], &old, next));
    return true;
}

acre_status tree_put(acre_frames *pool, uint64_t tree, unsigned frames)
{
    uint32_t old = load_relaxed(&pool->trees[tree]);
    uint32_t next;
    do {
        next = old + frames;
        if (unlikely((next & (TREE_HELD | TREE_FREE)) == TREE_FRAMES)) {
            next &= ~TREE_CLASS;
        }
    } while (!cas32_both(&pool->trees[tree], &old, next));
    return ACRE_OK;
}

acre_status held_put(acre_frames *pool, struct line *line, uint64_t tree, unsigned frames)
{
    uint64_t old = load_relaxed(&line->held);
    while (old / TREE_HELD == (tree << 1 | 1)) { // the tree, and the bit that says held
        if (cas64_both(&line->held, &old, old + frames)) {
            return ACRE_OK;
        }
    }
    return tree_put(pool, tree, frames);
}

RARE bool promise_take(acre_frames *pool, uint64_t tree, unsigned frames, enum kind kind)
{
    if (tree_take(pool, tree, frames, kind)) {
        return true;
    }
    for (uint32_t i = 0; i < line_count(pool); i++) {
        struct line *line = &pool->lines[i];
        uint64_t old = load_relaxed(&line->held);
        while (old >> 32 == tree && (old & TREE_FREE) >= frames) {
            if (cas64_both(&line->held, &old, old - frames)) {
                return true;
            }
        }
    }
    return false;
}

SLOW bool held_fetch(acre_frames *pool, struct line *line)
{
    uint64_t held = load_relaxed(&line->held);
    if ((held & TREE_HELD) == 0) {
        return false;
    }
    uint64_t tree = held >> 32;
    uint32_t old = load_relaxed(&pool->trees[tree]);
    do {
        if ((old & TREE_HELD) == 0 || (old & TREE_FREE) == 0) {
            return false;
        }
    } while (!cas32_both(&pool->trees[tree], &old, old & ~TREE_FREE));
    (void)held_put(pool, line, tree, old & TREE_FREE);
    return true;
}

static void held_give_up(acre_frames *pool, uint64_t held)
{
    if ((held & TREE_HELD) == 0) {
        return;
    }
    uint32_t *entry = &pool->trees[held >> 32];
    uint32_t old = load_relaxed(entry);
    while (!cas32_both(entry, &old, tree_unheld(old + (uint32_t)(held & TREE_FREE)))) {
    }
}

RARE void held_drop(acre_frames *pool, struct line *line)
{
    if (load_relaxed(&line->held) != 0) {
        held_give_up(pool, swap64_both(&line->held, 0));
    }
}

// ---- choosing a tree -----------------------------------------------------------------------------

static unsigned rate(uint32_t entry, enum kind kind, unsigned frames)
{
    uint32_t count = entry & TREE_FREE;
    if (entry == TREE_ALL_FREE) {
        return RATE_WHOLE;
    }
    if ((entry & (TREE_HELD | TREE_WHOLE)) != 0 || count < frames) {
        return RATE_NONE;
    }
    if ((entry & TREE_CLASS) >> TREE_CLASS_SHIFT != class_of(kind)) {
        return RATE_OTHER;
    }
    if (kind == KIND_LARGE || (count >= TREE_FRAMES / 64 && count <= TREE_FRAMES / 2)) {
        return RATE_BEST;
    }
    return RATE_SAME;
}

/// Trees that a search goes through, from `start` on and around.
struct area {
    uint32_t from;
    uint32_t count;
    uint32_t start;
};

SLOW static struct area area_of(uint32_t from, uint32_t end, uint32_t start)
{
    struct area area = {.from = from, .count = end > from ? end - from : 0, .start = start};
    if (start < from || start >= end) {
        area.start = from;
    }
    return area;
}

/// The best of the first `looks` trees of the area. Its rating; RATE_NONE if there is none.
static unsigned best_of(
    const acre_frames *pool, struct area area, uint32_t looks, enum kind kind, unsigned frames,
    uint32_t *out)
{
    unsigned best = RATE_NONE;
    uint32_t tree = area.start;
    uint32_t end = area.from + area.count;
    for (uint32_t i = 0; i < looks && best < RATE_BEST; i++) {
        unsigned rating = rate(load_relaxed(&pool->trees[tree]), kind, frames);
        if (rating > best) {
            best = rating;
            *out = tree;
        }
        tree += 1;
        tree = tree < end ? tree : area.from;
    }
    return best;
}

/// Puts the best tree of an area into the line.
SLOW static bool change_in(
    acre_frames *pool, struct line *line, struct area area, enum kind kind, unsigned frames)
{
    for (unsigned tries = 0; tries < CHANGE_TRIES_MAX; tries++) {
        uint32_t tree = 0;
        uint32_t looks = kind == KIND_LARGE ? WINDOW_TREES_HUGE : WINDOW_TREES;
        uint32_t window = area.count < looks ? area.count : looks;
        unsigned rating = best_of(pool, area, window, kind, frames, &tree);
        if (rating < RATE_WHOLE && window < area.count) {
            rating = best_of(pool, area, area.count, kind, frames, &tree);
        }
        if (rating == RATE_NONE) {
            return false;
        }
        uint32_t old = load_relaxed(&pool->trees[tree]);
        uint32_t next = class_with(old & ~TREE_FREE, kind) | TREE_HELD;
        if (rate(old, kind, frames) == RATE_NONE || !cas32_both(&pool->trees[tree], &old, next)) {
            continue; // somebody was quicker
        }
        uint64_t held = (uint64_t)tree << 32 | TREE_HELD | (old & TREE_FREE);
        store_relaxed(&line->half_at, 0);
        store_relaxed(&line->tree_at, tree + 1);
        held_give_up(pool, swap64_both(&line->held, held));
        return true;
    }
    return false;
}

SLOW bool held_change(acre_frames *pool, struct line *line, enum kind kind, unsigned frames)
{
    uint32_t low = (uint32_t)(pool->low_frames >> TREE_LOG2);
    uint32_t start = load_relaxed(&line->tree_at);
    // What devices with 32 address lines can reach is kept as long as there is other memory.
    struct area high = area_of(pool->dma32_trees, pool->tree_count, start);
    struct area below = area_of(low, pool->dma32_trees, start);
    return (high.count != 0 && change_in(pool, line, high, kind, frames)) ||
           change_in(pool, line, below, kind, frames);
}
