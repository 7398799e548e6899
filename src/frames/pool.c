// pool.c - allocating from a pool and freeing: what is tried in which order.
//
//   order   first                          then                               at last
//   0       the slot's hand, filled from   one that another slot has; any     drain all slots, then
//           the tree that the slot holds   tree's count, from the top         any tree again
//   1-11    the tree that the slot holds,  any slot's tree; any tree's        the same
//           or the next ones               count, from the top
//   12-18   trees, from the top                                               the same
//
// With a limit nothing of the first column is tried.
// SPDX-License-Identifier: MIT
#include "frames/block.h"
#include "frames/slot.h"
#include "frames/tree.h"

enum {
    HELD_TRIES_MAX = 4, // trees that a slot tries before any will do
    ORDER_MASK = 0xff,
};

// ---- allocating ----------------------------------------------------------------------------------

static inline uint64_t claim_in(acre_frames *pool, uint64_t tree, const struct want *want)
{
    return want->order < CHILD_LOG2 ? block_claim(pool, tree, want)
                                    : children_claim(pool, tree, want);
}

/// From the tree that the slot holds, and from the next few.
static uint64_t take_held(acre_frames *pool, struct line *line, struct want *want)
{
    unsigned frames = 1u << want->order;
    want->half_at = load_relaxed(&line->half_at) % TREE_HALVES;
    for (unsigned tries = 0; tries < HELD_TRIES_MAX; tries++) {
        uint64_t tree;
        if (held_take(line, frames, &tree)) {
            uint64_t frame = claim_in(pool, tree, want);
            if (likely(frame != NO_FRAME)) {
                store_relaxed(&line->half_at, (uint32_t)(frame >> HALF_LOG2) % TREE_HALVES);
                return frame;
            }
            (void)held_put(pool, line, tree, frames);
        } else if (held_fetch(pool, line)) {
            continue;
        }
        if (!held_change(pool, line, want->kind, frames)) {
            break;
        }
    }
    return NO_FRAME;
}

/// From a tree that any slot holds.
RARE static uint64_t take_others(acre_frames *pool, const struct want *want)
{
    unsigned frames = 1u << want->order;
    for (uint32_t i = 0; i < line_count(pool); i++) {
        struct line *line = &pool->lines[i];
        uint64_t tree;
        if (held_take(line, frames, &tree)) {
            uint64_t frame = claim_in(pool, tree, want);
            if (frame != NO_FRAME) {
                return frame;
            }
            (void)held_put(pool, line, tree, frames);
        }
    }
    return NO_FRAME;
}

/// From any tree's own count, the highest first.
RARE static uint64_t take_any(acre_frames *pool, const struct want *want)
{
    if (want->order >= TREE_LOG2) {
        return trees_claim(pool, want);
    }
    unsigned frames = 1u << want->order;
    uint64_t low = want->low ? 0 : pool->low_frames >> TREE_LOG2;
    uint64_t tree = (want->end + TREE_FRAMES - 1) >> TREE_LOG2;
    while (tree > low) {
        tree -= 1;
        if (tree_take(pool, tree, frames, want->kind)) {
            uint64_t frame = claim_in(pool, tree, want);
            if (frame != NO_FRAME) {
                return frame;
            }
            (void)tree_put(pool, tree, frames);
        }
    }
    return NO_FRAME;
}

RARE static void drain_all(acre_frames *pool)
{
    for (uint32_t i = 0; i < line_count(pool); i++) {
        slot_drain(pool, &pool->lines[i]);
    }
}

RARE static uint64_t take_slow(
    acre_frames *pool, struct line *line, const struct want *want, bool limited)
{
    uint64_t frame = NO_FRAME;
    if (!limited && want->order < TREE_LOG2) {
        frame = want->order == 0 ? slot_steal(pool, line) : take_others(pool, want);
    }
    frame = frame != NO_FRAME ? frame : take_any(pool, want);
    if (frame != NO_FRAME) {
        return frame;
    }
    // What is free may be divided among hands, slots and trees: gather it, and look once more.
    drain_all(pool);
    return take_any(pool, want);
}

static acre_frame frame_at(const acre_frames *pool, uint64_t frame)
{
    return frame == NO_FRAME ? acre_frame_none() : (acre_frame){pool->base + frame};
}

static inline bool is_children(unsigned order)
{
    return order - CHILD_LOG2 < TREE_LOG2 - CHILD_LOG2;
}

static enum kind kind_of_frame(uint32_t request)
{
    return (enum kind)(request / ACRE_FRAMES_MOVABLE % 2);
}

static enum kind kind_of(uint32_t request)
{
    return (request & ORDER_MASK) >= CHILD_LOG2 ? KIND_LARGE : kind_of_frame(request);
}

SLOW static struct want unpack(const acre_frames *pool, uint32_t request)
{
    struct want want = {.order = request & ORDER_MASK, .end = pool->frames};
    want.kind = kind_of(request);
    want.low = (request & ACRE_FRAMES_LOW) != 0;
    return want;
}

__attribute__((noinline)) static acre_frame alloc_other(
    acre_frames *pool, unsigned slot, uint32_t request)
{
    struct want want = unpack(pool, request);
    struct line *line = line_of(pool, slot, want.kind);
    uint64_t frame = NO_FRAME;
    if (want.order == 0) {
        frame = slot_pick(&line->hand);
        frame = frame != NO_FRAME ? frame : slot_fill(pool, line, want.kind);
    } else if (want.order < CHILD_LOG2) {
        frame = take_held(pool, line, &want);
    } else if (want.order > ACRE_FRAMES_ORDER_MAX) {
        return acre_frame_none();
    }
    frame = likely(frame != NO_FRAME) ? frame : take_slow(pool, line, &want, false);
    return frame_at(pool, frame);
}

acre_frame children_search(acre_frames *pool, unsigned slot, uint32_t request)
{
    return alloc_other(pool, slot, request);
}

/// All that the hand has not.
__attribute__((noinline)) static acre_frame alloc_block(
    acre_frames *pool, unsigned slot, uint32_t request)
{
    return is_children((uint8_t)request) ? children_alloc(pool, slot, request)
                                         : alloc_other(pool, slot, request);
}

acre_frame acre_frames_alloc(acre_frames *pool, unsigned slot, uint32_t request)
{
    if (likely((request & ~(uint32_t)ACRE_FRAMES_MOVABLE) == 0)) {
        uint64_t frame =
            slot_pick(&line_of(pool, slot, (enum kind)(request / ACRE_FRAMES_MOVABLE))->hand);
        if (likely(frame != NO_FRAME)) {
            return (acre_frame){pool->base + frame};
        }
    }
    return alloc_block(pool, slot, request);
}

SLOW acre_frame
acre_frames_alloc_below(acre_frames *pool, unsigned slot, uint32_t request, acre_phys limit)
{
    if (limit.addr == 0) {
        return acre_frames_alloc(pool, slot, request);
    }
    struct want want = unpack(pool, request);
    uint64_t end = limit.addr >> ACRE_FRAME_LOG2;
    if (want.order > ACRE_FRAMES_ORDER_MAX || end <= pool->base) {
        return acre_frame_none();
    }
    want.low = want.low || end <= (uint64_t)LOW_TREES << TREE_LOG2;
    if (end - pool->base < want.end) {
        want.end = end - pool->base;
    }
    return frame_at(pool, take_slow(pool, line_of(pool, slot, want.kind), &want, true));
}

// ---- freeing -------------------------------------------------------------------------------------

__attribute__((noinline)) static acre_status free_other(
    acre_frames *pool, unsigned slot, uint64_t frame, uint32_t request)
{
    unsigned order = request & ORDER_MASK;
    uint64_t frames = (uint64_t)1 << (order & 31);
    if (order > ACRE_FRAMES_ORDER_MAX || !in_span(pool, frame, frames) ||
        ((pool->base + frame) & (frames - 1)) != 0) {
        return ACRE_BAD_ARGUMENT;
    }
    if (order >= TREE_LOG2) {
        return trees_free(pool, frame, order);
    }
    if (ACRE_DEBUG && slot_has_any(pool, frame, frames)) {
        return ACRE_DOUBLE_FREE;
    }
    return block_free(pool, line_of(pool, slot, kind_of_frame(request)), frame, order);
}

/// All but single frames that go into a hand.
__attribute__((noinline)) static acre_status free_block(
    acre_frames *pool, unsigned slot, uint64_t frame, uint32_t request)
{
    return is_children((uint8_t)request)
               ? children_free(pool, line_of(pool, slot, KIND_LARGE), frame, request)
               : free_other(pool, slot, frame, request);
}

acre_status acre_frames_free(acre_frames *pool, unsigned slot, acre_frame frame, uint32_t request)
{
    uint64_t at = frame.number - pool->base; // wraps below the base: beyond all frames then
    // Low frames do not go into a hand, where anybody would get them; others outside of the span go nowhere.
    if (likely(
            (request & ~(uint32_t)ACRE_FRAMES_MOVABLE) == 0 &&
            at - pool->hand_from < pool->hand_frames)) {
        struct line *line = line_of(pool, slot, (enum kind)(request / ACRE_FRAMES_MOVABLE));
        acre_status status;
        // A frame in a block of 2 MiB and more has its bit cleared, and so has what was never given.
        if (unlikely((load_relaxed(&pool->rows[at >> ROW_LOG2]) >> at % 64 & 1) == 0)) {
            return block_why_not(pool, at, 0);
        }
        if (ACRE_DEBUG && slot_has_any(pool, at, 1)) {
            return ACRE_DOUBLE_FREE;
        }
        return likely(slot_put(&line->hand, at, &status)) ? status : slot_give(pool, line, at);
    }
    return free_block(pool, slot, at, request);
}

void acre_frames_drain_slot(acre_frames *pool, unsigned slot)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        slot_drain(pool, line_of(pool, slot, (enum kind)kind));
    }
}

void acre_frames_drain(acre_frames *pool)
{
    drain_all(pool);
}
