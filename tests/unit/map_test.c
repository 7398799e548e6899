// map_test.c - what heap/map.h promises: every address leads to its slice or huge block, or to nothing,
// however small the map is.
// SPDX-License-Identifier: MIT
#include "heap/map.h"

#include "heap/segment.h"
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

static void map_knows_no_address_at_first(void)
{
    heap_open();
    T_EXPECT(map_find_any(subject, 0) == NULL);
    T_EXPECT(map_find_any(subject, UINTPTR_MAX) == NULL);
    T_EXPECT(map_find_any(subject, (uintptr_t)&sim) == NULL);
    T_EXPECT(map_find_any(subject, (uintptr_t)subject) == NULL);
    T_EXPECT(map_find(subject, 4711) == &subject->none);
    T_EXPECT_SOUND(heap_close());
}

static void map_leads_from_every_byte_of_a_block_to_its_slab(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 1000);
    struct slab *slab = slab_at(block);
    T_EXPECT(slab != NULL && slab->kind == KIND_SLAB && slab->base == (uintptr_t)block);
    for (size_t i = 0; i < (size_t)SLICE_BYTES; i += 63) {
        T_EXPECT(slab_at(block + i) == slab);
    }
    T_EXPECT(slab_at(block + SLICE_BYTES) == slab + 1);
    T_EXPECT(slab_at(block - SLICE_BYTES)->kind == KIND_HEADER);
    struct segment *segment = segment_of(slab);
    T_EXPECT(map_find_any(subject, (uintptr_t)segment + SEGMENT_BYTES) == NULL);
    T_EXPECT(map_find_any(subject, (uintptr_t)segment - 1) == NULL);
    T_EXPECT_SOUND(heap_close());
}

static void map_has_a_huge_block_under_its_first_slice(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 3 * mib);
    struct slab *huge = slab_at(block);
    T_EXPECT(huge != NULL && huge->kind == KIND_HUGE && huge->base == (uintptr_t)block);
    acre_heap_free(subject, block);
    T_EXPECT(slab_at(block) == NULL);
    T_EXPECT_SOUND(heap_close());
}

/// A map of one segment: the second one and nearly every huge block are strays.
static void open_tiny(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.span_bytes = 1}});
}

static void map_of_one_segment_serves_strays(void)
{
    void *blocks[12];
    open_tiny();
    T_EXPECT(subject->map_mask + 1 == SEGMENT_SLICES);
    T_EXPECT(alloc_many(blocks, 12, mib) == 12);
    T_EXPECT(subject->segment_count >= 3 && subject->stray_count == subject->segment_count - 1);
    for (unsigned i = 0; i < 12; i++) {
        T_EXPECT(slab_at(blocks[i]) != NULL && slab_at(blocks[i])->kind == KIND_PAGES);
        T_EXPECT(acre_heap_usable_size(subject, blocks[i]) == mib);
        block_fill(blocks[i], mib, i);
    }
    T_EXPECT_SOUND(acre_heap_audit(subject));
    for (unsigned i = 0; i < 12; i++) {
        T_EXPECT(block_holds(blocks[i], mib, i));
        acre_heap_free(subject, blocks[i]);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    (void)acre_heap_trim(subject, 0);
    T_EXPECT_SOUND(heap_close());
}

static void small_blocks_of_stray_segments_are_freed_by_the_slow_path(void)
{
    static void *blocks[3000];
    open_tiny();
    T_EXPECT(alloc_many(blocks, 3000, 4096) == 3000); // three segments
    T_EXPECT(subject->stray_count >= 2);
    for (unsigned i = 0; i < 3000; i++) {
        T_EXPECT(acre_heap_usable_size(subject, blocks[i]) == 4096);
        acre_heap_free_sized(subject, blocks[i], 4096);
    }
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(alloc_many(blocks, 3000, 4096) == 3000);
    T_EXPECT_SOUND(heap_close());
}

static void huge_strays_are_found_and_forgotten(void)
{
    void *blocks[6];
    open_tiny();
    T_EXPECT(acre_heap_alloc(subject, 1) != NULL); // the segment takes the whole map
    T_EXPECT(alloc_many(blocks, 6, 2 * mib) == 6);
    T_EXPECT(subject->stray_count >= 6);
    for (unsigned i = 0; i < 6; i++) {
        struct slab *huge = slab_at(blocks[i]);
        T_EXPECT(huge != NULL && huge->stray && huge->base == (uintptr_t)blocks[i]);
        T_EXPECT(slab_at((char *)blocks[i] + 2 * mib - 1) == huge); // a stray answers throughout
    }
    free_many(blocks, 6);
    T_EXPECT(subject->stray_count == 0);
    for (unsigned i = 0; i < 6; i++) {
        T_EXPECT(slab_at(blocks[i]) == NULL);
    }
    T_EXPECT_SOUND(heap_close());
}

static void map_of_a_released_segment_is_free_for_the_next(void)
{
    void *blocks[8];
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 1) != NULL);
    T_EXPECT(alloc_many(blocks, 8, mib) == 8);
    size_t segments = subject->segment_count;
    free_many(blocks, 8);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(subject->segment_count == 1 && segments > 1);
    T_EXPECT(slab_at(blocks[7]) == NULL || segment_of(slab_at(blocks[7])) != NULL);
    T_EXPECT(alloc_many(blocks, 8, mib) == 8);
    T_EXPECT(subject->stray_count == 0);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(map_knows_no_address_at_first), T_CASE(map_leads_from_every_byte_of_a_block_to_its_slab),
    T_CASE(map_has_a_huge_block_under_its_first_slice), T_CASE(map_of_one_segment_serves_strays),
    T_CASE(small_blocks_of_stray_segments_are_freed_by_the_slow_path),
    T_CASE(huge_strays_are_found_and_forgotten),
    T_CASE(map_of_a_released_segment_is_free_for_the_next))
