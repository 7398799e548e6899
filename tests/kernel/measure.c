// measure.c - see measure.h. Each figure is a loop's, less the same loop without the call, divided by its
// turns. Timer interrupts are off meanwhile, so the counts are the same in every run.
// SPDX-License-Identifier: MIT
#include "measure.h"

#include "guest.h"

enum { BLOCKS = 10000, LARGE = 200, BYTES = 64 };

static void *blocks[BLOCKS];

static void *none_alloc(acre_heap *heap, size_t bytes)
{
    __asm__ volatile("" : "+r"(heap), "+r"(bytes) : : "memory");
    return heap;
}

static void none_free(acre_heap *heap, void *block)
{
    __asm__ volatile("" : "+r"(heap), "+r"(block) : : "memory");
}

struct way {
    void *(*alloc)(acre_heap *heap, size_t bytes);
    void (*free)(acre_heap *heap, void *block);
};

/// Counts of one way, for BLOCKS turns.
struct counts {
    uint64_t alloc;
    uint64_t free;
    uint64_t pair;
};

static __attribute__((noinline)) struct counts count(const struct way *way)
{
    acre_heap *const heap = memory_heap();
    struct counts counts;
    uint64_t start = machine_count();
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = way->alloc(heap, BYTES);
    }
    counts.alloc = machine_count() - start;
    start = machine_count();
    for (unsigned i = 0; i < BLOCKS; i++) {
        way->free(heap, blocks[i]);
    }
    counts.free = machine_count() - start;
    start = machine_count();
    for (unsigned i = 0; i < BLOCKS; i++) {
        way->free(heap, way->alloc(heap, BYTES));
    }
    counts.pair = machine_count() - start;
    return counts;
}

static void print(const char *name, uint64_t with, uint64_t without, unsigned turns)
{
    const uint64_t tenths = (with - without) * 10 / turns;
    say("measure ");
    say(name);
    say(" ");
    say_number(tenths / 10);
    say(".");
    say_number(tenths % 10);
    say("\n");
}

static acre_frame taken[BLOCKS];

/// The same for frames of one order, `turns` of them.
static __attribute__((noinline)) struct counts count_frames(uint32_t order, unsigned turns)
{
    acre_frames *const pool = memory_frames();
    struct counts counts;
    uint64_t start = machine_count();
    for (unsigned i = 0; i < turns; i++) {
        taken[i] = acre_frames_alloc(pool, 0, order);
    }
    counts.alloc = machine_count() - start;
    start = machine_count();
    for (unsigned i = 0; i < turns; i++) {
        (void)acre_frames_free(pool, 0, taken[i], order);
    }
    counts.free = machine_count() - start;
    start = machine_count();
    for (unsigned i = 0; i < turns; i++) {
        (void)acre_frames_free(pool, 0, acre_frames_alloc(pool, 0, order), order);
    }
    counts.pair = machine_count() - start;
    return counts;
}

/// What the loops of count_frames cost alone, a turn.
static __attribute__((noinline)) uint64_t count_loop(unsigned turns)
{
    const uint64_t start = machine_count();
    for (unsigned i = 0; i < turns; i++) {
        taken[i] = (acre_frame){i};
        __asm__ volatile("" : : : "memory");
    }
    return machine_count() - start;
}

static void measure_frames(void)
{
    (void)count_frames(0, BLOCKS);
    const uint64_t loop = count_loop(BLOCKS);
    struct counts counts = count_frames(0, BLOCKS);
    print("frames_0_alloc", counts.alloc, loop, BLOCKS);
    print("frames_0_free", counts.free, loop, BLOCKS);
    print("frames_0_pair", counts.pair, loop, BLOCKS);
    counts = count_frames(9, LARGE);
    print("frames_9_alloc", counts.alloc, loop * LARGE / BLOCKS, LARGE);
    print("frames_9_free", counts.free, loop * LARGE / BLOCKS, LARGE);
}

int measure(void)
{
    static const struct way none = {none_alloc, none_free};
    static const struct way heap = {acre_heap_alloc, acre_heap_free};
    machine_interrupts_off(); // the clock's
    machine_timer_stop();
    machine_interrupts_on();
    (void)count(&heap); // the heap gets its memory
    const struct counts with = count(&heap);
    const struct counts without = count(&none);
    print("heap_64_alloc", with.alloc, without.alloc, BLOCKS);
    print("heap_64_free", with.free, without.free, BLOCKS);
    print("heap_64_pair", with.pair, without.pair, BLOCKS);
    measure_frames();
    return blocks[0] == NULL || acre_frame_is_none(taken[LARGE - 1]) ? 1 : 0;
}
