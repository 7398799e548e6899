// runcache_test.c - runs that a slot keeps ready.
// SPDX-License-Identifier: MIT
#include "heap/runcache.h"

#include "heap/space.h"

#include "unit/fixture.h"

static void *runs[64];

static struct slot *slot0(void)
{
    return slot_of(subject, 0);
}

static void open_with_slot(void)
{
    heap_open();
    (void)!acre_heap_alloc(subject, 16);
}

static void freed_run_serves_the_next_of_its_length(void)
{
    open_with_slot();
    void *run = acre_heap_alloc(subject, 70000);
    void *other = acre_heap_alloc(subject, 90000);
    acre_heap_free(subject, run);
    acre_heap_free(subject, other);
    T_EXPECT(slot0()->run_count == 2);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_alloc(subject, 80000) != run);
    T_EXPECT(acre_heap_alloc(subject, 73728) == run && slot0()->run_count == 1);
    T_EXPECT(acre_heap_alloc(subject, 90000) == other && slot0()->run_count == 0);
    T_EXPECT_SOUND(heap_close());
}

static void kept_run_is_not_live(void)
{
    acre_heap_stats stats;
    open_with_slot();
    void *run = acre_heap_alloc(subject, 30000);
    acre_heap_free(subject, run);
    acre_heap_get_stats(subject, &stats);
    T_EXPECT(stats.run_bytes == 0 && stats.live_blocks == 1 && stats.dirty_free_bytes == 32768);
    struct sim_end end = sim_catch(free_in_heap, run);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'd');
}

static void kept_run_keeps_its_length(void)
{
    open_with_slot();
    void *run = acre_heap_alloc(subject, 30000);
    acre_heap_free(subject, run);
    // As when one thread frees it while another, by mistake, resizes it.
    T_EXPECT(!space_resize_run(subject, slab_at(run), (uintptr_t)run, 4));
    T_EXPECT(!space_resize_run(subject, slab_at(run), (uintptr_t)run, 9));
    T_EXPECT(space_keep_run(slab_at(run), (uintptr_t)run) == 0);
    T_EXPECT(!space_revive_run(slab_at(run), (uintptr_t)run, 7));
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_alloc(subject, 30000) == run);
    T_EXPECT(!space_revive_run(slab_at(run), (uintptr_t)run, 8));
    T_EXPECT_SOUND(heap_close());
}

static void large_run_evicts_as_many_as_it_must(void)
{
    open_with_slot();
    T_EXPECT(alloc_many(runs, 7, 70000) == 7);
    void *large = acre_heap_alloc(subject, 128 << 10);
    free_many(runs, 7);
    T_EXPECT(slot0()->run_bytes == (size_t)7 * 73728);
    acre_heap_free(subject, large);
    T_EXPECT(slot0()->run_bytes <= RUN_KEPT_BYTES_MAX && slot0()->run_count == 6);
    T_EXPECT_SOUND(heap_close());
}

static void kept_runs_are_few_and_the_oldest_goes_first(void)
{
    open_with_slot();
    for (unsigned i = 0; i < RUNS_KEPT_MAX + 8; i++) {
        runs[i] = acre_heap_aligned(subject, 8192, 8192); // runs too short for a list
        T_EXPECT(runs[i] != NULL);
    }
    for (unsigned i = 0; i < RUNS_KEPT_MAX + 8; i++) {
        acre_heap_free(subject, runs[i]);
        T_EXPECT(slot0()->run_count <= RUNS_KEPT_MAX);
    }
    T_EXPECT_SOUND(acre_heap_audit(subject));
    // The first that is kept is the ninth that was freed.
    for (unsigned i = 0; i < RUNS_KEPT_MAX; i++) {
        T_EXPECT(slot0()->runs[i].addr == (uintptr_t)runs[i + 8]);
    }
    T_EXPECT_SOUND(heap_close());
}

static void kept_runs_are_of_few_bytes(void)
{
    open_with_slot();
    size_t lengths[] = {130000, 130000, 130000, 130000, 130000, 20000, 130000, 130000};
    for (unsigned i = 0; i < 8; i++) {
        runs[i] = acre_heap_alloc(subject, lengths[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        acre_heap_free(subject, runs[i]);
        T_EXPECT(slot0()->run_bytes <= RUN_KEPT_BYTES_MAX);
    }
    acre_heap_free(subject, acre_heap_alloc(subject, 600000));
    T_EXPECT(slot0()->run_bytes <= RUN_KEPT_BYTES_MAX);
    T_EXPECT_SOUND(heap_close());
}

static void kept_runs_of_all_slots_are_flushed(void)
{
    open_with_slot();
    for (unsigned slot = 0; slot < 3; slot++) {
        (void)alloc_on(slot, 16);
        runs[slot] = alloc_on(slot, 70000);
    }
    for (unsigned slot = 0; slot < 3; slot++) {
        free_on(slot, runs[slot]);
    }
    T_EXPECT(runcache_flush(subject) == (size_t)3 * 73728);
    T_EXPECT(runcache_flush(subject) == 0 && slot0()->run_count == 0);
    T_EXPECT(subject->free_dirty_pages == 54);
    T_EXPECT_SOUND(heap_close());
}

static void calloc_clears_a_kept_run(void)
{
    open_with_slot();
    unsigned char *run = acre_heap_alloc(subject, 40000);
    block_fill(run, 40000, 1);
    acre_heap_free(subject, run);
    unsigned char *again = acre_heap_calloc(subject, 1, 40000);
    T_EXPECT(again == run && block_is_zero(again, 40000));
    T_EXPECT_SOUND(heap_close());
}

static void aligned_run_is_not_taken_from_those_kept(void)
{
    open_with_slot();
    T_EXPECT(alloc_many(runs, 8, 20480) == 8);
    free_many(runs, 8);
    for (size_t align = 8192; align <= 1048576; align *= 2) {
        void *run = acre_heap_aligned(subject, align, 20480);
        T_EXPECT(run != NULL && (uintptr_t)run % align == 0);
    }
    T_EXPECT_SOUND(heap_close());
}

static void run_is_kept_by_the_slot_that_frees_it(void)
{
    open_with_slot();
    (void)alloc_on(1, 16);
    void *run = acre_heap_alloc(subject, 70000);
    free_on(1, run);
    T_EXPECT(slot0()->run_count == 0 && slot_of(subject, 1)->run_count == 1);
    T_EXPECT(acre_heap_alloc(subject, 70000) != run && alloc_on(1, 70000) == run);
    T_EXPECT_SOUND(heap_close());
}

static void run_freed_where_no_slot_is_goes_to_the_space(void)
{
    open_with_slot();
    void *run = acre_heap_alloc(subject, 30000);
    free_on(7, run);
    T_EXPECT(slot_of(subject, 7) == NULL && subject->free_dirty_pages == 8);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(freed_run_serves_the_next_of_its_length), T_CASE(kept_run_is_not_live),
    T_CASE(kept_run_keeps_its_length), T_CASE(large_run_evicts_as_many_as_it_must),
    T_CASE(kept_runs_are_few_and_the_oldest_goes_first), T_CASE(kept_runs_are_of_few_bytes),
    T_CASE(kept_runs_of_all_slots_are_flushed), T_CASE(calloc_clears_a_kept_run),
    T_CASE(aligned_run_is_not_taken_from_those_kept), T_CASE(run_is_kept_by_the_slot_that_frees_it),
    T_CASE(run_freed_where_no_slot_is_goes_to_the_space))
