// frames_fault_test.c - each operation on frames with a compare-and-swap that fails, at each place, and
// with an interrupt that uses the same pool, at each step.
//
// After each run the books are audited, every frame is accounted for, and then all is freed: the
// pool must be whole again. So what an operation does not undo, or undoes wrongly, shows.
// SPDX-License-Identifier: MIT
#include "acre_port.h"
#include "frames_pool.h"
#include "t.h"

enum {
    TREES = 4,
    FRAMES = TREES * 4096,
    SLOTS = 2,
    OWNED_MAX = 128,
    RUN = 0xffff, // as a request: freed by give
    PLACES_MAX = 3000,
};

static const uint64_t BASE = (uint64_t)4096 * 300;

struct owned {
    acre_frame frame;
    uint64_t frames;
    uint32_t request;
};

static acre_frames *pool;
static struct owned owned[OWNED_MAX];
static unsigned owned_count;
static const char *wrong;

static void own(acre_frame frame, uint64_t frames, uint32_t request)
{
    if (acre_frame_is_none(frame)) {
        return;
    }
    for (unsigned i = 0; i < owned_count; i++) {
        if (frame.number < owned[i].frame.number + owned[i].frames &&
            owned[i].frame.number < frame.number + frames) {
            wrong = "a frame was handed out twice";
        }
    }
    owned[owned_count] = (struct owned){frame, frames, request};
    owned_count += 1;
}

static void allocate(unsigned slot, uint32_t request)
{
    own(acre_frames_alloc(pool, slot, request), (uint64_t)1 << (request & 0xff), request);
}

static void take(uint64_t first, uint64_t frames)
{
    acre_frame at = {BASE + first};
    if (acre_frames_take(pool, at, frames) == ACRE_OK) {
        own(at, frames, RUN);
    }
}

static void run(uint64_t frames, uint64_t align)
{
    acre_frames_run_request request = {.frames = frames, .align = align};
    own(acre_frames_run(pool, &request), frames, RUN);
}

/// Frees one of what is owned, from the end. It must succeed.
static void release(unsigned slot)
{
    if (owned_count == 0) {
        return;
    }
    owned_count -= 1; // before the call: an interrupt may look at the list
    struct owned gone = owned[owned_count];
    acre_status status = gone.request == RUN
                             ? acre_frames_give(pool, gone.frame, gone.frames)
                             : acre_frames_free(pool, slot, gone.frame, gone.request);
    if (status != ACRE_OK) {
        wrong = "what is owned could not be freed";
    }
}

static bool accounted(void)
{
    acre_frames_stats stats;
    acre_frames_get_stats(pool, &stats);
    uint64_t held = 0;
    for (unsigned i = 0; i < owned_count; i++) {
        held += owned[i].frames;
        for (uint64_t at = 0; at < owned[i].frames; at += 61) {
            if (acre_frames_is_free(pool, (acre_frame){owned[i].frame.number + at})) {
                return false;
            }
        }
    }
    return stats.free_frames == FRAMES - held && stats.late_double_frees == 0;
}

// ---- operations ----------------------------------------------------------------------------------

struct act {
    enum { ALLOC, FREE, TAKE, RUN_OF, SPLIT, DRAIN, BELOW } what;
    uint32_t request;
    uint64_t first, frames;
};

static void do_split(uint32_t order)
{
    for (unsigned i = 0; i < owned_count; i++) {
        if (owned[i].request == order) {
            struct owned *block = &owned[i];
            if (acre_frames_split(pool, block->frame, order) != ACRE_OK) {
                wrong = "a block could not be split";
            }
            block->request = RUN;
            return;
        }
    }
}

static void do_free(uint32_t request)
{
    for (unsigned i = owned_count; i-- > 0;) {
        if (owned[i].request == request) {
            struct owned last = owned[owned_count - 1];
            owned[owned_count - 1] = owned[i];
            owned[i] = last;
            release(0);
            return;
        }
    }
}

static void perform(const struct act *act, unsigned slot)
{
    switch (act->what) {
    case ALLOC:
        allocate(slot, act->request);
        break;
    case FREE:
        do_free(act->request);
        break;
    case TAKE:
        take(act->first, act->frames);
        break;
    case RUN_OF:
        run(act->frames, act->first);
        break;
    case SPLIT:
        do_split(act->request);
        break;
    case DRAIN:
        acre_frames_drain(pool);
        break;
    case BELOW: {
        acre_phys limit = {(BASE + act->frames) << ACRE_FRAME_LOG2};
        own(acre_frames_alloc_below(pool, slot, act->request, limit),
            (uint64_t)1 << (act->request & 0xff), act->request);
        break;
    }
    }
}

/// What an operation finds.
enum stage {
    FRESH,   // all is free, and no slot has anything
    USED,    // blocks of all orders, frames in hands, trees held by both slots
    CROWDED, // the same, and hardly a row, child or tree is whole
    STAGES,
};

static void set_stage(enum stage stage)
{
    pool =
        pool_make_given(BASE << ACRE_FRAME_LOG2, (BASE + FRAMES) << ACRE_FRAME_LOG2, SLOTS, false);
    owned_count = 0;
    if (stage == FRESH) {
        return;
    }
    static const uint32_t requests[] = {0, 3, 7, 8, 6, 9, 0, 10, 11, 5};
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        allocate(i % SLOTS, requests[i]);
    }
    allocate(0, ACRE_FRAMES_MOVABLE);
    if (stage == CROWDED) {
        for (uint64_t tree = 0; tree < TREES; tree++) {
            take(tree * 4096 + 1 + 64 * tree, 1);
            take(tree * 4096 + 129, 1);
            take(tree * 4096 + 2048 + 511, 1);
        }
    } else {
        allocate(1, 12);
    }
    allocate(1, 0);
    allocate(0, 0);
    release(0);
}

/// Frees all and looks whether the pool is whole.
static const char *end_stage(void)
{
    const char *broken = acre_frames_audit(pool);
    if (broken == NULL && !accounted()) {
        broken = "frames are missing, or owned ones are free";
    }
    broken = broken != NULL ? broken : wrong;
    while (owned_count > 0) {
        release(owned_count % SLOTS);
    }
    acre_frames_drain(pool);
    acre_frames_stats stats;
    acre_frames_get_stats(pool, &stats);
    if (broken == NULL && (stats.free_trees != TREES || stats.held_trees != 0 ||
                           stats.free_frames != FRAMES || stats.cached_frames != 0)) {
        broken = "the pool is not whole again";
    }
    broken = broken != NULL ? broken : acre_frames_audit(pool);
    pool_end(pool);
    wrong = NULL;
    return broken;
}

static const struct act ACTS[] = {
    {ALLOC, 0, 0, 0},
    {ALLOC, ACRE_FRAMES_MOVABLE, 0, 0},
    {ALLOC, 1, 0, 0},
    {ALLOC, 6, 0, 0},
    {ALLOC, 7, 0, 0},
    {ALLOC, 8, 0, 0},
    {ALLOC, 9, 0, 0},
    {ALLOC, 10, 0, 0},
    {ALLOC, 11, 0, 0},
    {ALLOC, 12, 0, 0},
    {ALLOC, 13, 0, 0},
    {ALLOC, 14, 0, 0},
    {BELOW, 0, 0, 5000},
    {BELOW, 7, 0, 5000},
    {BELOW, 9, 0, 5000},
    {BELOW, 12, 0, 9000},
    {FREE, 0, 0, 0},
    {FREE, 3, 0, 0},
    {FREE, 7, 0, 0},
    {FREE, 8, 0, 0},
    {FREE, 9, 0, 0},
    {FREE, 11, 0, 0},
    {FREE, 12, 0, 0},
    {FREE, RUN, 0, 0},
    {TAKE, 0, 4096 - 300, 700},
    {TAKE, 0, 2100, 4096 + 3000},
    {TAKE, 0, 4096, 8192},
    {TAKE, 0, 130, 7},
    {RUN_OF, 0, 0, 70},
    {RUN_OF, 0, 1 << 21, 1000},
    {RUN_OF, 0, 0, 5000},
    {SPLIT, 9, 0, 0},
    {SPLIT, 11, 0, 0},
    {SPLIT, 12, 0, 0},
    {DRAIN, 0, 0, 0},
};

enum { ACT_COUNT = sizeof(ACTS) / sizeof(ACTS[0]) };

static void say_where(unsigned act, unsigned place, enum stage stage)
{
    t_say_number("operation", act);
    t_say_number("place", place);
    t_say_number("stage", stage);
}

/// Plays one operation with each of its compare-and-swaps failing in turn. *places: how many there are.
static const char *fail_each(unsigned act, enum stage stage, unsigned *places)
{
    for (*places = 0; *places < PLACES_MAX; *places += 1) {
        sim_reset();
        set_stage(stage);
        acre_sim.cas_fail_at = acre_sim.cas_count + *places + 1;
        perform(&ACTS[act], 0);
        bool failed = acre_sim.cas_count >= acre_sim.cas_fail_at;
        const char *broken = end_stage();
        if (broken != NULL) {
            say_where(act, *places, stage);
            return broken;
        }
        if (!failed) {
            return NULL;
        }
    }
    return "an operation does not end";
}

static void a_cas_that_fails_leaves_nothing_behind(void)
{
    unsigned sum = 0;
    for (unsigned act = 0; act < (unsigned)ACT_COUNT; act++) {
        for (enum stage stage = FRESH; stage < STAGES; stage++) {
            unsigned places;
            T_EXPECT_SOUND(fail_each(act, stage, &places));
            sum += places;
        }
    }
    t_say_number("compare-and-swaps that failed", sum);
    T_EXPECT(sum > 2 * ACT_COUNT);
}

// ---- interrupts ----------------------------------------------------------------------------------

static const struct act INTERRUPTS[] = {
    {ALLOC, 0, 0, 0},  {FREE, 0, 0, 0},  {ALLOC, 7, 0, 0},           {ALLOC, 9, 0, 0},
    {ALLOC, 12, 0, 0}, {DRAIN, 0, 0, 0}, {TAKE, 0, 4096 - 64, 4160}, {FREE, 9, 0, 0},
};

enum { INTERRUPT_COUNT = sizeof(INTERRUPTS) / sizeof(INTERRUPTS[0]) };

static struct {
    unsigned steps_to_go;
    const struct act *act;
    unsigned slot;
} interrupt;

static void count_steps(void)
{
    if (interrupt.steps_to_go > 0) {
        interrupt.steps_to_go -= 1;
        return;
    }
    acre_sim_step = NULL;
    perform(interrupt.act, interrupt.slot);
}

/// Frees in an interrupt what the interrupted operation does not use; so both never mean the same block.
static bool may_meet(const struct act *act, const struct act *interrupting)
{
    bool frees = act->what == FREE || act->what == SPLIT;
    return !frees || interrupting->what != FREE || act->request != interrupting->request;
}

static const char *interrupt_each(
    unsigned act, unsigned by, unsigned slot, enum stage stage, unsigned *steps)
{
    for (*steps = 0; *steps < PLACES_MAX; *steps += 1) {
        sim_reset();
        set_stage(stage);
        interrupt.steps_to_go = *steps;
        interrupt.act = &INTERRUPTS[by];
        interrupt.slot = slot;
        acre_sim_step = count_steps;
        perform(&ACTS[act], 0);
        bool interrupted = acre_sim_step == NULL;
        acre_sim_step = NULL;
        const char *broken = end_stage();
        if (broken != NULL) {
            say_where(act, *steps, stage);
            t_say_number("interrupt", by);
            t_say_number("slot", slot);
            return broken;
        }
        if (!interrupted) {
            return NULL;
        }
    }
    return NULL; // a long search: what comes later is more of the same
}

static void interrupts_at_each_step(unsigned slot)
{
    unsigned sum = 0;
    for (unsigned act = 0; act < (unsigned)ACT_COUNT; act++) {
        for (unsigned by = 0; by < (unsigned)INTERRUPT_COUNT; by++) {
            for (enum stage stage = FRESH; stage < STAGES; stage++) {
                unsigned steps = 0;
                if (may_meet(&ACTS[act], &INTERRUPTS[by])) {
                    T_EXPECT_SOUND(interrupt_each(act, by, slot, stage, &steps));
                }
                sum += steps;
            }
        }
    }
    t_say_number("interrupts", sum);
}

static void an_interrupt_on_the_same_slot_may_use_the_pool(void)
{
    interrupts_at_each_step(0);
}

static void another_slot_may_use_the_pool_at_each_step(void)
{
    interrupts_at_each_step(1);
}

// ---- refusals ------------------------------------------------------------------------------------

// What is in motion is nobody's for a moment, and whoever asks then is refused (acre/frames.h says so). It may be all
// that has gathered in a tree. Tests that take the last frame on several processors have to know it.

enum { SLOT_ASKS, SLOT_FREES, SLOT_MOVES, NEAR_EMPTY_FRAMES = 4096, LEFT_FRAMES = 600 };

static acre_frames *near_empty;
static unsigned refusals;
static unsigned refusals_later;

/// All frames are taken but some that gathered in the tree that SLOT_MOVES holds, whose own count is 0.
static void make_near_empty(void)
{
    static acre_frame all[NEAR_EMPTY_FRAMES];
    const uint64_t low = (uint64_t)8 << 30;
    near_empty = pool_make_given(low, low + ((uint64_t)NEAR_EMPTY_FRAMES << 12), 4, false);
    for (unsigned i = 0; i < (unsigned)NEAR_EMPTY_FRAMES; i++) {
        all[i] = acre_frames_alloc(near_empty, SLOT_MOVES, 0);
    }
    for (unsigned i = 0; i < (unsigned)LEFT_FRAMES; i++) {
        (void)acre_frames_free(near_empty, SLOT_FREES, all[i], 0);
    }
    acre_frames_drain_slot(near_empty, SLOT_FREES);
}

static void ask(void)
{
    if (interrupt.steps_to_go > 0) {
        interrupt.steps_to_go -= 1;
        return;
    }
    acre_sim_step = NULL;
    refusals += acre_frame_is_none(acre_frames_alloc(near_empty, SLOT_ASKS, 0)) ? 1 : 0;
}

static void who_is_refused_while_frames_move_gets_them_afterwards(void)
{
    bool asked = true;
    for (unsigned place = 0; asked && place < (unsigned)PLACES_MAX; place++) {
        sim_reset();
        make_near_empty();
        interrupt.steps_to_go = place;
        acre_sim_step = ask;
        T_EXPECT(!acre_frame_is_none(acre_frames_alloc(near_empty, SLOT_MOVES, 0)));
        asked = acre_sim_step == NULL;
        acre_sim_step = NULL;
        T_EXPECT_SOUND(acre_frames_audit(near_empty));
        refusals_later += acre_frame_is_none(acre_frames_alloc(near_empty, SLOT_ASKS, 0)) ? 1 : 0;
        pool_end(near_empty);
    }
    t_say_number("refusals with 600 frames free, all in motion", refusals);
    T_EXPECT(refusals_later == 0);
}

T_MAIN(
    T_CASE(a_cas_that_fails_leaves_nothing_behind),
    T_CASE(an_interrupt_on_the_same_slot_may_use_the_pool),
    T_CASE(another_slot_may_use_the_pool_at_each_step),
    T_CASE(who_is_refused_while_frames_move_gets_them_afterwards))
