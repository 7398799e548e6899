// nodes.c - which pool to ask, where memory is near to some CPUs and far from others.
// SPDX-License-Identifier: MIT
#include "frames/layout.h"

/// Whether b comes before c, seen from a: nearer, or as near and next in the circle.
SLOW static bool is_nearer(
    const uint8_t *distances, unsigned count, unsigned a, unsigned b, unsigned c)
{
    unsigned to_b = distances == NULL ? 0 : distances[a * count + b];
    unsigned to_c = distances == NULL ? 0 : distances[a * count + c];
    if (b == a || c == a) {
        return b == a && c != a;
    }
    return to_b != to_c ? to_b < to_c : (b + count - a) % count < (c + count - a) % count;
}

SLOW acre_status acre_nodes_init(
    acre_nodes *nodes, acre_frames *const *pools, unsigned count, const uint8_t *distances)
{
    if (count == 0 || count > ACRE_NODES_MAX) {
        return ACRE_BAD_ARGUMENT;
    }
    nodes->count = count;
    for (unsigned a = 0; a < count; a++) {
        nodes->pools[a] = pools[a];
        for (unsigned b = 0; b < count; b++) {
            unsigned at = b;
            while (at > 0 && is_nearer(distances, count, a, b, nodes->near[a][at - 1])) {
                nodes->near[a][at] = nodes->near[a][at - 1];
                at -= 1;
            }
            nodes->near[a][at] = (uint8_t)b;
        }
    }
    return ACRE_OK;
}

SLOW acre_frame
acre_nodes_alloc(acre_nodes *nodes, unsigned node, unsigned slot, uint32_t request, acre_phys limit)
{
    for (unsigned i = 0; node < nodes->count && i < nodes->count; i++) {
        acre_frames *pool = nodes->pools[nodes->near[node][i]];
        acre_frame frame = acre_frames_alloc_below(pool, slot, request, limit);
        if (!acre_frame_is_none(frame)) {
            return frame;
        }
    }
    return acre_frame_none();
}

unsigned acre_nodes_find(const acre_nodes *nodes, acre_frame frame)
{
    for (unsigned i = 0; i < nodes->count; i++) {
        const acre_frames *pool = nodes->pools[i];
        uint64_t at = frame.number - pool->base;
        // Spans may interleave: a tree that is here was given to this pool and to no other.
        if (at < pool->frames && load_relaxed(&pool->trees[at >> TREE_LOG2]) != 0) {
            return i;
        }
    }
    return nodes->count;
}

SLOW acre_status
acre_nodes_free(acre_nodes *nodes, unsigned slot, acre_frame frame, uint32_t request)
{
    unsigned node = acre_nodes_find(nodes, frame);
    return node == nodes->count ? ACRE_BAD_ARGUMENT
                                : acre_frames_free(nodes->pools[node], slot, frame, request);
}
