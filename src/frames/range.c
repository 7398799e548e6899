// range.c - give, take and split; see range.h.
//
// Taking goes from piece to piece and gives back what it has when a piece is in use. Giving cannot be
// undone, because what was given belongs to others at once; so it looks at all pieces first. What the caller
// owns does not change between the look and the deed.
//
// A tree of which nothing was ever given has no books yet. Whoever gives the first of it writes them
// first: rows of taken frames, if only a part is given. Meanwhile the tree is PREPARING.
// SPDX-License-Identifier: MIT
#include "frames/range.h"

#include "base/bits.h"
#include "frames/block.h"
#include "frames/lanes.h"
#include "frames/slot.h"
#include "frames/tree.h"

SLOW static void fill_rows(acre_frames *pool, uint64_t row, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        store_relaxed(&pool->rows[row + i], UINT64_MAX);
    }
}

SLOW static void fill_lanes(acre_frames *pool, uint64_t tree, unsigned lane)
{
    for (unsigned i = 0; i < TREE_LANE_WORDS; i++) {
        store_relaxed(&pool->lanes[tree * TREE_LANE_WORDS + i], (uint64_t)lane * LANES_EACH(2));
    }
}

// ---- one piece -----------------------------------------------------------------------------------

SLOW static bool take_row(acre_frames *pool, uint64_t row, uint64_t mask)
{
    uint64_t old = load_relaxed(&pool->rows[row]);
    do {
        if ((old & mask) != 0) {
            return false;
        }
    } while (!cas64_both(&pool->rows[row], &old, old | mask));
    return true;
}

SLOW static bool take_part(acre_frames *pool, uint64_t frame, unsigned frames)
{
    uint64_t child = frame >> CHILD_LOG2;
    if (frames == CHILD_FRAMES) {
        return lane_move(pool, child, CHILD_FRAMES, lane_whole(0));
    }
    if (!lane_take(pool, child, frames)) {
        return false;
    }
    if (take_row(pool, frame >> ROW_LOG2, range_mask(frame, frames))) {
        return true;
    }
    lane_put(pool, child, frames);
    return false;
}

SLOW static bool take_piece(acre_frames *pool, uint64_t frame, unsigned frames)
{
    uint64_t tree = frame >> TREE_LOG2;
    if (frames == TREE_FRAMES) {
        uint32_t old = TREE_ALL_FREE;
        return cas32_both(&pool->trees[tree], &old, TREE_PRESENT | TREE_WHOLE | TREE_LOG2);
    }
    if (!promise_take(pool, tree, frames, KIND_PINNED)) {
        return false;
    }
    if (take_part(pool, frame, frames)) {
        return true;
    }
    (void)tree_put(pool, tree, frames);
    return false;
}

SLOW static bool part_is_taken(const acre_frames *pool, uint64_t frame, unsigned frames)
{
    unsigned lane = lane_get(pool, frame >> CHILD_LOG2);
    if ((lane & LANE_WHOLE) != 0) {
        return true;
    }
    uint64_t taken = UINT64_MAX;
    uint64_t mask = frames < 64 ? range_mask(frame, frames) : UINT64_MAX;
    for (uint64_t row = frame >> ROW_LOG2; row << ROW_LOG2 < frame + frames; row++) {
        taken &= load_relaxed(&pool->rows[row]);
    }
    return (taken & mask) == mask;
}

SLOW static bool piece_is_taken(const acre_frames *pool, uint64_t frame, unsigned frames)
{
    uint32_t entry = load_relaxed(&pool->trees[frame >> TREE_LOG2]);
    if ((entry & TREE_PRESENT) == 0 || (entry & TREE_WHOLE) != 0) {
        return true;
    }
    unsigned step = frames < CHILD_FRAMES ? frames : CHILD_FRAMES;
    for (unsigned at = 0; at < frames; at += step) {
        if (!part_is_taken(pool, frame + at, step)) {
            return false;
        }
    }
    return true;
}

/// Frees the bits of a row that are set, and returns how many; less than asked for only if somebody
/// frees them, too.
SLOW static unsigned clear_row(acre_frames *pool, uint64_t row, uint64_t mask)
{
    return count64(and64_both(&pool->rows[row], ~mask) & mask);
}

SLOW static acre_status give_part(acre_frames *pool, uint64_t frame, unsigned frames)
{
    uint64_t child = frame >> CHILD_LOG2;
    unsigned given = 0;
    unsigned lane = lane_get(pool, child);
    if (frames == CHILD_FRAMES && (lane & LANE_WHOLE) != 0) {
        given = lane_move(pool, child, lane, CHILD_FRAMES) ? CHILD_FRAMES : 0;
    } else {
        uint64_t mask = frames < 64 ? range_mask(frame, frames) : UINT64_MAX;
        for (uint64_t row = frame >> ROW_LOG2; row << ROW_LOG2 < frame + frames; row++) {
            given += clear_row(pool, row, mask);
        }
        lane_put(pool, child, given);
    }
    (void)tree_put(pool, frame >> TREE_LOG2, given);
    return given == frames ? ACRE_OK : ACRE_DOUBLE_FREE;
}

SLOW static bool move_tree(acre_frames *pool, uint64_t tree, uint32_t from, uint32_t to)
{
    uint32_t old = from;
    while (!cas32_both(&pool->trees[tree], &old, to)) {
        if (old != from) {
            return false;
        }
    }
    return true;
}

SLOW static acre_status give_tree(acre_frames *pool, uint64_t tree)
{
    uint32_t entry = load_relaxed(&pool->trees[tree]);
    if (entry == 0) {
        if (!move_tree(pool, tree, 0, TREE_PREPARING)) {
            return ACRE_DOUBLE_FREE;
        }
        fill_lanes(pool, tree, CHILD_FRAMES);
        store_release(&pool->trees[tree], TREE_ALL_FREE);
        return ACRE_OK;
    }
    if ((entry & TREE_WHOLE) != 0) {
        return move_tree(pool, tree, entry, TREE_ALL_FREE) ? ACRE_OK : ACRE_DOUBLE_FREE;
    }
    acre_status status = ACRE_OK;
    for (unsigned i = 0; i < TREE_CHILDREN && status == ACRE_OK; i++) {
        status = give_part(pool, tree * TREE_FRAMES + (uint64_t)i * CHILD_FRAMES, CHILD_FRAMES);
    }
    return status;
}

// ---- ranges --------------------------------------------------------------------------------------

SLOW acre_status range_give(acre_frames *pool, uint64_t frame, uint64_t frames)
{
    acre_status status = ACRE_OK;
    while (frames != 0 && status == ACRE_OK) {
        unsigned piece = range_piece(frame, frames);
        status = piece == TREE_FRAMES ? give_tree(pool, frame >> TREE_LOG2)
                                      : give_part(pool, frame, piece);
        frame += piece;
        frames -= piece;
    }
    return status;
}

SLOW bool range_take(acre_frames *pool, uint64_t frame, uint64_t frames)
{
    uint64_t at = frame;
    uint64_t end = frame + frames;
    while (at < end) {
        unsigned piece = range_piece(at, end - at);
        if (!take_piece(pool, at, piece)) {
            (void)range_give(pool, frame, at - frame);
            return false;
        }
        at += piece;
    }
    return true;
}

SLOW uint64_t range_first_taken(const acre_frames *pool, uint64_t frame, uint64_t frames)
{
    uint64_t end = frame + frames;
    while (frame < end) {
        uint32_t entry = load_relaxed(&pool->trees[frame >> TREE_LOG2]);
        if ((entry & TREE_PRESENT) == 0 || (entry & TREE_WHOLE) != 0) {
            return frame;
        }
        uint64_t step;
        unsigned lane = lane_get(pool, frame >> CHILD_LOG2);
        if ((entry & TREE_FREE) == TREE_FRAMES) {
            step = TREE_FRAMES - frame % TREE_FRAMES;
        } else if (lane == CHILD_FRAMES) {
            step = CHILD_FRAMES - frame % CHILD_FRAMES;
        } else if (lane == 0 || (lane & LANE_WHOLE) != 0) {
            return frame;
        } else {
            uint64_t taken = load_relaxed(&pool->rows[frame >> ROW_LOG2]) >> frame % 64;
            step = 64 - frame % 64;
            if (taken != 0) {
                frame += lowest_bit(taken);
                return frame < end ? frame : end;
            }
        }
        frame += step;
    }
    return end;
}

/// Makes the books of the tree at one end of a range such that a part of it can be given: writes them
/// if there are none, and turns blocks that span more than that part into smaller ones.
SLOW static acre_status open_tree(acre_frames *pool, uint64_t tree)
{
    uint32_t entry = load_relaxed(&pool->trees[tree]);
    if (entry == TREE_PREPARING || (entry == 0 && !move_tree(pool, tree, 0, TREE_PREPARING))) {
        return ACRE_BUSY;
    }
    if (entry == 0) {
        fill_rows(pool, tree * TREE_ROWS, TREE_ROWS);
    } else if ((entry & TREE_WHOLE) != 0) {
        fill_lanes(pool, tree, lane_whole(0));
    } else {
        return ACRE_OK;
    }
    store_release(&pool->trees[tree], TREE_PRESENT);
    return ACRE_OK;
}

SLOW static void open_child(acre_frames *pool, uint64_t child)
{
    unsigned lane = lane_get(pool, child);
    if ((lane & LANE_WHOLE) != 0) {
        fill_rows(pool, child * CHILD_ROWS, CHILD_ROWS);
        (void)lane_move(pool, child, lane, 0);
    }
}

/// Opens what a range covers only in part, where it starts or ends at `edge`.
SLOW static acre_status open_edge(acre_frames *pool, uint64_t edge, uint64_t inside)
{
    if (edge % TREE_FRAMES == 0) {
        return ACRE_OK;
    }
    acre_status status = open_tree(pool, inside >> TREE_LOG2);
    if (status == ACRE_OK && edge % CHILD_FRAMES != 0) {
        open_child(pool, inside >> CHILD_LOG2);
    }
    return status;
}

SLOW static bool is_taken(const acre_frames *pool, uint64_t frame, uint64_t frames)
{
    if (slot_has_any(pool, frame, frames)) {
        return false;
    }
    for (uint64_t end = frame + frames; frame < end;) {
        unsigned piece = range_piece(frame, end - frame);
        if (!piece_is_taken(pool, frame, piece)) {
            return false;
        }
        frame += piece;
    }
    return true;
}

SLOW acre_status acre_frames_give(acre_frames *pool, acre_frame first, uint64_t count)
{
    if (!in_span(pool, first.number - pool->base, count)) {
        return ACRE_BAD_ARGUMENT;
    }
    uint64_t frame = first.number - pool->base;
    if (count == 0) {
        return ACRE_OK;
    }
    if (!is_taken(pool, frame, count)) {
        return ACRE_DOUBLE_FREE;
    }
    acre_status status = open_edge(pool, frame, frame);
    if (status == ACRE_OK) {
        status = open_edge(pool, frame + count, frame + count - 1);
    }
    return status != ACRE_OK ? status : range_give(pool, frame, count);
}

SLOW acre_status acre_frames_take(acre_frames *pool, acre_frame first, uint64_t count)
{
    if (!in_span(pool, first.number - pool->base, count)) {
        return ACRE_BAD_ARGUMENT;
    }
    acre_frames_drain(pool);
    return range_take(pool, first.number - pool->base, count) ? ACRE_OK : ACRE_BUSY;
}

// ---- splitting -----------------------------------------------------------------------------------

SLOW static acre_status split_children(acre_frames *pool, uint64_t child, unsigned order)
{
    const struct lanes_block *block = &lanes_blocks[order - CHILD_LOG2];
    unsigned shift = lane_shift(child);
    uint64_t *entry = &pool->lanes[child / 4];
    if ((load_relaxed(entry) >> shift & block->mask) != block->whole) {
        return block_why_not(pool, child << CHILD_LOG2, order);
    }
    fill_rows(pool, child * CHILD_ROWS, block->bits / LANE_BITS * (unsigned)CHILD_ROWS);
    (void)lanes_move(entry, block->mask << shift, block->whole << shift, 0);
    return ACRE_OK;
}

SLOW static acre_status split_trees(acre_frames *pool, uint64_t tree, unsigned order)
{
    uint64_t end = tree + ((uint64_t)1 << (order - TREE_LOG2));
    for (uint64_t i = tree; i < end; i++) {
        if (load_relaxed(&pool->trees[i]) != (TREE_PRESENT | TREE_WHOLE | order)) {
            return block_why_not(pool, i << TREE_LOG2, order);
        }
    }
    for (; tree < end; tree++) {
        fill_rows(pool, tree * TREE_ROWS, TREE_ROWS);
        fill_lanes(pool, tree, 0);
        store_release(&pool->trees[tree], TREE_PRESENT);
    }
    return ACRE_OK;
}

SLOW acre_status acre_frames_split(acre_frames *pool, acre_frame frame, unsigned order)
{
    uint64_t at = frame.number - pool->base;
    uint64_t frames = (uint64_t)1 << (order & 31);
    if (order > ACRE_FRAMES_ORDER_MAX || frame.number % frames != 0 || !in_span(pool, at, frames)) {
        return ACRE_BAD_ARGUMENT;
    }
    if (order < CHILD_LOG2) {
        return ACRE_OK;
    }
    return order < TREE_LOG2 ? split_children(pool, at >> CHILD_LOG2, order)
                             : split_trees(pool, at >> TREE_LOG2, order);
}
