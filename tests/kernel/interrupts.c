// interrupts.c - interrupts that allocate and free blocks of the very size that the interrupted code is
// allocating and freeing. Where a commit can be interrupted, a block is lost or given out twice.
//
// The pause between two interrupts is about as long as a few calls of the heap, and the loop does not keep
// step with it, so in the end they come at each instruction. For QEMU to let them do so it must count
// instructions (-icount): else it takes them between its blocks of translated code only.
// SPDX-License-Identifier: MIT
#include "guest.h"

enum { HELD = 48, KEPT = 4, TURNS = 1500, TICK_US = 2, OFF_TURNS = 200, OFF_US = 50 };

// Many blocks of a slab, and few, so that slabs change often.
static const size_t sizes[] = {64, 1000, 8000};

/// One processor's state.
struct victim {
    _Alignas(64) uint64_t random;
    size_t bytes;     // of all blocks now
    uint32_t inside;  // whether a call of the heap is under way
    uint32_t within;  // interrupts that came while one was
    uint32_t ticks;   // all interrupts
    uint32_t broken;  // blocks whose content was not whole
    void *kept[KEPT]; // by interrupts, for some time
};

static struct victim victims[MACHINE_CPUS_MAX];

static void tick(void)
{
    struct victim *victim = &victims[machine_cpu()];
    void **kept = &victim->kept[victim->ticks % KEPT];
    victim->broken += guest_free(memory_heap(), *kept) ? 0 : 1;
    *kept = guest_alloc(memory_heap(), victim->bytes);
    victim->broken += guest_free(memory_heap(), guest_alloc(memory_heap(), victim->bytes)) ? 0 : 1;
    victim->within += victim->inside;
    victim->ticks += 1;
}

/// Allocates some blocks, and frees them again.
static void turn(struct victim *victim, unsigned count)
{
    void *held[HELD];
    for (unsigned i = 0; i < count; i++) {
        sync_store(&victim->inside, 1);
        held[i] = guest_alloc(memory_heap(), victim->bytes);
        sync_store(&victim->inside, 0);
    }
    for (unsigned i = 0; i < count; i++) {
        sync_store(&victim->inside, 1);
        victim->broken += guest_free(memory_heap(), held[i]) ? 0 : 1;
        sync_store(&victim->inside, 0);
    }
}

static void work(unsigned cpu, void *context)
{
    struct victim *victim = &victims[cpu];
    (void)context;
    victim->bytes = sizes[0];
    cpus_tick_start(TICK_US, tick);
    for (unsigned i = 0; i < TURNS; i++) {
        victim->bytes = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
        turn(victim, 1 + (unsigned)guest_below(&victim->random, HELD));
    }
    cpus_tick_stop();
    for (unsigned i = 0; i < KEPT; i++) {
        victim->broken += guest_free(memory_heap(), victim->kept[i]) ? 0 : 1;
        victim->kept[i] = NULL;
    }
}

static void interrupts_at_any_instruction_lose_no_block(void)
{
    const uint64_t seed = t_seed(20261120);
    struct victim sum = {0};
    acre_heap_stats before;
    acre_heap_stats after;
    acre_heap_get_stats(memory_heap(), &before);
    t_say_number("seed", seed);
    for (unsigned i = 0; i < cpus_count(); i++) {
        victims[i] = (struct victim){.random = seed * (2 * i + 1) + 1};
    }
    cpus_run(work, NULL);
    for (unsigned i = 0; i < cpus_count(); i++) {
        sum.ticks += victims[i].ticks;
        sum.within += victims[i].within;
        sum.broken += victims[i].broken;
    }
    t_say_number("interrupts", sum.ticks);
    t_say_number("of them in a call of the heap", sum.within);
    acre_heap_get_stats(memory_heap(), &after);
    T_EXPECT(sum.broken == 0);
    T_EXPECT(sum.within != 0);
    T_EXPECT(after.live_blocks == before.live_blocks);
    T_EXPECT_SOUND(acre_heap_audit(memory_heap()));
}

static volatile uint32_t came;

static void note(void)
{
    came += 1;
}

/// Every path of the heap turns interrupts off and back to what they were: here they were off.
static void interrupts_stay_off_for_who_had_them_off(void)
{
    struct victim *self = &victims[machine_cpu()];
    uint32_t early = 0;
    uint32_t late = 0;
    self->bytes = sizes[0];
    cpus_tick_start(OFF_US, note);
    for (unsigned i = 0; i < OFF_TURNS; i++) {
        self->bytes = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
        machine_interrupts_off();
        const uint32_t before = came;
        turn(self, HELD);
        early += came - before;
        machine_interrupts_on();
        late += came - before;
    }
    cpus_tick_stop();
    t_say_number("interrupts held back", late);
    T_EXPECT(early == 0);
    T_EXPECT(late != 0);
    T_EXPECT_SOUND(acre_heap_audit(memory_heap()));
}

T_MAIN(
    T_CASE(interrupts_stay_off_for_who_had_them_off),
    T_CASE(interrupts_at_any_instruction_lose_no_block))
