// audit.c - all books of a pool against each other, while nobody uses it. See acre/frames.h.
// SPDX-License-Identifier: MIT
#include "frames/lanes.h"

/// Free frames of a child as its bits say, and whether its lane says the same.
SLOW static const char *audit_child(const acre_frames *pool, uint64_t child, uint64_t *frames)
{
    unsigned lane = lane_get(pool, child);
    unsigned bits = 0;
    for (unsigned i = 0; i < CHILD_ROWS; i++) {
        bits += 64 - count64(load_relaxed(&pool->rows[child * CHILD_ROWS + i]));
    }
    if ((lane & LANE_WHOLE) != 0) {
        if ((lane & LANE_FREE) != 0) {
            return "a child that belongs to a block has a count";
        }
        return bits != CHILD_FRAMES ? "a child that belongs to a block has taken bits" : NULL;
    }
    *frames += bits;
    return lane != bits ? "a child's count differs from its bits" : NULL;
}

/// What lines hold of a tree.
SLOW static const char *audit_holders(
    const acre_frames *pool, uint64_t tree, uint32_t entry, uint64_t *frames)
{
    unsigned holders = 0;
    for (uint32_t i = 0; i < line_count(pool); i++) {
        uint64_t held = load_relaxed(&pool->lines[i].held);
        if ((held & TREE_HELD) != 0 && held >> 32 == tree) {
            holders += 1;
            *frames += held & TREE_FREE;
        }
    }
    return holders != ((entry & TREE_HELD) != 0 ? 1u : 0u) ? "a tree's holder and its mark differ"
                                                           : NULL;
}

SLOW static const char *audit_tree(const acre_frames *pool, uint64_t tree)
{
    uint32_t entry = load_relaxed(&pool->trees[tree]);
    uint64_t counted = entry & TREE_FREE;
    uint64_t frames = 0;
    const char *wrong = audit_holders(pool, tree, entry, &counted);
    if (entry == 0 || wrong != NULL) {
        return wrong;
    }
    if ((entry & TREE_PRESENT) == 0 || (entry & TREE_PREPARING) != 0) {
        return "a tree is being made present";
    }
    if ((entry & TREE_WHOLE) != 0) {
        unsigned order = entry & TREE_FREE;
        bool sound = (entry & (TREE_HELD | TREE_CLASS)) == 0 && order >= TREE_LOG2 &&
                     order <= ACRE_FRAMES_ORDER_MAX;
        return sound ? NULL : "the word of a tree that belongs to a block is wrong";
    }
    for (unsigned i = 0; i < TREE_CHILDREN && wrong == NULL; i++) {
        wrong = audit_child(pool, tree * TREE_CHILDREN + i, &frames);
    }
    if (wrong == NULL && counted != frames) {
        wrong = "a tree's count differs from its children's";
    }
    if (wrong == NULL && (entry & TREE_HELD) == 0 && counted == TREE_FRAMES &&
        (entry & TREE_CLASS) != 0) {
        wrong = "a tree that is wholly free has a class";
    }
    return wrong;
}

/// The frames that a line has are taken for all other books, and no other line has them.
SLOW static const char *audit_word(const acre_frames *pool, uint64_t entry, uint32_t from)
{
    uint32_t mask = (uint32_t)entry;
    uint64_t half = entry >> 32;
    if (mask == 0) {
        return NULL;
    }
    if (half >= pool->frames / 32) {
        return "a slot has frames that are not in the pool";
    }
    uint32_t taken = (uint32_t)(load_relaxed(&pool->rows[half / 2]) >> half % 2 * 32);
    if ((taken & mask) != mask) {
        return "a slot has frames that are free in the books";
    }
    for (uint32_t i = from; i < 2 * line_count(pool); i++) {
        const struct line *line = &pool->lines[i / 2];
        uint64_t other = load_relaxed(i % 2 == 0 ? &line->hand : &line->back);
        if (other >> 32 == half && ((uint32_t)other & mask) != 0) {
            return "two slots have the same frame";
        }
    }
    return NULL;
}

SLOW const char *acre_frames_audit(const acre_frames *pool)
{
    const char *wrong = NULL;
    for (uint64_t tree = 0; tree < pool->tree_count && wrong == NULL; tree++) {
        wrong = audit_tree(pool, tree);
    }
    for (uint32_t i = 0; i < line_count(pool) && wrong == NULL; i++) {
        const struct line *line = &pool->lines[i];
        uint64_t held = load_relaxed(&line->held);
        if ((held & TREE_HELD) != 0 ? held >> 32 >= pool->tree_count : held != 0) {
            return "what a slot holds is no tree";
        }
        wrong = audit_word(pool, load_relaxed(&line->hand), 2 * i + 1);
        wrong = wrong != NULL ? wrong : audit_word(pool, load_relaxed(&line->back), 2 * i + 2);
    }
    return wrong;
}
