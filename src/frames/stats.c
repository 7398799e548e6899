// stats.c - counting what a pool has, and whether a frame is free. See acre/frames.h.
// SPDX-License-Identifier: MIT
#include "frames/lanes.h"
#include "frames/slot.h"

SLOW static void count_children(const acre_frames *pool, uint64_t tree, acre_frames_stats *out)
{
    uint32_t entry = load_relaxed(&pool->trees[tree]);
    uint64_t frames = 0;
    unsigned whole = 0;
    for (unsigned i = 0; i < TREE_CHILDREN; i++) {
        unsigned lane = lane_get(pool, tree * TREE_CHILDREN + i);
        frames += (lane & LANE_WHOLE) != 0 ? 0 : lane & LANE_FREE;
        out->free_2m_blocks += lane == CHILD_FRAMES ? 1 : 0;
        whole += lane == CHILD_FRAMES ? 1 : 0;
    }
    uint64_t first = (pool->base >> TREE_LOG2) + tree;
    out->free_frames += frames;
    out->free_low += first < LOW_TREES ? frames : 0;
    out->free_dma32 += first < DMA32_TREES ? frames : 0;
    out->free_trees += whole == TREE_CHILDREN ? 1 : 0;
    out->held_trees += (entry & TREE_HELD) != 0 ? 1 : 0;
}

SLOW void acre_frames_get_stats(const acre_frames *pool, acre_frames_stats *out)
{
    *out = (acre_frames_stats){.span_frames = pool->count, .meta_bytes = pool->meta_bytes};
    for (uint64_t tree = 0; tree < pool->tree_count; tree++) {
        uint32_t entry = load_relaxed(&pool->trees[tree]);
        out->present_trees += (entry & TREE_PRESENT) != 0 ? 1 : 0;
        if ((entry & TREE_PRESENT) != 0 && (entry & TREE_WHOLE) == 0) {
            count_children(pool, tree, out);
        }
    }
    for (uint32_t i = 0; i < line_count(pool); i++) {
        out->cached_frames += count32((uint32_t)load_relaxed(&pool->lines[i].hand));
        out->cached_frames += count32((uint32_t)load_relaxed(&pool->lines[i].back));
    }
    out->free_frames += out->cached_frames;
    out->late_double_frees = load_relaxed(&pool->late_double_frees);
}

SLOW bool acre_frames_is_free(const acre_frames *pool, acre_frame frame)
{
    uint64_t at = frame.number - pool->base;
    if (at >= pool->frames) {
        return false;
    }
    uint32_t tree = load_relaxed(&pool->trees[at >> TREE_LOG2]);
    if ((tree & TREE_PRESENT) == 0 || (tree & TREE_WHOLE) != 0 ||
        (lane_get(pool, at >> CHILD_LOG2) & LANE_WHOLE) != 0) {
        return false;
    }
    return (load_relaxed(&pool->rows[at >> ROW_LOG2]) >> at % 64 & 1) == 0 ||
           slot_has_any(pool, at, 1);
}
