// frames.c - all processors take frames, of all orders, until there are none, while timer interrupts take
// and free single ones; then everything goes back, and the books must agree to the frame.
//
// Who holds a frame writes its name into it: two holders of one frame are found.
// SPDX-License-Identifier: MIT
#include "guest.h"

enum { HELD_MAX = 8192, ORDERS = 13, TICK_US = 100, REFUSALS = 8, CHURN = 4000 };

struct holder {
    _Alignas(64) uint64_t random;
    uint32_t count;
    uint32_t torn;    // blocks that somebody else wrote to
    uint32_t refused; // by the pool, for free
    uint32_t ticks;
    uint64_t frames; // held now
    struct {
        acre_frame frame;
        uint32_t order;
    } held[HELD_MAX];
};

static struct holder *holders;
static uint64_t free_before;

/// The first and the last word of a block say whose it is.
static uint64_t *first_word(acre_frame frame)
{
    return machine_address(acre_frame_phys(frame).addr);
}

static uint64_t *last_word(acre_frame frame, uint32_t order)
{
    const uint64_t bytes = ACRE_FRAME_BYTES << order;
    return machine_address(acre_frame_phys(frame).addr + bytes - sizeof(uint64_t));
}

static bool take(struct holder *holder, unsigned cpu, uint32_t order)
{
    const acre_frame frame = acre_frames_alloc(memory_frames(), cpu, order);
    if (acre_frame_is_none(frame)) {
        return false;
    }
    *first_word(frame) = frame.number << 8 | cpu;
    *last_word(frame, order) = frame.number << 8 | cpu;
    holder->held[holder->count].frame = frame;
    holder->held[holder->count].order = order;
    holder->count += 1;
    holder->frames += (uint64_t)1 << order;
    return true;
}

static void give(struct holder *holder, unsigned cpu, uint32_t at)
{
    const acre_frame frame = holder->held[at].frame;
    const uint32_t order = holder->held[at].order;
    const uint64_t name = frame.number << 8 | cpu;
    holder->torn += *first_word(frame) == name && *last_word(frame, order) == name ? 0 : 1;
    *first_word(frame) = 0;
    holder->refused += acre_frames_free(memory_frames(), cpu, frame, order) == ACRE_OK ? 0 : 1;
    holder->count -= 1;
    holder->frames -= (uint64_t)1 << order;
    holder->held[at] = holder->held[holder->count];
}

static void tick(void)
{
    const unsigned cpu = machine_cpu();
    const acre_frame frame = acre_frames_alloc(memory_frames(), cpu, 0);
    if (!acre_frame_is_none(frame)) {
        *first_word(frame) = frame.number;
        holders[cpu].torn += *first_word(frame) == frame.number ? 0 : 1;
        (void)acre_frames_free(memory_frames(), cpu, frame, 0);
    }
    holders[cpu].ticks += 1;
}

static void churn(unsigned cpu, void *context)
{
    struct holder *holder = &holders[cpu];
    (void)context;
    cpus_tick_start(TICK_US, tick);
    for (unsigned i = 0; i < CHURN; i++) {
        if (holder->count == 0 || (holder->count < 256 && guest_below(&holder->random, 2) == 0)) {
            const size_t large = guest_below(&holder->random, 16);
            (void)take(
                holder, cpu, large == 0 ? (uint32_t)guest_below(&holder->random, ORDERS) : 0);
        } else {
            give(holder, cpu, (uint32_t)guest_below(&holder->random, holder->count));
        }
    }
    cpus_tick_stop();
}

/// Large blocks first, smaller ones as they are refused. A single frame may be refused while another
/// processor is just moving some, so it takes several refusals to believe that there is none.
static void take_all(unsigned cpu, void *context)
{
    struct holder *holder = &holders[cpu];
    (void)context;
    cpus_tick_start(TICK_US, tick);
    uint32_t order = ORDERS - 1;
    for (unsigned refusals = 0; refusals < REFUSALS && holder->count < HELD_MAX;) {
        if (!take(holder, cpu, order)) {
            refusals += order == 0 ? 1 : 0;
            order -= order == 0 ? 0 : 1;
        }
    }
    cpus_tick_stop();
}

/// A refusal says nothing of frames that are in motion at that moment. An interrupt on another processor has one;
/// a processor that moves a tree's count may have hundreds (tests/fault/frames_fault_test.c), and if it does that in an
/// interrupt that came after its own last refusal, nobody asks again. Now nothing moves.
static void take_rest(void)
{
    while (holders[0].count < HELD_MAX && take(&holders[0], 0, 0)) {
    }
}

static void give_all(unsigned cpu, void *context)
{
    struct holder *holder = &holders[cpu];
    (void)context;
    cpus_tick_start(TICK_US, tick);
    while (holder->count != 0) {
        give(holder, cpu, (uint32_t)guest_below(&holder->random, holder->count));
    }
    cpus_tick_stop();
}

static uint64_t free_frames(void)
{
    acre_frames_stats stats;
    acre_frames_get_stats(memory_frames(), &stats);
    return stats.free_frames;
}

static struct holder *sum_holders(void)
{
    static struct holder sum;
    sum = (struct holder){0};
    for (unsigned i = 0; i < cpus_count(); i++) {
        sum.torn += holders[i].torn;
        sum.refused += holders[i].refused;
        sum.frames += holders[i].frames;
        sum.ticks += holders[i].ticks;
    }
    return &sum;
}

static void holders_get_their_memory(void)
{
    const uint64_t seed = t_seed(3);
    t_say_number("seed", seed);
    holders = kzalloc(sizeof(*holders) * cpus_count());
    T_EXPECT(holders != NULL);
    for (unsigned i = 0; i < cpus_count(); i++) {
        holders[i].random = seed * (i + 1);
    }
    free_before = free_frames();
}

static void frames_have_one_holder_each(void)
{
    cpus_run(churn, NULL);
    const struct holder *sum = sum_holders();
    T_EXPECT(sum->torn == 0 && sum->refused == 0);
    T_EXPECT(free_frames() + sum->frames == free_before);
    T_EXPECT_SOUND(acre_frames_audit(memory_frames()));
}

static void frames_run_out_to_the_last_and_come_back(void)
{
    cpus_run(take_all, NULL);
    const uint64_t free_then = free_frames();
    take_rest();
    t_say_number(
        "frames that were in motion when all others were taken", free_then - free_frames());
    const struct holder *sum = sum_holders();
    t_say_number("frames held by all", sum->frames);
    T_EXPECT(free_frames() + sum->frames == free_before);
    // The lowest 16 MiB are kept for who asks for them.
    T_EXPECT(free_frames() <= ((uint64_t)16 << 20) / ACRE_FRAME_BYTES);
    cpus_run(give_all, NULL);
    sum = sum_holders();
    T_EXPECT(sum->torn == 0 && sum->refused == 0);
    acre_frames_drain(memory_frames());
    T_EXPECT(free_frames() == free_before);
    T_EXPECT_SOUND(acre_frames_audit(memory_frames()));
    t_say_number("interrupts that took a frame", sum->ticks);
    T_EXPECT(sum->ticks != 0);
    kfree(holders);
}

T_MAIN(
    T_CASE(holders_get_their_memory), T_CASE(frames_have_one_holder_each),
    T_CASE(frames_run_out_to_the_last_and_come_back))
