// run.c - runs: contiguous frames of any number, with alignment, boundary and limit.
//
// The search goes down from the top. At each place it asks for the first frame that is in the way, and goes on
// with the highest place that lies below that frame: so each row is looked at about once, however long the run.
// SPDX-License-Identifier: MIT
#include "base/bits.h"
#include "frames/range.h"

/// A request in frames, with numbers relative to address 0: alignments are.
struct run_want {
    uint64_t frames, align, boundary;
    uint64_t low; // the run starts at or above
};

SLOW static bool to_frames(
    const acre_frames *pool, const acre_frames_run_request *request, struct run_want *want,
    uint64_t *end)
{
    uint64_t align = request->align == 0 ? 1 : request->align;
    uint64_t boundary = request->boundary;
    if ((align & (align - 1)) != 0 || (boundary & (boundary - 1)) != 0 ||
        (boundary != 0 && boundary >> ACRE_FRAME_LOG2 < request->frames)) {
        return false;
    }
    want->frames = request->frames;
    want->align = align >> ACRE_FRAME_LOG2 == 0 ? 1 : align >> ACRE_FRAME_LOG2;
    want->boundary = boundary >> ACRE_FRAME_LOG2;
    *end = pool->base + pool->frames;
    uint64_t limit = request->limit.addr >> ACRE_FRAME_LOG2;
    if (request->limit.addr != 0 && limit < *end) {
        *end = limit;
    }
    bool low =
        request->low || (request->limit.addr != 0 && limit <= (uint64_t)LOW_TREES << TREE_LOG2);
    want->low = pool->base + (low ? 0 : pool->low_frames);
    return request->frames != 0;
}

/// The highest place that ends at or below `end`. False: there is none.
SLOW static bool place_below(const struct run_want *want, uint64_t end, uint64_t *start)
{
    while (end >= want->low && end - want->low >= want->frames) {
        *start = (end - want->frames) & ~(want->align - 1);
        if (*start < want->low) {
            return false;
        }
        uint64_t last = *start + want->frames - 1;
        if (want->boundary == 0 || ((*start ^ last) & ~(want->boundary - 1)) == 0) {
            return true;
        }
        end = last & ~(want->boundary - 1);
    }
    return false;
}

SLOW static uint64_t search(acre_frames *pool, const struct run_want *want, uint64_t end)
{
    uint64_t start;
    while (place_below(want, end, &start)) {
        uint64_t frame = start - pool->base;
        uint64_t taken = range_first_taken(pool, frame, want->frames);
        if (taken == frame + want->frames) {
            if (range_take(pool, frame, want->frames)) {
                return frame;
            }
            taken = frame + want->frames - 1; // somebody was quicker; anywhere below will do
        }
        end = pool->base + taken;
    }
    return NO_FRAME;
}

SLOW acre_frame acre_frames_run(acre_frames *pool, const acre_frames_run_request *request)
{
    struct run_want want;
    uint64_t end;
    if (!to_frames(pool, request, &want, &end)) {
        return acre_frame_none();
    }
    uint64_t frame = search(pool, &want, end);
    if (frame == NO_FRAME) {
        acre_frames_drain(pool);
        frame = search(pool, &want, end);
    }
    return frame == NO_FRAME ? acre_frame_none() : (acre_frame){pool->base + frame};
}
