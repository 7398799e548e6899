// stress.c - all processors on one heap, with timer interrupts that allocate, too.
//
// A table of blocks is shared by all. Each step makes a block, exchanges it for one in the table, checks
// that one and frees it: most blocks are freed on another processor than they were made on, and
// every interrupt may come between any two instructions of that.
// SPDX-License-Identifier: MIT
#include "guest.h"

enum { SHARED = 256, STEPS = 12000, TICK_US = 100, TICK_STEPS = 3 };

/// One processor's state. Lines of their own, so that processors do not wait for each other's.
struct worker {
    _Alignas(64) uint64_t random;
    uint64_t tick_random;
    uint32_t ticks;   // interrupts that allocated
    uint32_t broken;  // blocks whose content was not whole
    uint32_t refused; // requests that got NULL
};

static struct worker workers[MACHINE_CPUS_MAX];
static void *shared[SHARED];

static void step(struct worker *worker, uint64_t *random)
{
    void *block = guest_alloc(memory_heap(), guest_size(random));
    worker->refused += block == NULL ? 1 : 0;
    block = sync_swap_pointer(&shared[guest_below(random, SHARED)], block);
    worker->broken += guest_free(memory_heap(), block) ? 0 : 1;
}

static void tick(void)
{
    struct worker *worker = &workers[machine_cpu()];
    for (unsigned i = 0; i < TICK_STEPS; i++) {
        step(worker, &worker->tick_random);
    }
    worker->ticks += 1;
}

static void work(unsigned cpu, void *context)
{
    (void)context;
    cpus_tick_start(TICK_US, tick);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&workers[cpu], &workers[cpu].random);
    }
    cpus_tick_stop();
}

static void seed_workers(void)
{
    const uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    for (unsigned i = 0; i < MACHINE_CPUS_MAX; i++) {
        workers[i] = (struct worker){
            .random = seed * (2 * i + 1) + 1,
            .tick_random = seed * (2 * i + 2) + 1,
        };
    }
}

static struct worker sum_workers(void)
{
    struct worker sum = {0};
    for (unsigned i = 0; i < cpus_count(); i++) {
        sum.ticks += workers[i].ticks;
        sum.broken += workers[i].broken;
        sum.refused += workers[i].refused;
    }
    return sum;
}

static void blocks_survive_all_processors_and_interrupts(void)
{
    acre_heap_stats before;
    acre_heap_stats after;
    acre_heap_get_stats(memory_heap(), &before);
    seed_workers();
    cpus_run(work, NULL);
    struct worker sum = sum_workers();
    for (unsigned i = 0; i < SHARED; i++) {
        sum.broken += guest_free(memory_heap(), shared[i]) ? 0 : 1;
        shared[i] = NULL;
    }
    t_say_number("interrupts that allocated", sum.ticks);
    T_EXPECT(sum.broken == 0);
    T_EXPECT(sum.refused == 0);
    T_EXPECT(sum.ticks != 0);
    T_EXPECT_SOUND(acre_heap_audit(memory_heap()));
    acre_heap_get_stats(memory_heap(), &after);
    T_EXPECT(after.live_blocks == before.live_blocks);
    T_EXPECT(after.slots == cpus_count());
}

static void memory_of_all_processors_goes_back(void)
{
    acre_heap_stats stats;
    (void)acre_heap_trim(memory_heap(), 0);
    acre_heap_get_stats(memory_heap(), &stats);
    t_say_number("KiB held after trim", stats.committed_bytes >> 10);
    t_say_number("KiB of it free in slabs", stats.free_small_bytes >> 10);
    T_EXPECT(stats.dirty_free_bytes == 0);
    T_EXPECT(stats.cached_huge_bytes == 0);
    T_EXPECT_SOUND(acre_heap_audit(memory_heap()));
}

T_MAIN(
    T_CASE(blocks_survive_all_processors_and_interrupts),
    T_CASE(memory_of_all_processors_goes_back))
