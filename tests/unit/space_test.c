// space_test.c - what heap/space.h promises about slices, runs and spare room.
// SPDX-License-Identifier: MIT
#include "heap/space.h"

#include "heap/owner.h"
#include "heap/segment.h"
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

static struct slab *slice_of(const void *addr)
{
    return slab_at(addr);
}

static unsigned give_run(struct slab *slab, uintptr_t addr)
{
    return space_keep_run(slab, addr) == 0 ? 0 : space_give_kept(subject, slab, addr);
}

static void slice_is_fresh_once(void)
{
    heap_open();
    struct slab *slice = space_take_slice(subject);
    T_EXPECT(
        slice != NULL && slice->kind == KIND_PAGES && owner_slot(slice->owner) == ACRE_SLOT_NONE);
    T_EXPECT(slice->fresh && block_is_zero((void *)slice->base, SLICE_BYTES));
    block_fill((void *)slice->base, SLICE_BYTES, 1);
    space_give_slice(subject, slice);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(space_take_slice(subject) == slice && !slice->fresh); // dirty memory first
    space_give_slice(subject, slice);
    T_EXPECT_SOUND(heap_close());
}

static void slices_fill_a_segment_then_the_next(void)
{
    struct slab *slices[70];
    heap_open();
    for (unsigned i = 0; i < 70; i++) {
        slices[i] = space_take_slice(subject);
        T_EXPECT(slices[i] != NULL);
    }
    T_EXPECT(subject->segment_count == 2);
    T_EXPECT(subject->used_pages == (size_t)70 * SLICE_PAGES);
    for (unsigned i = 0; i < 70; i++) {
        space_give_slice(subject, slices[i]);
    }
    T_EXPECT(subject->used_pages == 0);
    T_EXPECT_SOUND(heap_close());
}

static void dirty_slices_are_taken_before_clean_ones(void)
{
    struct slab *slices[4];
    heap_open();
    for (unsigned i = 0; i < 4; i++) {
        slices[i] = space_take_slice(subject);
    }
    space_give_slice(subject, slices[0]);
    (void)space_purge(subject, 0, SIZE_MAX); // the lowest is clean now
    space_give_slice(subject, slices[2]);
    T_EXPECT(space_take_slice(subject) == slices[2] && !slices[2]->fresh);
    T_EXPECT(space_take_slice(subject) == slices[0] && slices[0]->fresh);
    for (unsigned i = 0; i < 4; i++) {
        space_give_slice(subject, slices[i]);
    }
    T_EXPECT_SOUND(heap_close());
}

static void run_of_every_length_is_there_and_freed_once(void)
{
    bool zero;
    heap_open();
    for (unsigned pages = 1; pages <= RUN_BYTES_MAX / PAGE_BYTES; pages += 1 + pages / 3) {
        char *run = space_take_run(subject, pages, 1, &zero);
        T_EXPECT(run != NULL);
        T_EXPECT(space_run_pages(slice_of(run), (uintptr_t)run) == pages);
        T_EXPECT(
            pages == 1 ||
            space_run_pages(slice_of(run + PAGE_BYTES), (uintptr_t)run + PAGE_BYTES) == 0);
        T_EXPECT(space_run_pages(slice_of(run), (uintptr_t)run + 16) == 0);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        T_EXPECT(give_run(slice_of(run), (uintptr_t)run) == pages);
        T_EXPECT(give_run(slice_of(run), (uintptr_t)run) == 0);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    T_EXPECT_SOUND(heap_close());
}

static void run_is_aligned_as_asked(void)
{
    bool zero;
    heap_open();
    for (unsigned align_pages = 1; align_pages <= 256; align_pages *= 2) {
        for (unsigned pages = 1; pages <= 256; pages *= 4) {
            uintptr_t run = (uintptr_t)space_take_run(subject, pages, align_pages, &zero);
            T_EXPECT(run != 0 && run % ((size_t)align_pages * PAGE_BYTES) == 0);
        }
    }
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_heap_destroy(subject);
    T_EXPECT_SOUND(source_left_over());
}

static void run_says_truly_whether_it_is_zero(void)
{
    uint64_t state = t_seed(5);
    char *runs[16] = {NULL};
    bool zero;
    heap_open();
    for (unsigned i = 0; i < 3000; i++) {
        unsigned at = (unsigned)random_below(&state, 16);
        if (runs[at] != NULL) {
            (void)give_run(slice_of(runs[at]), (uintptr_t)runs[at]);
        }
        unsigned pages = 1 + (unsigned)random_below(&state, 24);
        runs[at] = space_take_run(subject, pages, 1, &zero);
        T_EXPECT(runs[at] != NULL);
        T_EXPECT(!zero || block_is_zero(runs[at], (size_t)pages * PAGE_BYTES));
        block_fill(runs[at], 64, i);
        block_fill(runs[at] + (size_t)pages * PAGE_BYTES - 64, 64, i);
        if (i % 64 == 0) {
            (void)space_purge(subject, 0, SIZE_MAX);
        }
    }
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_heap_destroy(subject);
    T_EXPECT_SOUND(source_left_over());
}

static void run_resizes_in_place_where_there_is_room(void)
{
    bool zero;
    heap_open();
    char *high = space_take_run(subject, 10, 1, &zero);
    char *low = space_take_run(subject, 10, 1, &zero);
    T_EXPECT(low + (size_t)10 * PAGE_BYTES == high);
    T_EXPECT(!space_resize_run(subject, slice_of(low), (uintptr_t)low, 11));   // taken behind it
    T_EXPECT(!space_resize_run(subject, slice_of(high), (uintptr_t)high, 11)); // the segment ends
    T_EXPECT(space_resize_run(subject, slice_of(low), (uintptr_t)low, 4));
    T_EXPECT(space_run_pages(slice_of(low), (uintptr_t)low) == 4);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(space_resize_run(subject, slice_of(low), (uintptr_t)low, 10));
    T_EXPECT(space_resize_run(subject, slice_of(low), (uintptr_t)low, 10));
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(give_run(slice_of(high), (uintptr_t)high) == 10);
    T_EXPECT(space_resize_run(subject, slice_of(low), (uintptr_t)low, 20));
    T_EXPECT(!space_resize_run(subject, slice_of(low), (uintptr_t)low, 21));
    T_EXPECT(give_run(slice_of(low), (uintptr_t)low) == 20);
    T_EXPECT_SOUND(heap_close());
}

static void run_that_grows_commits_what_it_gets(void)
{
    bool zero;
    heap_open();
    char *high = space_take_run(subject, 32, 1, &zero);
    char *low = space_take_run(subject, 8, 1, &zero);
    (void)give_run(slice_of(high), (uintptr_t)high);
    (void)space_purge(subject, 0, SIZE_MAX);
    T_EXPECT(!pages_sim_is_committed(&sim, high));
    T_EXPECT(space_resize_run(subject, slice_of(low), (uintptr_t)low, 40));
    block_fill(low, (size_t)40 * PAGE_BYTES, 3);
    T_EXPECT(block_holds(low, (size_t)40 * PAGE_BYTES, 3));
    T_EXPECT_SOUND(heap_close());
}

static void spare_room_is_zero_aligned_and_apart(void)
{
    static unsigned char *rooms[200];
    heap_open();
    for (unsigned i = 0; i < 200; i++) {
        size_t bytes = 1 + (size_t)i * 7;
        rooms[i] = space_take_spare(subject, bytes);
        T_EXPECT(rooms[i] != NULL && (uintptr_t)rooms[i] % LINE_BYTES == 0);
        T_EXPECT(block_is_zero(rooms[i], bytes));
        block_fill(rooms[i], bytes, i);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    for (unsigned i = 0; i < 200; i++) {
        T_EXPECT(block_holds(rooms[i], 1 + (size_t)i * 7, i));
    }
    T_EXPECT_SOUND(heap_close());
}

static void spare_room_pins_its_segment(void)
{
    heap_open();
    unsigned char *room = space_take_spare(subject, 100);
    block_fill(room, 100, 1);
    (void)space_purge(subject, 0, SIZE_MAX);
    T_EXPECT(subject->segment_count == 1 && block_holds(room, 100, 1));
    T_EXPECT_SOUND(heap_close());
}

static void spare_room_goes_on_in_another_segment(void)
{
    heap_open();
    for (unsigned i = 0; i < 3; i++) {
        T_EXPECT(space_take_spare(subject, SPARE_BYTES * 3 / 4) != NULL);
    }
    T_EXPECT(subject->segment_count == 3);
    T_EXPECT_SOUND(heap_close());
}

static void charge_stops_at_the_limit(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 8 * mib}});
    size_t room = 8 * mib - subject->held_bytes;
    T_EXPECT(!space_charge_locked(subject, room + 1));
    T_EXPECT(!space_charge_locked(subject, SIZE_MAX));
    T_EXPECT(space_charge_locked(subject, room) && !space_charge_locked(subject, 1));
    subject->held_bytes -= room;
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(slice_is_fresh_once), T_CASE(slices_fill_a_segment_then_the_next),
    T_CASE(dirty_slices_are_taken_before_clean_ones),
    T_CASE(run_of_every_length_is_there_and_freed_once), T_CASE(run_is_aligned_as_asked),
    T_CASE(run_says_truly_whether_it_is_zero), T_CASE(run_resizes_in_place_where_there_is_room),
    T_CASE(run_that_grows_commits_what_it_gets), T_CASE(spare_room_is_zero_aligned_and_apart),
    T_CASE(spare_room_pins_its_segment), T_CASE(spare_room_goes_on_in_another_segment),
    T_CASE(charge_stops_at_the_limit))
