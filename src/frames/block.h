// block.h - blocks in a tree, and blocks made of trees.
//
// Callers have a promise: the frames are taken off the count of the tree already (tree.h), and they put
// them back if there is no such block.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_BLOCK_H
#define ACRE_FRAMES_BLOCK_H

#include "frames/layout.h"

/// Claims a block of the order wanted, at most 8, in a tree. NO_FRAME: what is free there lies
/// otherwise, or beyond want->end.
uint64_t block_claim(acre_frames *pool, uint64_t tree, const struct want *want);

/// The same for orders 9 to 11.
uint64_t children_claim(acre_frames *pool, uint64_t tree, const struct want *want);

/// Gives back a block of at most order 8; the line gets the count if it holds the tree.
acre_status block_free(acre_frames *pool, struct line *line, uint64_t frame, unsigned order);

/// A block of order 9 to 11 from the tree that a slot holds, from the next ones, or by children_search. Needs no
/// promise.
acre_frame children_alloc(acre_frames *pool, unsigned slot, uint32_t request);

/// The same from wherever there is one; in pool.c.
acre_frame children_search(acre_frames *pool, unsigned slot, uint32_t request);

/// The same as block_free for orders 9 to 11; looks itself whether there can be such a block.
acre_status children_free(acre_frames *pool, struct line *line, uint64_t frame, uint32_t request);

/// Claims a block of order 12 or more, as high as possible.
uint64_t trees_claim(acre_frames *pool, const struct want *want);

/// Gives it back.
acre_status trees_free(acre_frames *pool, uint64_t frame, unsigned order);

/// What to say of a block that was to be freed and is not taken as such.
acre_status block_why_not(const acre_frames *pool, uint64_t frame, unsigned order);

#endif
