// segment_test.c - what heap/segment.h promises: which pages are found, and what marking keeps right.
// SPDX-License-Identifier: MIT
#include "heap/segment.h"

#include "base/bitmap.h"
#include "unit/fixture.h"

static struct segment *segment;

static void open_with_segment(void)
{
    heap_open();
    (void)segment_create(subject);
    segment = container_of(subject->segments.next, struct segment, link);
}

static struct page_range find(unsigned pages, unsigned align_pages, bool from_top)
{
    const struct page_request request = {
        .pages = pages, .align_pages = align_pages, .from_top = from_top};
    struct page_range range;
    return segment_find(segment, &request, false, &range) ? range : (struct page_range){0};
}

static void take(unsigned first, unsigned count)
{
    segment_mark_taken(
        subject, &(struct page_range){.segment = segment, .first = first, .count = count});
}

static void give(unsigned first, unsigned count)
{
    segment_mark_free(
        subject, &(struct page_range){.segment = segment, .first = first, .count = count});
}

static void segment_new_has_all_its_pages_but_the_header(void)
{
    open_with_segment();
    T_EXPECT((uintptr_t)segment % SEGMENT_BYTES == 0 && subject->segment_count == 1);
    T_EXPECT(segment->free_pages == SEGMENT_PAGES - HEADER_PAGES);
    T_EXPECT(bitmap_count(segment->free, 0, HEADER_PAGES) == 0);
    T_EXPECT(segment_is_idle(segment));
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void segment_that_is_released_is_made_again_at_the_same_place(void)
{
    open_with_segment();
    struct segment *first = segment;
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(subject->segment_count == 0 && subject->free_dirty_pages == 0);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(segment_create(subject) && subject->segments.next == &first->link);
    T_EXPECT(first->free_pages == SEGMENT_PAGES - HEADER_PAGES && first->used_spare == 0);
    T_EXPECT_SOUND(heap_close());
}

// A thread may still be about to look at a slab whose last block it has freed.
static void descriptors_of_a_released_segment_can_still_be_read(void)
{
    void *blocks[9];
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL); // pins the first segment
    T_EXPECT(alloc_many(blocks, 9, 1048576) == 9);
    struct segment *other = segment_of(slab_at(blocks[8]));
    free_many(blocks, 9);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(subject->segment_count == 1);
    for (unsigned i = 0; i < SEGMENT_SLICES; i++) {
        T_EXPECT(other->slabs[i].limit == 0 && other->slabs[i].foreign == 0);
        T_EXPECT(other->slabs[i].state == SLAB_TRANSIT);
    }
    T_EXPECT_SOUND(heap_close());
}

static void slices_are_found_from_the_bottom(void)
{
    open_with_segment();
    T_EXPECT(find(SLICE_PAGES, SLICE_PAGES, false).first == HEADER_PAGES);
    take(HEADER_PAGES + 3, 1);
    T_EXPECT(find(SLICE_PAGES, SLICE_PAGES, false).first == HEADER_PAGES + SLICE_PAGES);
    give(HEADER_PAGES + 3, 1);
    for (unsigned first = HEADER_PAGES; first < SEGMENT_PAGES; first += SLICE_PAGES) {
        T_EXPECT(find(SLICE_PAGES, SLICE_PAGES, false).first == first);
        take(first, SLICE_PAGES);
    }
    T_EXPECT(find(SLICE_PAGES, SLICE_PAGES, false).count == 0 && segment->free_pages == 0);
    for (unsigned first = HEADER_PAGES; first < SEGMENT_PAGES; first += SLICE_PAGES) {
        give(first, SLICE_PAGES);
    }
    T_EXPECT_SOUND(heap_close());
}

static void runs_are_found_from_the_top(void)
{
    open_with_segment();
    T_EXPECT(find(1, 1, true).first == SEGMENT_PAGES - 1);
    T_EXPECT(find(5, 1, true).first == SEGMENT_PAGES - 5);
    T_EXPECT(find(5, 8, true).first == SEGMENT_PAGES - 8);
    take(SEGMENT_PAGES - 4, 2); // two pages stay free above
    T_EXPECT(find(2, 1, true).first == SEGMENT_PAGES - 2);
    T_EXPECT(find(3, 1, true).first == SEGMENT_PAGES - 7);
    T_EXPECT(find(2, 4, true).first == SEGMENT_PAGES - 8);
    give(SEGMENT_PAGES - 4, 2);
    T_EXPECT_SOUND(heap_close());
}

/// Against a search page by page, in random states of the bitmap.
static unsigned highest_fit(unsigned pages, unsigned align_pages)
{
    for (unsigned first = SEGMENT_PAGES - pages + 1; first-- > 0;) {
        if (first % align_pages == 0 &&
            bitmap_next(segment->free, false, first, first + pages) == first + pages) {
            return first;
        }
    }
    return SEGMENT_PAGES;
}

static void runs_are_found_exactly_where_there_is_room(void)
{
    uint64_t state = t_seed(99);
    static bool taken[SEGMENT_PAGES / 4]; // groups of four pages
    open_with_segment();
    for (unsigned i = 0; i < SEGMENT_PAGES / 4; i++) {
        taken[i] = false;
    }
    for (unsigned step = 0; step < 4000; step++) {
        unsigned at =
            HEADER_PAGES / 4 + (unsigned)random_below(&state, (SEGMENT_PAGES - HEADER_PAGES) / 4);
        taken[at] ? give(at * 4, 4) : take(at * 4, 4);
        taken[at] = !taken[at];
        unsigned pages = 1 + (unsigned)random_below(&state, 24);
        unsigned align_pages = 1u << random_below(&state, 6);
        struct page_range range = find(pages, align_pages, true);
        unsigned expected = highest_fit(pages, align_pages);
        T_EXPECT(expected == SEGMENT_PAGES ? range.count == 0 : range.first == expected);
    }
    for (unsigned i = HEADER_PAGES / 4; i < SEGMENT_PAGES / 4; i++) {
        if (taken[i]) {
            give(i * 4, 4);
        }
    }
    T_EXPECT(segment_is_idle(segment));
    T_EXPECT_SOUND(heap_close());
}

static void marking_keeps_the_sums(void)
{
    open_with_segment();
    take(100, 50);
    T_EXPECT(subject->used_pages == 50 && segment->free_pages == SEGMENT_PAGES - HEADER_PAGES - 50);
    bitmap_fill(segment->dirty, 100, 20, true);
    subject->held_bytes += (size_t)20 * PAGE_BYTES;
    give(100, 50);
    T_EXPECT(subject->used_pages == 0 && subject->free_dirty_pages == 20);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    take(110, 20);
    T_EXPECT(subject->free_dirty_pages == 10);
    give(110, 20);
    bitmap_fill(segment->dirty, 100, 20, false);
    subject->held_bytes -= (size_t)20 * PAGE_BYTES;
    subject->free_dirty_pages = 0;
    T_EXPECT_SOUND(heap_close());
}

static void full_segments_stand_behind_those_with_room(void)
{
    open_with_segment();
    struct segment *full = segment;
    take(HEADER_PAGES, SEGMENT_PAGES - HEADER_PAGES);
    T_EXPECT(segment_create(subject));
    T_EXPECT(subject->segments.prev == &full->link && subject->segments.next != &full->link);
    give(HEADER_PAGES, 1);
    T_EXPECT(subject->segments.next == &full->link);
    give(HEADER_PAGES + 1, SEGMENT_PAGES - HEADER_PAGES - 1);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(segment_new_has_all_its_pages_but_the_header),
    T_CASE(segment_that_is_released_is_made_again_at_the_same_place),
    T_CASE(descriptors_of_a_released_segment_can_still_be_read),
    T_CASE(slices_are_found_from_the_bottom), T_CASE(runs_are_found_from_the_top),
    T_CASE(runs_are_found_exactly_where_there_is_room), T_CASE(marking_keeps_the_sums),
    T_CASE(full_segments_stand_behind_those_with_room))
