// tree - a red-black tree of 200 000 keys: keys come and go at random, each with a value.
//
// Stresses nodes of 56 bytes whose neighbours in the tree are anywhere in memory, so that the place
// where the allocator puts them decides how many cache lines a search needs; values of 8 to 200
// bytes lie between them. One thread. Real programs: std::map, ordered indexes of databases,
// schedulers and timers, memory maps of kernels and emulators.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <stdbool.h>

enum { KEYS = 400000, OPERATIONS = 900000, LEFT = 0, RIGHT = 1 };

typedef struct node {
    struct node *child[2];
    struct node *parent;
    uint64_t key;
    char *value;
    uint32_t value_bytes;
    bool is_red;
} node;

static node nil; // every leaf; black; its parent is set while a removal is repaired
static node *root = &nil;
static uint64_t pair_count;

static int side_of(const node *child)
{
    return child->parent->child[RIGHT] == child;
}

static void put_at(node *parent, int side, node *child)
{
    if (parent == &nil) {
        root = child;
    } else {
        parent->child[side] = child;
    }
    child->parent = parent;
}

/// Turns `top` down to `side`; its child on the other side takes its place.
static void rotate(node *top, int side)
{
    node *risen = top->child[!side];
    top->child[!side] = risen->child[side];
    if (risen->child[side] != &nil) {
        risen->child[side]->parent = top;
    }
    put_at(top->parent, side_of(top), risen);
    risen->child[side] = top;
    top->parent = risen;
}

static void insert_repair(node *added)
{
    while (added->parent->is_red) {
        node *grandparent = added->parent->parent;
        int side = side_of(added->parent);
        node *uncle = grandparent->child[!side];
        if (uncle->is_red) {
            added->parent->is_red = false;
            uncle->is_red = false;
            grandparent->is_red = true;
            added = grandparent;
            continue;
        }
        if (side_of(added) != side) {
            added = added->parent;
            rotate(added, side);
        }
        added->parent->is_red = false;
        grandparent->is_red = true;
        rotate(grandparent, !side);
    }
    root->is_red = false;
}

/// `place` is one black node short.
static void remove_repair(node *place)
{
    while (place != root && !place->is_red) {
        int side = side_of(place);
        node *sibling = place->parent->child[!side];
        if (sibling->is_red) {
            sibling->is_red = false;
            place->parent->is_red = true;
            rotate(place->parent, side);
            sibling = place->parent->child[!side];
        }
        if (!sibling->child[LEFT]->is_red && !sibling->child[RIGHT]->is_red) {
            sibling->is_red = true;
            place = place->parent;
            continue;
        }
        if (!sibling->child[!side]->is_red) {
            sibling->child[side]->is_red = false;
            sibling->is_red = true;
            rotate(sibling, !side);
            sibling = place->parent->child[!side];
        }
        sibling->is_red = place->parent->is_red;
        place->parent->is_red = false;
        sibling->child[!side]->is_red = false;
        rotate(place->parent, side);
        place = root;
    }
    place->is_red = false;
}

static void tree_insert(node *parent, int side, uint64_t key, pattern_random *random)
{
    node *added = pattern_alloc(sizeof *added);
    uint32_t value_bytes = (uint32_t)pattern_random_size(random, 8, 201);
    *added = (node){{&nil, &nil}, parent, key, pattern_alloc(value_bytes), value_bytes, true};
    pattern_stamp(added->value, value_bytes);
    pattern_live_add(sizeof *added + value_bytes);
    put_at(parent, side, added);
    insert_repair(added);
    pair_count += 2;
}

static void tree_remove(node *removed)
{
    node *moved = removed; // what leaves its place: the node, or the next larger one
    if (removed->child[LEFT] != &nil && removed->child[RIGHT] != &nil) {
        moved = removed->child[RIGHT];
        while (moved->child[LEFT] != &nil) {
            moved = moved->child[LEFT];
        }
    }
    node *rest = moved->child[moved->child[LEFT] == &nil];
    bool was_red = moved->is_red;
    put_at(moved->parent, side_of(moved), rest); // sets nil's parent, too
    if (moved != removed) {
        put_at(removed->parent, side_of(removed), moved);
        moved->is_red = removed->is_red;
        for (int side = LEFT; side <= RIGHT; side++) {
            moved->child[side] = removed->child[side];
            moved->child[side]->parent = moved; // nil's, when nil is the rest
        }
    }
    if (!was_red) {
        remove_repair(rest);
    }
    pattern_check(removed->value, removed->value_bytes);
    pattern_checksum_add(removed->key * removed->value_bytes);
    pattern_live_subtract(sizeof *removed + removed->value_bytes);
    free(removed->value);
    free(removed);
}

/// Removes the key if it is there, else inserts it.
static void tree_toggle(uint64_t key, pattern_random *random)
{
    node *parent = &nil;
    node *at = root;
    int side = LEFT;
    while (at != &nil && at->key != key) {
        parent = at;
        side = key > at->key;
        at = at->child[side];
    }
    if (at != &nil) {
        tree_remove(at);
    } else {
        tree_insert(parent, side, key, random);
    }
}

int main(void)
{
    pattern_random random = pattern_random_seed(15);
    nil.child[LEFT] = &nil;
    nil.child[RIGHT] = &nil;
    nil.parent = &nil;
    size_t operations = pattern_work(OPERATIONS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < operations; i++) {
        tree_toggle(pattern_random_below(&random, KEYS), &random);
    }
    while (root != &nil) {
        tree_remove(root);
    }
    return pattern_report("tree", pair_count, pattern_now_ns() - start_ns);
}
