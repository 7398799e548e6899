// short_test.c - where addresses are short: segments that are as long as they can be, and ends that huge blocks get.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/segment.h"
#include "unit/fixture.h"

enum { BLOCKS_MAX = 4000, RUN = 40960 };

static const size_t mib = (size_t)1 << 20;
static void *blocks[BLOCKS_MAX];

static void leave_addresses(size_t bytes)
{
    sim.addr_bytes_max = sim.reserved_bytes + bytes;
}

static struct segment *newest(void)
{
    return container_of(subject->all_segments.prev, struct segment, all_link);
}

static void what_is_left_of_addresses_is_used(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    size_t first = alloc_many(blocks, BLOCKS_MAX, RUN);
    T_EXPECT(first == BLOCKS_MAX); // many segments
    free_many(blocks, first);
    T_EXPECT_SOUND(heap_close());

    heap_open();
    leave_addresses(SEGMENT_BYTES + 3 * mib / 2);
    size_t count = alloc_many(blocks, BLOCKS_MAX, RUN);
    T_EXPECT(subject->segment_count == 2);
    T_EXPECT((size_t)newest()->length * PAGE_BYTES == 3 * mib / 2);
    T_EXPECT(count * RUN > (SEGMENT_BYTES + 3 * mib / 2) / 100 * 95);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    free_many(blocks, count);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(alloc_many(blocks, BLOCKS_MAX, RUN) == count);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    free_many(blocks, count);
    T_EXPECT_SOUND(heap_close());
}

static void small_blocks_use_it_too(void)
{
    heap_open();
    leave_addresses(SEGMENT_BYTES + mib);
    size_t count = alloc_many(blocks, BLOCKS_MAX, 16384);
    T_EXPECT(count * 16384 > (SEGMENT_BYTES + mib) / 100 * 90);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    free_many(blocks, count);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT_SOUND(heap_close());
}

static void short_segment_given_back_is_used_again(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    leave_addresses(mib);
    size_t count = alloc_many(blocks, BLOCKS_MAX, RUN);
    for (unsigned round = 0; round < 4; round++) {
        free_many(blocks, count);
        (void)acre_heap_trim(subject, 0);
        T_EXPECT(subject->segment_count == 1);
        size_t reserved_bytes = sim.reserved_bytes;
        T_EXPECT(alloc_many(blocks, BLOCKS_MAX, RUN) == count);
        T_EXPECT(sim.reserved_bytes == reserved_bytes);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    free_many(blocks, count);
    // With addresses again, a block that the short one is too short for.
    sim.addr_bytes_max = 0;
    T_EXPECT(alloc_many(blocks, 20, mib) == 20);
    free_many(blocks, 20);
    T_EXPECT_SOUND(heap_close());
}

static void nothing_is_made_that_is_too_short(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    leave_addresses(mib / 2);
    size_t count = alloc_many(blocks, BLOCKS_MAX, mib);
    uint32_t segments = subject->segment_count;
    T_EXPECT(segments == 1 && acre_heap_alloc(subject, mib) == NULL);
    T_EXPECT(acre_heap_aligned(subject, mib, 20000) == NULL && subject->segment_count == 1);
    for (unsigned i = 0; i < 20 && subject->segment_count == 1; i++) {
        T_EXPECT(acre_heap_alloc(subject, 100000) != NULL);
    }
    T_EXPECT(subject->segment_count == 2); // for a run that fits into half a mebibyte
    free_many(blocks, count);
    T_EXPECT_SOUND(heap_close());
}

static void source_that_cannot_resize_has_none(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .no_remap = true});
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    leave_addresses(mib);
    size_t count = alloc_many(blocks, BLOCKS_MAX, RUN);
    T_EXPECT(subject->segment_count == 1);
    free_many(blocks, count);
    T_EXPECT_SOUND(heap_close());
}

static void huge_block_gets_the_free_end_of_a_segment(void)
{
    heap_open();
    void *small = acre_heap_alloc(subject, 16);
    leave_addresses(mib);
    T_EXPECT(acre_heap_alloc(subject, 6 * mib) == NULL); // not to be had: nothing is cut
    T_EXPECT(newest()->length == SEGMENT_PAGES);
    unsigned char *huge = acre_heap_calloc(subject, 1, 3 * mib);
    T_EXPECT(huge != NULL && block_is_zero(huge, 3 * mib));
    T_EXPECT(newest()->length < SEGMENT_PAGES && subject->segment_count == 1);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    block_fill(huge, 3 * mib, 9);
    size_t count = alloc_many(blocks, BLOCKS_MAX, 1000);
    T_EXPECT(block_holds(huge, 3 * mib, 9));
    free_many(blocks, count);
    acre_heap_free(subject, huge);
    acre_heap_free(subject, small);
    T_EXPECT_SOUND(heap_close());
}

static void end_that_cannot_be_cut_stays(void)
{
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    leave_addresses(mib);
    sim.fail_at[SIM_REMAP] = 1;
    sim.fail_on = true;
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) == NULL);
    T_EXPECT(sim.failed != 0 && newest()->length == SEGMENT_PAGES);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) != NULL);
    T_EXPECT_SOUND(heap_close());
}

// What another thread does while the source is asked to cut a segment: it maps a huge block.
static void *(*remap)(acre_pages *self, void *addr, size_t old_bytes, size_t new_bytes, bool move);
static bool refuses;
static void *others;
static size_t others_bytes; // as the heap says in that moment

static void *remap_while_others_allocate(
    acre_pages *self, void *addr, size_t old_bytes, size_t new_bytes, bool move)
{
    self->remap = remap;
    void *at = refuses ? NULL : remap(self, addr, old_bytes, new_bytes, move);
    others = acre_heap_alloc(subject, 2 * mib);
    others_bytes = acre_heap_usable_size(subject, others);
    return at;
}

static void watch_remap(bool refuse)
{
    remap = sim.pages.remap;
    sim.pages.remap = remap_while_others_allocate;
    refuses = refuse;
    others = NULL;
}

static void open_with_small_map(void)
{
    const struct site site = {.page_bytes = 4096, .options = {.span_bytes = SEGMENT_BYTES}};
    heap_open_at(&site);
}

static void refused_cut_leaves_others_blocks_in_the_map(void)
{
    for (size_t gap = 0; gap < 8; gap++) { // wherever in the map that block is
        open_with_small_map();
        T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
        T_EXPECT(gap == 0 || acre_heap_alloc(subject, 2 * mib + gap * mib / 4) != NULL);
        leave_addresses(5 * mib / 2);
        watch_remap(true);
        T_EXPECT(acre_heap_alloc(subject, 3 * mib) == NULL);
        sim.pages.remap = remap;
        T_EXPECT(others != NULL && others_bytes == 2 * mib);
        T_EXPECT(acre_heap_usable_size(subject, others) == 2 * mib);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        acre_heap_free(subject, others);
        T_EXPECT_SOUND(heap_close());
    }
}

static void block_in_the_place_of_a_strays_end_is_found(void)
{
    open_with_small_map();
    while (subject->segment_count < 2) {
        T_EXPECT(acre_heap_alloc(subject, 16384) != NULL);
    }
    T_EXPECT(newest()->stray);
    const char
        *filler; // of the gaps before it: the source gives the lowest addresses that are free
    do {
        filler = acre_heap_alloc(subject, 2 * mib);
    } while (filler != NULL && filler < (const char *)newest());
    leave_addresses(mib);
    watch_remap(false);
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) == NULL); // the others were faster
    sim.pages.remap = remap;
    T_EXPECT(others != NULL && (size_t)newest()->length < (size_t)SEGMENT_PAGES);
    T_EXPECT((uintptr_t)others - (uintptr_t)newest() < (uintptr_t)SEGMENT_BYTES);
    T_EXPECT(others_bytes == 2 * mib && acre_heap_usable_size(subject, others) == 2 * mib);
    acre_heap_free(subject, others);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(refused_cut_leaves_others_blocks_in_the_map),
    T_CASE(block_in_the_place_of_a_strays_end_is_found), T_CASE(what_is_left_of_addresses_is_used),
    T_CASE(small_blocks_use_it_too), T_CASE(short_segment_given_back_is_used_again),
    T_CASE(nothing_is_made_that_is_too_short), T_CASE(source_that_cannot_resize_has_none),
    T_CASE(huge_block_gets_the_free_end_of_a_segment), T_CASE(end_that_cannot_be_cut_stays))
