// miss_test.c - what kind of block a request gets, and what the slow path says of wrong addresses.
// SPDX-License-Identifier: MIT
#include "heap/miss.h"

#include <string.h>

#include "unit/fixture.h"

static void placement_goes_by_size(void)
{
    T_EXPECT(placement_of(0, 16).kind == KIND_SLAB && placement_of(0, 1).class == 0);
    T_EXPECT(placement_of(SMALL_BYTES_MAX, 16).kind == KIND_SLAB);
    struct placement run = placement_of((size_t)SMALL_BYTES_MAX + 1, 16);
    T_EXPECT(run.kind == KIND_PAGES && run.pages == 5 && run.align_pages == 1);
    run = placement_of(RUN_BYTES_MAX, 16);
    T_EXPECT(run.kind == KIND_PAGES && run.pages == RUN_BYTES_MAX / PAGE_BYTES);
    T_EXPECT(placement_of((size_t)RUN_BYTES_MAX + 1, 16).kind == KIND_HUGE);
    T_EXPECT(placement_of(PTRDIFF_MAX, 16).kind == KIND_HUGE);
    T_EXPECT(placement_of((size_t)PTRDIFF_MAX + 1, 16).kind == KIND_NONE);
    T_EXPECT(placement_of(1, (size_t)PTRDIFF_MAX + 1).kind == KIND_NONE);
}

static void placement_goes_by_alignment(void)
{
    T_EXPECT(placement_of(100, 64).kind == KIND_SLAB);
    T_EXPECT(size_classes[placement_of(100, 64).class].bytes == 128);
    T_EXPECT(placement_of(10, PAGE_BYTES).kind == KIND_SLAB);
    struct placement run = placement_of(10, (size_t)PAGE_BYTES * 2);
    T_EXPECT(run.kind == KIND_PAGES && run.pages == 1 && run.align_pages == 2);
    run = placement_of(0, (size_t)PAGE_BYTES * 2);
    T_EXPECT(run.kind == KIND_PAGES && run.pages == 1);
    run = placement_of(RUN_BYTES_MAX, RUN_BYTES_MAX);
    T_EXPECT(run.kind == KIND_PAGES && run.align_pages == RUN_BYTES_MAX / PAGE_BYTES);
    T_EXPECT(placement_of(10, (size_t)RUN_BYTES_MAX * 2).kind == KIND_HUGE);
}

static void *inspected;

static void inspect(void *addr)
{
    struct live live = miss_inspect(subject, addr, "invalid", "freed");
    inspected = live.slab;
}

static bool ends_with(void *addr, const char *what, size_t bytes)
{
    acre_sim.self->locks_held = 0;
    struct sim_end end = sim_catch(inspect, addr);
    return end.how == SIM_FATAL && strcmp(end.what, what) == 0 && end.addr == addr &&
           end.block_bytes == bytes;
}

static void live_blocks_are_told_by_kind_and_size(void)
{
    heap_open();
    void *small = acre_heap_alloc(subject, 1000);
    void *run = acre_heap_alloc(subject, 50000);
    void *huge = acre_heap_alloc(subject, 2000000);
    T_EXPECT(miss_inspect(subject, small, "", "").bytes == 1024);
    T_EXPECT(miss_inspect(subject, run, "", "").bytes == 53248);
    T_EXPECT(miss_inspect(subject, huge, "", "").bytes == 2002944);
    T_EXPECT(miss_inspect(subject, huge, "", "").slab->kind == KIND_HUGE);
    T_EXPECT_SOUND(heap_close());
}

static void wrong_addresses_are_told_apart(void)
{
    heap_open();
    char *small = acre_heap_alloc(subject, 1000);
    char *virgin = small + 60 * 1024; // never carved
    char *run = acre_heap_alloc(subject, 50000);
    char *huge = acre_heap_alloc(subject, 2000000);
    T_EXPECT(ends_with(small + 16, "invalid", 1024));
    T_EXPECT(ends_with(virgin, "invalid", 1024));
    T_EXPECT(ends_with(run + 4096, "invalid", 0));
    T_EXPECT(ends_with(run + 8, "invalid", 0));
    T_EXPECT(ends_with(huge + 4096, "invalid", 2002944));
    T_EXPECT(ends_with(&sim, "invalid", 0));
    T_EXPECT(ends_with(subject, "invalid", 0));
    acre_heap_free(subject, small);
    T_EXPECT(ends_with(small, "freed", 1024));
    acre_heap_free(subject, run);
    T_EXPECT(ends_with(run, "freed", 0));
    acre_heap_free(subject, huge);
    T_EXPECT(ends_with(huge, "invalid", 0) || ends_with(huge, "freed", 0));
}

T_MAIN(
    T_CASE(placement_goes_by_size), T_CASE(placement_goes_by_alignment),
    T_CASE(live_blocks_are_told_by_kind_and_size), T_CASE(wrong_addresses_are_told_apart))
