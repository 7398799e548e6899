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

static acre_frame none_frames_alloc(acre_frames *pool, unsigned slot, uint32_t request)
{
    __asm__ volatile("" : "+r"(pool), "+r"(slot), "+r"(request) : : "memory");
    return (acre_frame){0};
}

static acre_status none_frames_free(
    acre_frames *pool, unsigned slot, acre_frame frame, uint32_t request)
{
    __asm__ volatile("" : "+r"(pool), "+r"(slot), "+r"(request) : "r"(frame.number) : "memory");
    return ACRE_OK;
}

struct frames_way {
    acre_frame (*alloc)(acre_frames *pool, unsigned slot, uint32_t request);
    acre_status (*free)(acre_frames *pool, unsigned slot, acre_frame frame, uint32_t request);
};

/// The same for frames of one order, `turns` of them.
static __attribute__((noinline)) struct counts count_frames(
    const struct frames_way *way, uint32_t order, unsigned turns)
{
    acre_frames *const pool = memory_frames();
    struct counts counts;
    uint64_t start = machine_count();
    for (unsigned i = 0; i < turns; i++) {
        taken[i] = way->alloc(pool, 0, order);
    }
    counts.alloc = machine_count() - start;
    start = machine_count();
    for (unsigned i = 0; i < turns; i++) {
        (void)way->free(pool, 0, taken[i], order);
    }
    counts.free = machine_count() - start;
    start = machine_count();
    for (unsigned i = 0; i < turns; i++) {
        (void)way->free(pool, 0, way->alloc(pool, 0, order), order);
    }
    counts.pair = machine_count() - start;
    return counts;
}

static void measure_frames(void)
{
    static const struct frames_way none = {none_frames_alloc, none_frames_free};
    static const struct frames_way frames = {acre_frames_alloc, acre_frames_free};
    (void)count_frames(&frames, 0, BLOCKS); // as with the heap
    struct counts without = count_frames(&none, 0, BLOCKS);
    struct counts with = count_frames(&frames, 0, BLOCKS);
    print("frames_0_alloc", with.alloc, without.alloc, BLOCKS);
    print("frames_0_free", with.free, without.free, BLOCKS);
    print("frames_0_pair", with.pair, without.pair, BLOCKS);
    without = count_frames(&none, 9, LARGE);
    with = count_frames(&frames, 9, LARGE);
    print("frames_9_alloc", with.alloc, without.alloc, LARGE);
    print("frames_9_free", with.free, without.free, LARGE);
    print("frames_9_pair", with.pair, without.pair, LARGE);
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
