// rollback_test.c - every place that undoes a step, hit on purpose: one case each, which also proves
// that it was hit by looking at what was undone.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/segment.h"
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

/// The next call of a kind fails.
static void fail_next(enum sim_call call)
{
    pages_sim_heal(&sim);
    sim.fail_at[call] = 1;
}

/// From now on every call of a kind fails.
static void fail_all(enum sim_call call)
{
    fail_next(call);
    sim.fail_on = true;
}

/// The sums that a rollback must restore.
struct sums {
    size_t held_bytes;
    size_t metadata_bytes;
    size_t reserved_bytes;
    size_t used_pages;
    size_t free_dirty_pages;
    size_t source_reserved_bytes;
};

static struct sums sums_now(void)
{
    return (struct sums){
        .held_bytes = subject->held_bytes,
        .metadata_bytes = subject->metadata_bytes,
        .reserved_bytes = subject->reserved_bytes,
        .used_pages = subject->used_pages,
        .free_dirty_pages = subject->free_dirty_pages,
        .source_reserved_bytes = sim.reserved_bytes,
    };
}

static bool sums_are(const struct sums *before)
{
    struct sums now = sums_now();
    return now.held_bytes == before->held_bytes && now.metadata_bytes == before->metadata_bytes &&
           now.reserved_bytes == before->reserved_bytes && now.used_pages == before->used_pages &&
           now.free_dirty_pages == before->free_dirty_pages &&
           now.source_reserved_bytes == before->source_reserved_bytes;
}

static struct segment *first_segment(void)
{
    return container_of(subject->segments.next, struct segment, link);
}

static void create_releases_what_it_cannot_commit(void)
{
    acre_heap *out = NULL;
    heap_open();
    T_EXPECT_SOUND(heap_close());
    fail_next(SIM_COMMIT);
    T_EXPECT(acre_heap_create(&sim.pages, NULL, &out) == ACRE_NO_MEMORY && out == NULL);
    T_EXPECT(sim.failed == 1 && sim.calls[SIM_RELEASE] == 1 && sim.ranges_live == 0);
}

static void run_that_cannot_be_committed_is_free_again(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    struct sums before = sums_now();
    unsigned free_pages = first_segment()->free_pages;
    fail_all(SIM_COMMIT);
    T_EXPECT(acre_heap_alloc(subject, 100000) == NULL);
    T_EXPECT(sim.failed != 0 && sums_are(&before));
    T_EXPECT(first_segment()->free_pages == free_pages);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 100000) != NULL);
    T_EXPECT_SOUND(heap_close());
}

// [ clean | dirty | clean ]: taking all three needs two commits, of which the second fails.
static void run_committed_in_part_stays_clean(void)
{
    unsigned char *blocks[4];
    heap_open();
    T_EXPECT(alloc_many((void **)blocks, 4, mib / 4) == 4);
    for (unsigned i = 0; i < 4; i++) {
        block_fill(blocks[i], mib / 4, i);
    }
    acre_heap_free(subject, blocks[0]);
    acre_heap_free(subject, blocks[2]);
    acre_heap_free(subject, blocks[3]);
    (void)acre_heap_trim(subject, 0);
    acre_heap_free(subject, blocks[1]);
    (void)acre_heap_trim(subject, mib); // out of the slot's cache, still dirty
    T_EXPECT(subject->free_dirty_pages == mib / 4 / PAGE_BYTES);
    pages_sim_heal(&sim);
    sim.fail_at[SIM_COMMIT] = 2;
    unsigned char *block = acre_heap_calloc(subject, 1, mib);
    T_EXPECT(sim.failed == 1 && sim.calls[SIM_COMMIT] > 2);
    T_EXPECT(block != NULL && block_is_zero(block, mib));
    T_EXPECT_SOUND(heap_close());
}

static void run_that_cannot_grow_is_unchanged(void)
{
    heap_open();
    unsigned char *low = acre_heap_alloc(subject, 64 * 4096);
    unsigned char *high = acre_heap_alloc(subject, 16 * 4096);
    T_EXPECT(low != NULL && high != NULL);
    unsigned char *run = low < high ? low : high;
    size_t bytes = acre_heap_usable_size(subject, run);
    block_fill(run, bytes, 7);
    acre_heap_free(subject, low < high ? high : low);
    (void)acre_heap_trim(subject, 0); // what follows the run is free and clean
    struct sums before = sums_now();
    fail_all(SIM_COMMIT);
    T_EXPECT(acre_heap_realloc(subject, run, bytes + 4096) == NULL);
    T_EXPECT(sim.failed != 0 && sums_are(&before));
    T_EXPECT(acre_heap_usable_size(subject, run) == bytes && block_holds(run, bytes, 7));
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_realloc(subject, run, bytes + 4096) == run);
    T_EXPECT_SOUND(heap_close());
}

static void segment_that_cannot_be_committed_is_released(void)
{
    heap_open();
    struct sums before = sums_now();
    fail_all(SIM_COMMIT);
    T_EXPECT(acre_heap_alloc(subject, 20000) == NULL);
    // A whole one, and then a short one.
    T_EXPECT(sim.failed == 2 && sim.calls[SIM_RELEASE] == 2 && sums_are(&before));
    T_EXPECT(subject->segment_count == 0);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 20000) != NULL);
    T_EXPECT_SOUND(heap_close());
}

static void segment_that_cannot_be_reserved_is_not_there(void)
{
    heap_open();
    struct sums before = sums_now();
    fail_all(SIM_RESERVE);
    T_EXPECT(acre_heap_alloc(subject, 20000) == NULL);
    T_EXPECT(sim.failed == 2 && sums_are(&before));
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 20000) != NULL);
    T_EXPECT_SOUND(heap_close());
}

static void slot_that_cannot_be_committed_takes_no_room(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    uint32_t used_spare = first_segment()->used_spare;
    struct sums before = sums_now();
    fail_all(SIM_COMMIT);
    T_EXPECT(alloc_on(1, 16) == NULL);
    T_EXPECT(sim.failed != 0 && sums_are(&before));
    T_EXPECT(first_segment()->used_spare == used_spare);
    pages_sim_heal(&sim);
    T_EXPECT(alloc_on(1, 16) != NULL);
    T_EXPECT(first_segment()->used_spare > used_spare);
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_that_cannot_be_committed_is_released(void)
{
    heap_open();
    void *first = acre_heap_alloc(subject, 2 * mib); // makes the descriptor's page
    T_EXPECT(first != NULL);
    struct sums before = sums_now();
    fail_all(SIM_COMMIT);
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) == NULL);
    T_EXPECT(sim.failed != 0 && sums_are(&before));
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) != NULL);
    T_EXPECT_SOUND(heap_close());
}

static void cached_mapping_whose_release_is_refused_is_kept(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 2 * mib);
    acre_heap_free(subject, block);
    T_EXPECT(subject->huge_cached_count == 1);
    size_t cached_bytes = subject->huge_cached_bytes;
    fail_next(SIM_RELEASE);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(sim.failed == 1 && subject->huge_cached_count == 1);
    T_EXPECT(subject->huge_cached_bytes == cached_bytes);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) == block && subject->huge_cached_count == 0);
    T_EXPECT_SOUND(heap_close());
}

/// Frees what is too large for the cache.
static void freed_mapping_whose_release_is_refused_is_kept(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 40 * mib);
    T_EXPECT(block != NULL);
    fail_next(SIM_RELEASE);
    acre_heap_free(subject, block);
    T_EXPECT(sim.failed == 1 && subject->huge_cached_count == 1);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_alloc(subject, 40 * mib) == block);
    T_EXPECT_SOUND(heap_close());
}

static void pages_whose_decommit_is_refused_stay_dirty(void)
{
    heap_open();
    void *blocks[2];
    T_EXPECT(alloc_many(blocks, 2, mib) == 2);
    block_fill(blocks[0], mib, 1);
    acre_heap_free(subject, blocks[0]);
    fail_next(SIM_DECOMMIT);
    T_EXPECT(acre_heap_trim(subject, 0) == 0);
    T_EXPECT(sim.failed == 1 && subject->free_dirty_pages >= mib / PAGE_BYTES);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    unsigned char *again = acre_heap_calloc(subject, 1, mib);
    T_EXPECT(again == blocks[0] && block_is_zero(again, mib)); // cleared, for it was dirty
    T_EXPECT_SOUND(heap_close());
}

static void segment_whose_giving_back_is_refused_stays(void)
{
    void *blocks[8];
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL); // pins the first segment
    T_EXPECT(alloc_many(blocks, 8, mib) == 8);
    T_EXPECT(subject->segment_count == 3);
    free_many(blocks, 8);
    fail_all(SIM_DECOMMIT);
    sim.fail_at[SIM_RELEASE] = 1;
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(sim.failed != 0 && subject->segment_count == 3);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_trim(subject, 0) >= 8 * mib - 4 * mib);
    T_EXPECT(subject->segment_count == 1);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(alloc_many(blocks, 8, mib) == 8);
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_whose_remap_is_refused_is_copied(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 2 * mib);
    T_EXPECT(block != NULL);
    block_fill(block, 2 * mib, 3);
    fail_next(SIM_REMAP);
    unsigned char *moved = acre_heap_realloc(subject, block, 6 * mib);
    T_EXPECT(sim.failed == 1 && moved != NULL && moved != block);
    T_EXPECT(block_holds(moved, 2 * mib, 3));
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_that_can_neither_grow_nor_move_is_unchanged(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 2 * mib);
    T_EXPECT(block != NULL);
    block_fill(block, 2 * mib, 3);
    struct sums before = sums_now();
    fail_all(SIM_REMAP);
    sim.memory_bytes_max = sim.committed_bytes + mib;
    T_EXPECT(acre_heap_realloc(subject, block, 6 * mib) == NULL);
    T_EXPECT(sim.failed == 1 && sums_are(&before));
    T_EXPECT(acre_heap_usable_size(subject, block) == 2 * mib && block_holds(block, 2 * mib, 3));
    acre_heap_free_sized(subject, block, 2 * mib);
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_whose_shrinking_is_refused_keeps_its_mapping(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 8 * mib);
    T_EXPECT(block != NULL);
    block_fill(block, 2 * mib, 3);
    fail_next(SIM_REMAP);
    T_EXPECT(acre_heap_realloc(subject, block, 2 * mib) == block && sim.failed == 1);
    T_EXPECT(block_holds(block, 2 * mib, 3));
    acre_heap_free_sized(subject, block, 2 * mib); // the size that was asked for last
    T_EXPECT_SOUND(heap_close());
}

static void cached_mapping_that_cannot_be_resized_is_kept(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .no_move = true});
    void *block = acre_heap_alloc(subject, 8 * mib);
    acre_heap_free(subject, block);
    fail_next(SIM_REMAP);
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) != NULL);
    T_EXPECT(sim.failed == 1 && subject->huge_cached_count == 1);
    T_EXPECT_SOUND(heap_close());
}

static void takeover_without_a_barrier_gives_the_loot_back(void)
{
    void *blocks[64];
    heap_open();
    sim_move(1);
    T_EXPECT(alloc_many(blocks, 64, 16384) == 64);
    free_many(blocks, 64);
    struct slot *victim = slot_of(subject, 1);
    unsigned empty_count = victim->empty_count;
    T_EXPECT(empty_count != 0);
    sim_move(0);
    acre_sim.barrier_fails = true;
    for (unsigned i = 0; i < 400; i++) {
        T_EXPECT(acre_heap_alloc(subject, 16384) != NULL);
        T_EXPECT(victim->empty_count == empty_count);
    }
    T_EXPECT(acre_sim.barriers != 0);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_sim.barrier_fails = false;
    for (unsigned i = 0; i < 8 && victim->empty_count != 0; i++) {
        T_EXPECT(acre_heap_alloc(subject, 16384) != NULL);
    }
    T_EXPECT(victim->empty_count == 0);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(create_releases_what_it_cannot_commit),
    T_CASE(run_that_cannot_be_committed_is_free_again), T_CASE(run_committed_in_part_stays_clean),
    T_CASE(run_that_cannot_grow_is_unchanged), T_CASE(segment_that_cannot_be_committed_is_released),
    T_CASE(segment_that_cannot_be_reserved_is_not_there),
    T_CASE(slot_that_cannot_be_committed_takes_no_room),
    T_CASE(huge_block_that_cannot_be_committed_is_released),
    T_CASE(cached_mapping_whose_release_is_refused_is_kept),
    T_CASE(freed_mapping_whose_release_is_refused_is_kept),
    T_CASE(pages_whose_decommit_is_refused_stay_dirty),
    T_CASE(segment_whose_giving_back_is_refused_stays),
    T_CASE(huge_block_whose_remap_is_refused_is_copied),
    T_CASE(huge_block_that_can_neither_grow_nor_move_is_unchanged),
    T_CASE(huge_block_whose_shrinking_is_refused_keeps_its_mapping),
    T_CASE(cached_mapping_that_cannot_be_resized_is_kept),
    T_CASE(takeover_without_a_barrier_gives_the_loot_back))
