// frames_model_test.c - random requests to a pool of frames, next to an array that says for each frame
// what it is. After each step the books are audited; each allocation that fails must be impossible.
//
//   T_SEED=N or an argument repeats a run.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "frames_pool.h"
#include "t.h"

enum {
    TREES = 6, // two in the lowest 32 MiB, then a hole that is never given
    FRAMES = TREES * 4096,
    HELD_MAX = 1024,
    STEPS = 12000,
    SLOTS = 3,
    LOW_FRAMES = 4096,
    LOOK_AT_ALL = 256, // steps
};

enum state { FREE, TAKEN, ABSENT };

struct block {
    uint64_t frame;
    uint64_t frames;  // of a run; of a block 1 << order
    uint32_t request; // RUN if it is one
};

enum { RUN = 0xffff };

static unsigned char model[FRAMES];
static struct block held[HELD_MAX];
static unsigned held_count;
static acre_frames *pool;
static uint64_t base; // number of the pool's first frame
static uint64_t noise;

static uint64_t draw(uint64_t below)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (noise >> 11) % below;
}

static bool all_are(uint64_t frame, uint64_t frames, enum state state)
{
    for (uint64_t i = 0; i < frames; i++) {
        if (model[frame + i] != (unsigned char)state) {
            return false;
        }
    }
    return true;
}

static bool any_is(uint64_t frame, uint64_t frames, enum state state)
{
    return memchr(&model[frame], (int)state, (size_t)frames) != NULL;
}

static void paint(uint64_t frame, uint64_t frames, enum state state)
{
    memset(&model[frame], (int)state, (size_t)frames);
}

static uint64_t count_free(void)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < (unsigned)FRAMES; i++) {
        count += model[i] == FREE ? 1 : 0;
    }
    return count;
}

/// Whether the model has a free block of `frames` that starts at a multiple of `align`, in [from, end).
static bool has_room(uint64_t frames, uint64_t align, uint64_t from, uint64_t end)
{
    uint64_t start = (base + from + align - 1) / align * align - base;
    for (; start + frames <= end; start += align) {
        if (all_are(start, frames, FREE)) {
            return true;
        }
    }
    return false;
}

/// Takes note of what was allocated. False: it was not free, or lies wrong.
static bool note(acre_frame at, uint64_t frames, uint64_t align, uint32_t request, uint64_t end)
{
    uint64_t frame = at.number - base;
    if (frame >= FRAMES || frames > FRAMES - frame || frame + frames > end ||
        at.number % align != 0 || !all_are(frame, frames, FREE)) {
        return false;
    }
    paint(frame, frames, TAKEN);
    held[held_count] = (struct block){frame, frames, request};
    held_count += 1;
    return true;
}

static uint32_t draw_request(void)
{
    static const unsigned char orders[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1,  2,  3,  4,
                                           5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 11, 12, 13};
    uint32_t request = orders[draw(sizeof(orders))];
    request |= draw(2) == 0 ? (uint32_t)ACRE_FRAMES_MOVABLE : 0;
    return request | (draw(4) == 0 ? (uint32_t)ACRE_FRAMES_LOW : 0);
}

static bool allocate(void)
{
    uint32_t request = draw_request();
    uint64_t frames = (uint64_t)1 << (request & 0xff);
    unsigned slot = (unsigned)draw(SLOTS + 1); // one too many: any will do
    uint64_t end = FRAMES;
    bool low = (request & ACRE_FRAMES_LOW) != 0 || base != 0;
    acre_phys limit = {0};
    if (draw(5) == 0) {
        end = draw(FRAMES) + 1;
        limit.addr = ((base + end) << ACRE_FRAME_LOG2) | draw(4096);
        low = low || end <= LOW_FRAMES;
    }
    acre_frame at = limit.addr == 0 ? acre_frames_alloc(pool, slot, request)
                                    : acre_frames_alloc_below(pool, slot, request, limit);
    if (acre_frame_is_none(at)) {
        return !has_room(frames, frames, low ? 0 : LOW_FRAMES, end);
    }
    return (low || at.number - base >= LOW_FRAMES) && note(at, frames, frames, request, end);
}

static bool allocate_run(void)
{
    acre_frames_run_request request = {.frames = 1 + draw(draw(2) == 0 ? 200 : 6000)};
    request.align = draw(2) == 0 ? 0 : (uint64_t)1 << draw(26);
    request.boundary = draw(3) == 0 ? (uint64_t)1 << (12 + draw(14)) : 0;
    request.low = draw(2) == 0;
    acre_frame at = acre_frames_run(pool, &request);
    uint64_t align = request.align >> ACRE_FRAME_LOG2 != 0 ? request.align >> ACRE_FRAME_LOG2 : 1;
    uint64_t boundary = request.boundary >> ACRE_FRAME_LOG2;
    if (boundary != 0 && boundary < request.frames) {
        return acre_frame_is_none(at);
    }
    if (!acre_frame_is_none(at)) {
        bool inside =
            boundary == 0 || at.number / boundary == (at.number + request.frames - 1) / boundary;
        bool allowed = request.low || base != 0 || at.number - base >= LOW_FRAMES;
        return inside && allowed && note(at, request.frames, align, RUN, FRAMES);
    }
    return boundary != 0 ||
           !has_room(request.frames, align, request.low || base != 0 ? 0 : LOW_FRAMES, FRAMES);
}

static acre_frame number(uint64_t frame)
{
    return (acre_frame){base + frame};
}

static bool free_one(void)
{
    if (held_count == 0) {
        return true;
    }
    unsigned at = (unsigned)draw(held_count);
    struct block *block = &held[at];
    unsigned slot = (unsigned)draw(SLOTS);
    if (block->request == RUN) {
        // A run may be given back in parts.
        uint64_t part = 1 + draw(block->frames);
        if (acre_frames_give(pool, number(block->frame), part) != ACRE_OK) {
            return false;
        }
        paint(block->frame, part, FREE);
        block->frame += part;
        block->frames -= part;
        if (block->frames == 0) {
            *block = held[--held_count];
        }
        return true;
    }
    struct block gone = *block;
    *block = held[--held_count];
    if (acre_frames_free(pool, slot, number(gone.frame), gone.request) != ACRE_OK) {
        return false;
    }
    paint(gone.frame, gone.frames, FREE);
    // Whoever frees it again is told so, and nothing changes.
    return draw(4) != 0 ||
           acre_frames_free(pool, slot, number(gone.frame), gone.request) == ACRE_DOUBLE_FREE;
}

/// A block that is broken up is freed as frames.
static bool split_one(void)
{
    if (held_count == 0 || held_count + 1 >= HELD_MAX) {
        return true;
    }
    struct block *block = &held[draw(held_count)];
    unsigned order = block->request & 0xff;
    if (block->request == RUN || order < 9) {
        return true;
    }
    // First all that is wrong.
    if (acre_frames_free(pool, 0, number(block->frame), 0) != ACRE_WRONG_ORDER ||
        acre_frames_free(pool, 0, number(block->frame), 9 + (order == 9)) == ACRE_OK ||
        acre_frames_free(pool, 0, number(block->frame), 12 + (order == 12)) == ACRE_OK) {
        return false;
    }
    if (acre_frames_split(pool, number(block->frame), order) != ACRE_OK) {
        return false;
    }
    block->request = RUN;
    return true;
}

static bool take_range(void)
{
    uint64_t frame = draw(FRAMES);
    uint64_t frames = 1 + draw(draw(3) == 0 ? FRAMES : 600);
    frames = frames <= FRAMES - frame ? frames : FRAMES - frame;
    acre_status status = acre_frames_take(pool, number(frame), frames);
    if (!all_are(frame, frames, FREE)) {
        return status == ACRE_BUSY;
    }
    return status == ACRE_OK && note(number(frame), frames, 1, RUN, FRAMES);
}

/// Memory that was not there before; and ranges that must be refused.
static bool give_range(void)
{
    uint64_t frame = draw(FRAMES);
    uint64_t frames = 1 + draw(draw(2) == 0 ? 9000 : 100);
    frames = frames <= FRAMES - frame ? frames : FRAMES - frame;
    if (any_is(frame, frames, FREE)) {
        return acre_frames_give(pool, number(frame), frames) == ACRE_DOUBLE_FREE;
    }
    if (any_is(frame, frames, TAKEN)) {
        return true; // somebody's: the pool cannot know that
    }
    if (acre_frames_give(pool, number(frame), frames) != ACRE_OK) {
        return false;
    }
    paint(frame, frames, FREE);
    return true;
}

static bool drain(void)
{
    if (draw(2) == 0) {
        acre_frames_drain(pool);
    } else {
        acre_frames_drain_slot(pool, (unsigned)draw(SLOTS));
    }
    return true;
}

static bool one_step(void)
{
    uint64_t what = draw(100);
    if (held_count + 1 < HELD_MAX && what < 48) {
        return what < 44 ? allocate() : allocate_run();
    }
    if (what < 90) {
        return free_one();
    }
    if (what < 93) {
        return split_one();
    }
    if (what < 96 && held_count + 1 < HELD_MAX) {
        return take_range();
    }
    return what < 98 ? give_range() : drain();
}

static bool agrees(void)
{
    for (uint64_t i = 0; i < FRAMES; i++) {
        if (acre_frames_is_free(pool, number(i)) != (model[i] == FREE)) {
            return false;
        }
    }
    return true;
}

static void play(uint64_t first_frame, uint64_t seed)
{
    base = first_frame;
    noise = seed;
    held_count = 0;
    pool = pool_make(base << 12, (base + FRAMES) << 12, SLOTS, false);
    paint(0, FRAMES, ABSENT);
    for (unsigned i = 0; i < (unsigned)STEPS; i++) {
        bool sound = one_step();
        const char *wrong = acre_frames_audit(pool);
        acre_frames_stats stats;
        acre_frames_get_stats(pool, &stats);
        if (!sound || wrong != NULL || stats.free_frames != count_free()) {
            t_say_number("step", i);
            t_say_number("seed", seed);
        }
        T_EXPECT(sound);
        T_EXPECT_SOUND(wrong);
        T_EXPECT(stats.free_frames == count_free());
        T_EXPECT(i % LOOK_AT_ALL != 0 || agrees());
    }
    acre_frames_drain(pool);
    T_EXPECT(agrees());
    T_EXPECT_SOUND(acre_frames_audit(pool));
    pool_end(pool);
}

static void a_pool_from_address_0_agrees_with_the_model(void)
{
    uint64_t seed = t_seed(0x2545f4914f6cdd1d);
    t_say_number("seed", seed);
    play(0, seed);
}

static void a_pool_at_any_tree_agrees_with_the_model(void)
{
    play(4096 * 259, t_seed(0x9e3779b97f4a7c15));
}

T_MAIN(
    T_CASE(a_pool_from_address_0_agrees_with_the_model),
    T_CASE(a_pool_at_any_tree_agrees_with_the_model))
