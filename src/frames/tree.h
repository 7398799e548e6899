// tree.h - counts of trees: who promised how many frames to whom, and which tree a slot holds.
//
// A slot that holds a tree has its count in its own line, where only those who search everything touch it.
// What others give back to that tree gathers in the tree word, until the holder fetches it (held_fetch).
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_TREE_H
#define ACRE_FRAMES_TREE_H

#include "frames/layout.h"

/// The tree word of a count that nobody holds.
uint32_t tree_unheld(uint32_t entry);

/// Takes `frames` off the count in a tree word; the tree may be held, its word then counts what has
/// gathered. False: there are not so many.
bool tree_take(acre_frames *pool, uint64_t tree, unsigned frames, enum kind kind);

/// Puts frames back into a tree word. ACRE_OK.
acre_status tree_put(acre_frames *pool, uint64_t tree, unsigned frames);

/// Takes `frames` off the count that a line holds; *tree is the tree then.
static inline bool held_take(struct line *line, unsigned frames, uint64_t *tree)
{
    uint64_t old = load_relaxed(&line->held);
    do {
        // A line that holds nothing is 0, so that its count is, too.
        if ((old & TREE_FREE) < frames) {
            return false;
        }
    } while (!cas64_both(&line->held, &old, old - frames));
    *tree = old >> 32;
    return true;
}

/// Puts frames back: into the line's count if it holds their tree, else into the tree's. ACRE_OK, always: so
/// that a free can end with it.
acre_status held_put(acre_frames *pool, struct line *line, uint64_t tree, unsigned frames);

/// Takes from whoever has the count of a tree, the tree word or a line. False: nobody has so many.
bool promise_take(acre_frames *pool, uint64_t tree, unsigned frames, enum kind kind);

/// Fetches what has gathered in the word of the tree that a line holds. False: nothing.
bool held_fetch(acre_frames *pool, struct line *line);

/// Makes the line hold another tree, with at least `frames` free, that suits the kind best. False:
/// there is none that is not held. Never one of the low trees.
bool held_change(acre_frames *pool, struct line *line, enum kind kind, unsigned frames);

/// Makes the line hold none.
void held_drop(acre_frames *pool, struct line *line);

#endif
