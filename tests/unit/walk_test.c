// walk_test.c - visits to every live block, and the sums made from them.
// SPDX-License-Identifier: MIT
#include "unit/fixture.h"

enum { COUNT = 500 };

static const size_t mib = (size_t)1 << 20;

static void *blocks[COUNT];
static size_t sizes[COUNT];
static unsigned visits[COUNT];

/// Blocks of every kind, of which every third is freed again.
static void open_with_blocks(void)
{
    uint64_t state = t_seed(11);
    heap_open();
    for (unsigned i = 0; i < COUNT; i++) {
        sizes[i] = i % 50 == 0 ? 2 * mib : random_below(&state, i % 5 == 0 ? 200000 : 3000);
        blocks[i] = alloc_on(i % 3, sizes[i]);
        visits[i] = 0;
    }
    for (unsigned i = 0; i < COUNT; i += 3) {
        free_on(i % 2, blocks[i]);
        blocks[i] = NULL;
    }
}

static bool unknown;

static bool count_visit(void *context, void *block, size_t usable_bytes)
{
    size_t *bytes = context;
    for (unsigned i = 0; i < COUNT; i++) {
        if (blocks[i] == block) {
            visits[i] += 1;
            *bytes += usable_bytes;
            return true;
        }
    }
    unknown = true;
    return true;
}

static void walk_visits_each_live_block_once(void)
{
    size_t bytes = 0;
    size_t expected = 0;
    open_with_blocks();
    unknown = false;
    T_EXPECT(acre_heap_walk(subject, count_visit, &bytes) && !unknown);
    for (unsigned i = 0; i < COUNT; i++) {
        T_EXPECT(visits[i] == (blocks[i] != NULL ? 1 : 0));
        expected += acre_heap_usable_size(subject, blocks[i]);
    }
    T_EXPECT(bytes == expected);
    T_EXPECT_SOUND(heap_close());
}

static bool stop_at_third(void *context, void *block, size_t usable_bytes)
{
    unsigned *count = context;
    (void)block;
    (void)usable_bytes;
    *count += 1;
    return *count < 3;
}

static void walk_ends_when_told_to(void)
{
    unsigned count = 0;
    open_with_blocks();
    T_EXPECT(!acre_heap_walk(subject, stop_at_third, &count) && count == 3);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    size_t bytes = 0;
    T_EXPECT(acre_heap_walk(subject, count_visit, &bytes)); // and begins anew
    T_EXPECT_SOUND(heap_close());
}

static void walk_of_an_empty_heap_visits_nothing(void)
{
    unsigned count = 0;
    heap_open();
    T_EXPECT(acre_heap_walk(subject, stop_at_third, &count) && count == 0);
    acre_heap_free(subject, acre_heap_alloc(subject, 100));
    acre_heap_free(subject, acre_heap_alloc(subject, 50000));
    acre_heap_free(subject, acre_heap_alloc(subject, 2 * mib));
    T_EXPECT(acre_heap_walk(subject, stop_at_third, &count) && count == 0);
    T_EXPECT_SOUND(heap_close());
}

static bool has_no_lock(void *context, void *block, size_t usable_bytes)
{
    (void)block;
    (void)usable_bytes;
    *(unsigned *)context += acre_sim.self->locks_held;
    return true;
}

static void walk_visits_without_a_lock(void)
{
    unsigned locks = 0;
    open_with_blocks();
    T_EXPECT(acre_heap_walk(subject, has_no_lock, &locks) && locks == 0);
    T_EXPECT_SOUND(heap_close());
}

static void statistics_are_what_is_there(void)
{
    acre_heap_stats stats;
    size_t live_bytes = 0;
    size_t live_blocks = 0;
    open_with_blocks();
    for (unsigned i = 0; i < COUNT; i++) {
        live_bytes += acre_heap_usable_size(subject, blocks[i]);
        live_blocks += blocks[i] != NULL ? 1 : 0;
    }
    acre_heap_get_stats(subject, &stats);
    T_EXPECT(stats.live_bytes == live_bytes && stats.live_blocks == live_blocks);
    T_EXPECT(stats.small_bytes + stats.run_bytes + stats.huge_bytes == live_bytes);
    T_EXPECT(stats.huge_bytes == stats.huge_blocks * 2 * mib && stats.huge_blocks == 6);
    T_EXPECT(stats.slots == 3 && stats.segments == subject->segment_count);
    T_EXPECT(stats.reserved_bytes == sim.reserved_bytes && stats.limit_bytes == 0);
    // All but the part of the map that is not in use.
    T_EXPECT(stats.committed_bytes <= sim.committed_bytes);
    T_EXPECT(sim.committed_bytes - stats.committed_bytes <= subject->reserved_self_bytes);
    T_EXPECT_SOUND(heap_close());
}

static void statistics_account_for_every_byte_held(void)
{
    acre_heap_stats stats;
    open_with_blocks();
    acre_heap_get_stats(subject, &stats);
    T_EXPECT(
        stats.committed_bytes == stats.small_bytes + stats.free_small_bytes + stats.virgin_bytes +
                                     stats.run_bytes + stats.huge_bytes + stats.cached_huge_bytes +
                                     stats.dirty_free_bytes + stats.metadata_bytes);
    (void)acre_heap_trim(subject, 0);
    acre_heap_get_stats(subject, &stats);
    T_EXPECT(stats.dirty_free_bytes == 0 && stats.cached_huge_bytes == 0);
    T_EXPECT(
        stats.committed_bytes == stats.small_bytes + stats.free_small_bytes + stats.virgin_bytes +
                                     stats.run_bytes + stats.huge_bytes + stats.metadata_bytes);
    T_EXPECT_SOUND(heap_close());
}

static void statistics_of_a_new_heap_are_nearly_nothing(void)
{
    acre_heap_stats stats;
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 30 * mib}});
    acre_heap_get_stats(subject, &stats);
    T_EXPECT(stats.live_blocks == 0 && stats.slots == 0 && stats.segments == 0);
    T_EXPECT(stats.limit_bytes == 30 * mib && stats.committed_bytes == stats.metadata_bytes);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(walk_visits_each_live_block_once), T_CASE(walk_ends_when_told_to),
    T_CASE(walk_of_an_empty_heap_visits_nothing), T_CASE(walk_visits_without_a_lock),
    T_CASE(statistics_are_what_is_there), T_CASE(statistics_account_for_every_byte_held),
    T_CASE(statistics_of_a_new_heap_are_nearly_nothing))
