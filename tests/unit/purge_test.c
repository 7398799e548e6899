// purge_test.c - when and how free memory goes back to the page source.
// SPDX-License-Identifier: MIT
#include "heap/segment.h"
#include "heap/space.h"
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

enum { COUNT = 64 };

static void *blocks[COUNT];

static void trim_gives_back_all_that_is_free(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    size_t committed_bytes = sim.committed_bytes;
    free_many(blocks, COUNT);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(subject->free_dirty_pages == 0);
    T_EXPECT(committed_bytes - sim.committed_bytes >= COUNT * mib);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_trim(subject, 0) == 0); // nothing is left to give
    T_EXPECT_SOUND(heap_close());
}

static void trim_says_how_much_it_gave_back(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    T_EXPECT(alloc_many(blocks, 2, mib) == 2);
    acre_heap_free(subject, blocks[0]);
    size_t committed_bytes = sim.committed_bytes;
    T_EXPECT(acre_heap_trim(subject, 0) == committed_bytes - sim.committed_bytes);
    T_EXPECT(committed_bytes - sim.committed_bytes == mib);
    T_EXPECT_SOUND(heap_close());
}

static void trim_keeps_what_it_is_told_to(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    T_EXPECT(alloc_many(blocks, 12, mib) == 12);
    free_many(blocks, 12);
    (void)acre_heap_trim(subject, 6 * mib);
    T_EXPECT(subject->free_dirty_pages * PAGE_BYTES <= 6 * mib);
    T_EXPECT(subject->free_dirty_pages != 0);
    T_EXPECT_SOUND(heap_close());
}

static void large_heap_asks_for_huge_pages_until_it_gives_back(void)
{
    static void *many[160];
    heap_open();
    subject->flags |= ACRE_HEAP_HUGE_PAGES;
    size_t few = alloc_many(many, 18, mib); // three of a MiB fit into a segment
    T_EXPECT(few == 18 && subject->segment_count <= 8);
    T_EXPECT(sim.advices[ACRE_ADVICE_HUGE_PAGES] == 0);
    T_EXPECT(sim.advices[ACRE_ADVICE_SMALL_PAGES] == 1 + subject->segment_count);
    T_EXPECT(alloc_many(many + 18, 42, mib) == 42);
    size_t advised = sim.advices[ACRE_ADVICE_HUGE_PAGES];
    T_EXPECT(advised == subject->segment_count - 8);
    acre_heap_free(subject, many[59]);
    (void)acre_heap_trim(subject, 0); // from the last segment, which is not empty
    T_EXPECT(sim.advices[ACRE_ADVICE_SMALL_PAGES] == 1 + 8 + 1);
    T_EXPECT(sim.advices[ACRE_ADVICE_HUGE_PAGES] == advised);
    free_many(many, 59);
    T_EXPECT_SOUND(heap_close());
}

static void large_heap_leaves_the_size_of_pages_to_the_system(void)
{
    static void *many[60];
    heap_open();
    T_EXPECT(alloc_many(many, 60, mib) == 60);
    T_EXPECT(sim.advices[ACRE_ADVICE_HUGE_PAGES] == 0);
    T_EXPECT(sim.advices[ACRE_ADVICE_SMALL_PAGES] == 1 + 8);
    free_many(many, 60);
    T_EXPECT_SOUND(heap_close());
}

static void moderate_heap_waits_before_it_gives_back(void)
{
    static void *many[COUNT];
    heap_open();
    acre_sim.ms = 5000;
    void *stays = acre_heap_alloc(subject, 40);
    for (unsigned round = 0; round < 3; round++) {
        T_EXPECT(alloc_many(many, 56, mib) == 56);
        free_many(many, 56); // more than half of the peak, but not for long
        acre_sim.ms += 500;
        T_EXPECT(sim.calls[SIM_DECOMMIT] == 0);
    }
    acre_sim.ms += 600;
    T_EXPECT(alloc_many(many, 1, mib) == 1);
    free_many(many, 1);
    T_EXPECT(sim.calls[SIM_DECOMMIT] != 0);
    acre_heap_free(subject, stays);
    T_EXPECT_SOUND(heap_close());
}

static void large_heap_gives_back_at_once(void)
{
    static void *many[80];
    heap_open();
    acre_sim.ms = 5000;
    T_EXPECT(alloc_many(many, 80, mib) == 80);
    free_many(many, 80);
    T_EXPECT(sim.calls[SIM_DECOMMIT] != 0 && subject->free_dirty_pages < 80 * mib / 2 / PAGE_BYTES);
    T_EXPECT_SOUND(heap_close());
}

static void trim_leaves_live_blocks_alone(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, COUNT, 100000) == COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        block_fill(blocks[i], 100000, i);
    }
    for (unsigned i = 0; i < COUNT; i += 2) {
        acre_heap_free(subject, blocks[i]);
    }
    (void)acre_heap_trim(subject, 0);
    for (unsigned i = 1; i < COUNT; i += 2) {
        T_EXPECT(block_holds(blocks[i], 100000, i));
    }
    T_EXPECT_SOUND(heap_close());
}

static void little_free_memory_is_kept(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 12, mib) == 12);
    pages_sim_heal(&sim);
    free_many(blocks, 12);
    T_EXPECT(sim.calls[SIM_DECOMMIT] == 0 && sim.calls[SIM_RELEASE] == 0);
    T_EXPECT(alloc_many(blocks, 12, mib) == 12 && sim.calls_all == 0);
    T_EXPECT_SOUND(heap_close());
}

static void much_free_memory_is_given_back(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    size_t committed_bytes = sim.committed_bytes;
    free_many(blocks, COUNT);
    T_EXPECT(sim.committed_bytes < committed_bytes * 3 / 4);
    T_EXPECT(subject->free_dirty_pages * PAGE_BYTES <= COUNT * mib / 2);
    T_EXPECT_SOUND(heap_close());
}

static void heap_that_keeps_gives_nothing_back(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.flags = ACRE_HEAP_KEEP}});
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    size_t committed_bytes = sim.committed_bytes;
    free_many(blocks, COUNT);
    T_EXPECT(sim.committed_bytes == committed_bytes);
    (void)acre_heap_trim(subject, 0); // but when told to
    T_EXPECT(sim.committed_bytes < mib);
    T_EXPECT_SOUND(heap_close());
}

// A purge at a time of growth must not spoil the measure of what was used.
static void peak_is_never_less_than_what_is_used(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, COUNT, mib / 2) == COUNT);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(subject->used_pages_peak == subject->used_pages);
    free_many(blocks, COUNT / 2);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(subject->used_pages_peak >= subject->used_pages);
    T_EXPECT(subject->used_pages_peak <= COUNT * (mib / 2) / PAGE_BYTES);
    T_EXPECT_SOUND(heap_close());
}

static void large_units_are_purged_only_when_all_free(void)
{
    heap_open_at(&(struct site){.page_bytes = 65536});
    void *low = acre_heap_alloc(subject, 20000); // 5 pages of a unit of 16
    void *high = acre_heap_alloc(subject, 20000);
    T_EXPECT(low != NULL && high != NULL);
    block_fill(high, 20000, 1);
    acre_heap_free(subject, low);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(pages_sim_is_committed(&sim, high) && block_holds(high, 20000, 1));
    acre_heap_free(subject, high);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(!pages_sim_is_committed(&sim, high));
    T_EXPECT_SOUND(heap_close());
}

static void purged_memory_reads_as_zero(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    for (unsigned i = 0; i < 10; i++) {
        unsigned char *block = acre_heap_alloc(subject, 300000);
        block_fill(block, 300000, i);
        acre_heap_free(subject, block);
        (void)acre_heap_trim(subject, 0);
        block = acre_heap_calloc(subject, 3, 100000);
        T_EXPECT(block != NULL && block_is_zero(block, 300000));
        acre_heap_free(subject, block);
    }
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(moderate_heap_waits_before_it_gives_back), T_CASE(large_heap_gives_back_at_once),
    T_CASE(large_heap_leaves_the_size_of_pages_to_the_system),
    T_CASE(large_heap_asks_for_huge_pages_until_it_gives_back),
    T_CASE(trim_gives_back_all_that_is_free), T_CASE(trim_says_how_much_it_gave_back),
    T_CASE(trim_keeps_what_it_is_told_to), T_CASE(trim_leaves_live_blocks_alone),
    T_CASE(little_free_memory_is_kept), T_CASE(much_free_memory_is_given_back),
    T_CASE(heap_that_keeps_gives_nothing_back), T_CASE(peak_is_never_less_than_what_is_used),
    T_CASE(large_units_are_purged_only_when_all_free), T_CASE(purged_memory_reads_as_zero))
