// huge_test.c - blocks with a mapping of their own: kept for reuse, resized, given back.
// SPDX-License-Identifier: MIT
#include "heap/huge.h"

#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

static void open_without_remap(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .no_remap = true});
}

/// Mappings can be resized, but neither cut nor put together.
static void open_without_move(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .no_move = true});
}

static void huge_block_has_its_own_mapping(void)
{
    heap_open();
    size_t ranges = sim.ranges_live;
    unsigned char *block = acre_heap_alloc(subject, 2 * mib + 1);
    T_EXPECT(block != NULL && sim.ranges_live == ranges + 2); // a segment for its descriptor, too
    T_EXPECT(acre_heap_usable_size(subject, block) == 2 * mib + 4096);
    block_fill(block, 2 * mib + 4096, 1);
    T_EXPECT(subject->huge_bytes == 2 * mib + 4096);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_heap_free(subject, block);
    T_EXPECT(subject->huge_bytes == 0);
    T_EXPECT_SOUND(heap_close());
}

static void huge_sizes_are_whole_units_of_the_source(void)
{
    heap_open_at(&(struct site){.page_bytes = 65536});
    T_EXPECT(huge_bytes_for(subject, 0) == 65536 && huge_bytes_for(subject, 65537) == 131072);
    T_EXPECT(huge_bytes_for(subject, SIZE_MAX) == 0);
    void *block = acre_heap_alloc(subject, 2 * mib + 1);
    T_EXPECT(acre_heap_usable_size(subject, block) == 2 * mib + 65536);
    acre_heap_free_sized(subject, block, 2 * mib + 1);
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_is_aligned_as_asked(void)
{
    heap_open();
    for (size_t align = 2 * mib; align <= 64 * mib; align *= 2) {
        void *block = acre_heap_aligned(subject, align, 100);
        T_EXPECT(block != NULL && (uintptr_t)block % align == 0);
        T_EXPECT(acre_heap_usable_size(subject, block) == 4096);
        acre_heap_free_aligned_sized(subject, block, align, 100);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    T_EXPECT_SOUND(heap_close());
}

static void freed_mapping_serves_the_next_of_its_size(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 2 * mib);
    acre_heap_free(subject, block);
    T_EXPECT(subject->huge_cached_count == 1 && subject->huge_cached_bytes == 2 * mib);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) == block);
    T_EXPECT(sim.calls_all == 0 && subject->huge_cached_count == 0);
    T_EXPECT_SOUND(heap_close());
}

static void kept_mapping_a_little_too_large_is_taken_as_it_is(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 9 * mib);
    acre_heap_free(subject, block);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 8 * mib) == block && sim.calls_all == 0);
    acre_heap_free_sized(subject, block, 8 * mib); // what was asked for, not what was got
    T_EXPECT_SOUND(heap_close());
}

static void kept_mapping_nearest_in_size_is_taken(void)
{
    open_without_move();
    void *small = acre_heap_alloc(subject, 2 * mib);
    void *large = acre_heap_alloc(subject, 8 * mib);
    acre_heap_free(subject, small);
    acre_heap_free(subject, large);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) == small || sim.calls[SIM_REMAP] == 1);
    T_EXPECT(subject->huge_cached_count == 1 && subject->huge_cached_bytes == 8 * mib);
    T_EXPECT_SOUND(heap_close());
}

static void kept_mapping_of_another_size_is_left_where_none_can_be_resized(void)
{
    open_without_remap();
    void *block = acre_heap_alloc(subject, 8 * mib);
    acre_heap_free(subject, block);
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) != block);
    T_EXPECT(subject->huge_cached_count == 1);
    T_EXPECT(acre_heap_alloc(subject, 8 * mib) == block);
    T_EXPECT_SOUND(heap_close());
}

static void kept_mappings_make_room_where_the_heap_would_grow(void)
{
    void *blocks[4];
    open_without_move();
    T_EXPECT(alloc_many(blocks, 4, 2 * mib) == 4);
    free_many(blocks, 4);
    T_EXPECT(subject->huge_cached_count == 4);
    size_t held_bytes = subject->held_bytes;
    T_EXPECT(acre_heap_alloc(subject, 7 * mib) != NULL); // one grows by 5 MiB: two others go
    T_EXPECT(subject->huge_cached_count == 1 && subject->held_bytes <= held_bytes + mib);
    void *block = acre_heap_alloc(subject, 2 * mib);
    T_EXPECT(block != NULL && subject->huge_cached_count == 0);
    acre_heap_free(subject, block);
    T_EXPECT(acre_heap_aligned(subject, 16 * mib, 5 * mib) != NULL); // always a fresh one
    T_EXPECT(subject->huge_cached_count == 0);
    T_EXPECT_SOUND(heap_close());
}

static void kept_mapping_goes_when_the_heap_has_grown_by_as_much_in_small_blocks(void)
{
    static void *small[40];
    heap_open();
    acre_heap_free(subject, acre_heap_alloc(subject, 10 * mib));
    T_EXPECT(subject->huge_cached_count == 1);
    T_EXPECT(alloc_many(small, 5, mib / 2) == 5); // what a segment that is there may have
    for (unsigned i = 0; i < 35 && subject->huge_cached_count != 0; i++) {
        small[i] = acre_heap_alloc(subject, mib / 2);
    }
    T_EXPECT(subject->huge_cached_count == 0);
    T_EXPECT(subject->segment_count >= 3 && subject->segment_count <= 4); // 12 MiB
    T_EXPECT_SOUND(heap_close());
}

static void kept_mappings_stay_in_a_heap_that_keeps(void)
{
    void *blocks[4];
    open_without_move();
    subject->flags |= ACRE_HEAP_KEEP;
    T_EXPECT(alloc_many(blocks, 4, 2 * mib) == 4);
    free_many(blocks, 4);
    T_EXPECT(acre_heap_alloc(subject, 7 * mib) != NULL);
    T_EXPECT(subject->huge_cached_count == 3);
    T_EXPECT_SOUND(heap_close());
}

static void kept_mappings_are_few(void)
{
    void *blocks[24];
    open_without_move();
    T_EXPECT(alloc_many(blocks, 24, 5 * mib / 4) == 24);
    free_many(blocks, 24);
    T_EXPECT(subject->huge_cached_count == 16);
    void *large = acre_heap_alloc(subject, 60 * mib);
    acre_heap_free(subject, large);
    T_EXPECT(subject->huge_cached_bytes <= 32 * mib);
    acre_heap_free(subject, acre_heap_alloc(subject, 2 * mib));
    T_EXPECT(huge_drop_cache(subject) != 0 && subject->huge_cached_count == 0);
    T_EXPECT(huge_drop_cache(subject) == 0);
    T_EXPECT_SOUND(heap_close());
}

static void calloc_clears_a_kept_mapping(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 2 * mib);
    block_fill(block, 2 * mib, 1);
    acre_heap_free(subject, block);
    unsigned char *again = acre_heap_calloc(subject, 2, mib);
    T_EXPECT(again == block && block_is_zero(again, 2 * mib));
    T_EXPECT_SOUND(heap_close());
}

/// A kept mapping of which one page was written.
static unsigned char *keep_sparse(size_t bytes)
{
    unsigned char *block = acre_heap_calloc(subject, 1, bytes);
    block_fill(block + 3 * (size_t)PAGE_BYTES, PAGE_BYTES, 1);
    acre_heap_free(subject, block);
    pages_sim_heal(&sim);
    return block;
}

static void calloc_gives_back_what_a_sparse_mapping_had(void)
{
    heap_open();
    unsigned char *block = keep_sparse(8 * mib);
    unsigned char *again = acre_heap_calloc(subject, 8, mib);
    T_EXPECT(again == block && block_is_zero(again, 8 * mib));
    T_EXPECT(sim.calls[SIM_DECOMMIT] == 1 && sim.calls[SIM_COMMIT] == 1);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void calloc_clears_a_sparse_mapping_that_cannot_be_given_back(void)
{
    heap_open();
    unsigned char *block = keep_sparse(8 * mib);
    sim.failing[SIM_DECOMMIT] = true;
    unsigned char *again = acre_heap_calloc(subject, 8, mib);
    T_EXPECT(again == block && block_is_zero(again, 8 * mib));
    T_EXPECT_SOUND(heap_close());
}

static void calloc_takes_another_mapping_when_one_gets_no_memory(void)
{
    heap_open();
    (void)keep_sparse(8 * mib);
    sim.fail_at[SIM_COMMIT] = 1;
    unsigned char *again = acre_heap_calloc(subject, 8, mib);
    T_EXPECT(again != NULL && block_is_zero(again, 8 * mib));
    T_EXPECT(sim.calls[SIM_RELEASE] == 1 && subject->huge_cached_count == 0);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_grows_in_place_or_moves_without_a_copy(void)
{
    for (unsigned moves = 0; moves < 2; moves++) {
        heap_open();
        sim.remap_moves = moves != 0;
        unsigned char *block = acre_heap_alloc(subject, 5 * mib);
        block_fill(block, 2 * mib, 1);
        pages_sim_heal(&sim);
        unsigned char *grown = acre_heap_realloc(subject, block, 15 * mib);
        T_EXPECT(grown != NULL && (grown == block) == (moves == 0));
        T_EXPECT(sim.calls[SIM_REMAP] == 1 && sim.calls[SIM_RESERVE] == 0);
        T_EXPECT(block_holds(grown, 2 * mib, 1) && slab_at(grown)->base == (uintptr_t)grown);
        T_EXPECT(moves == 0 || slab_at(block) == NULL);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        T_EXPECT(acre_heap_realloc(subject, grown, 6 * mib) == grown); // shrinking never moves
        T_EXPECT(acre_heap_usable_size(subject, grown) == 6 * mib);
        T_EXPECT(block_holds(grown, 2 * mib, 1));
        T_EXPECT_SOUND(heap_close());
    }
}

static void huge_block_a_little_smaller_stays_as_it_is(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 9 * mib);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_realloc(subject, block, 8 * mib) == block && sim.calls_all == 0);
    T_EXPECT(acre_heap_usable_size(subject, block) == 9 * mib);
    acre_heap_free_sized(subject, block, 8 * mib);
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_is_copied_where_none_can_be_resized(void)
{
    open_without_remap();
    unsigned char *block = acre_heap_alloc(subject, 2 * mib);
    block_fill(block, 2 * mib, 1);
    unsigned char *grown = acre_heap_realloc(subject, block, 7 * mib);
    T_EXPECT(grown != NULL && grown != block && block_holds(grown, 2 * mib, 1));
    T_EXPECT_SOUND(heap_close());
}

static void freed_huge_block_is_no_block_any_more(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 2 * mib);
    acre_heap_free(subject, block);
    struct sim_end end = sim_catch(free_in_heap, block);
    T_EXPECT(end.how == SIM_FATAL && end.addr == block);
    heap_open();
    block = acre_heap_alloc(subject, 2 * mib);
    end = sim_catch(free_in_heap, (char *)block + 4096);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'i');
}

// A descriptor may need a page of the heap's own. Free memory elsewhere must make room for it.
static void huge_block_finds_room_that_free_memory_holds(void)
{
    void *blocks[400];
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 12 * mib}});
    size_t count = alloc_many(blocks, 400, 40960);
    T_EXPECT(count > 200 && count < 400);
    while (acre_heap_aligned(subject, 8192, 4096) != NULL) { // to the last page
    }
    free_many(blocks, count);
    for (unsigned i = 0; i < 5; i++) {
        T_EXPECT(acre_heap_alloc(subject, mib + 1) != NULL);
    }
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(huge_block_has_its_own_mapping), T_CASE(huge_sizes_are_whole_units_of_the_source),
    T_CASE(huge_block_is_aligned_as_asked), T_CASE(freed_mapping_serves_the_next_of_its_size),
    T_CASE(kept_mapping_a_little_too_large_is_taken_as_it_is),
    T_CASE(kept_mapping_nearest_in_size_is_taken),
    T_CASE(kept_mapping_of_another_size_is_left_where_none_can_be_resized),
    T_CASE(kept_mappings_are_few), T_CASE(calloc_clears_a_kept_mapping),
    T_CASE(calloc_gives_back_what_a_sparse_mapping_had),
    T_CASE(calloc_clears_a_sparse_mapping_that_cannot_be_given_back),
    T_CASE(calloc_takes_another_mapping_when_one_gets_no_memory),
    T_CASE(kept_mappings_make_room_where_the_heap_would_grow),
    T_CASE(kept_mapping_goes_when_the_heap_has_grown_by_as_much_in_small_blocks),
    T_CASE(kept_mappings_stay_in_a_heap_that_keeps),
    T_CASE(huge_block_grows_in_place_or_moves_without_a_copy),
    T_CASE(huge_block_a_little_smaller_stays_as_it_is),
    T_CASE(huge_block_is_copied_where_none_can_be_resized),
    T_CASE(freed_huge_block_is_no_block_any_more),
    T_CASE(huge_block_finds_room_that_free_memory_holds))
