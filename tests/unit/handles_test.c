// handles_test.c - blocks that may move: what acre/handles.h promises.
// SPDX-License-Identifier: MIT
#include "acre/handles.h"

#include <string.h>

#include "fixture.h"
#include "pools/handles.h"

static _Alignas(16) unsigned char memory[8192];
static acre_handles *heap;

/// A heap with exactly `bytes` for blocks.
static bool make(size_t bytes, unsigned flags)
{
    acre_handles_options options = {.count = 40, .flags = flags};
    size_t head = sizeof(acre_handles) + 40 * sizeof(struct handle_slot);
    return acre_handles_init(memory, head + bytes, &options, &heap) == ACRE_OK &&
           heap->units == bytes / 8;
}

static acre_handle filled(size_t size)
{
    acre_handle handle = acre_handles_new(heap, size, 0);
    if (handle != 0 && size != 0) {
        block_fill(handles_data(heap, handles_slot(heap, handle)), size, handle);
    }
    return handle;
}

static bool holds(acre_handle handle)
{
    return block_holds(
        handles_data(heap, handles_slot(heap, handle)), acre_handles_size(heap, handle), handle);
}

static acre_handles_stats stats_now(void)
{
    acre_handles_stats stats;
    acre_handles_get_stats(heap, &stats);
    return stats;
}

static void thirty_two_bytes_in_four_pieces_can_be_had(void)
{
    acre_handle blocks[8];
    T_EXPECT(make(96, 0));
    for (size_t i = 0; i < 8; i++) { // 8 and 16 bytes in turn
        blocks[i] = filled(i % 2 == 0 ? 8 : 16);
        T_EXPECT(blocks[i] != 0);
    }
    T_EXPECT(acre_handles_new(heap, 1, 0) == 0);
    for (size_t i = 0; i < 8; i += 2) {
        T_EXPECT(acre_handles_unref(heap, blocks[i]) == ACRE_OK);
    }
    acre_handles_stats stats = stats_now();
    T_EXPECT(stats.free_bytes == 32 && stats.largest_bytes == 8);
    T_EXPECT(stats.largest_compacted_bytes == 32);
    T_EXPECT(acre_handles_new(heap, 32, 0) == 0);
    T_EXPECT(acre_handles_make_room(heap, 32, 47) == ACRE_NO_MEMORY); // it takes 48
    T_EXPECT(stats_now().moved_bytes == 0);
    T_EXPECT(acre_handles_make_room(heap, 16, 16) == ACRE_OK); // two pieces: one block moves
    T_EXPECT(stats_now().moved_bytes == 16);
    T_EXPECT(acre_handles_make_room(heap, 32, SIZE_MAX) == ACRE_OK);
    T_EXPECT_SOUND(acre_handles_audit(heap));
    T_EXPECT(filled(32) != 0 && stats_now().free_bytes == 0);
    for (size_t i = 1; i < 8; i += 2) {
        T_EXPECT(holds(blocks[i]));
    }
}

static void a_handle_that_is_gone_is_stale_for_ever(void)
{
    T_EXPECT(make(800, 0));
    acre_handle old[50];
    for (size_t i = 0; i < 50; i++) {
        old[i] = acre_handles_new(heap, 16, 0);
        T_EXPECT(old[i] != 0 && acre_handles_is_valid(heap, old[i]));
        T_EXPECT(acre_handles_kill(heap, old[i]) == ACRE_OK);
        for (size_t k = 0; k <= i; k++) {
            unsigned char byte;
            T_EXPECT(!acre_handles_is_valid(heap, old[k]));
            T_EXPECT(acre_handles_read(heap, old[k], 0, &byte, 1) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_handles_kill(heap, old[k]) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_handles_ref(heap, old[k]) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_handles_unref(heap, old[k]) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_handles_resize(heap, old[k], 8) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_handles_pin(heap, old[k]) == NULL);
            T_EXPECT(acre_handles_unpin(heap, old[k]) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_handles_set_purgeable(heap, old[k], 1) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_handles_peek(heap, old[k], 0, 0) == NULL);
            T_EXPECT(acre_handles_size(heap, old[k]) == 0);
        }
    }
    T_EXPECT(!acre_handles_is_valid(heap, 0) && !acre_handles_is_valid(heap, UINT64_MAX));
    T_EXPECT(!acre_handles_is_valid(heap, heap->slots[0].word));
}

static unsigned destroyed;

static void count_destroyed(acre_handle handle, void *data, size_t size, void *argument)
{
    destroyed += block_holds(data, size, handle) && argument == &destroyed ? 1 : 1000;
}

static void the_last_reference_frees(void)
{
    acre_handles_options options = {.destroy = count_destroyed, .argument = &destroyed};
    T_EXPECT(acre_handles_init(memory, sizeof(memory), &options, &heap) == ACRE_OK);
    destroyed = 0;
    acre_handle handle = filled(100);
    T_EXPECT(acre_handles_ref(heap, handle) == ACRE_OK);
    T_EXPECT(acre_handles_unref(heap, handle) == ACRE_OK && holds(handle) && destroyed == 0);
    T_EXPECT(acre_handles_pin(heap, handle) != NULL);
    T_EXPECT(acre_handles_unref(heap, handle) == ACRE_BAD_ARGUMENT); // pinned
    T_EXPECT(acre_handles_kill(heap, handle) == ACRE_BAD_ARGUMENT && destroyed == 0);
    T_EXPECT(acre_handles_unpin(heap, handle) == ACRE_OK);
    T_EXPECT(acre_handles_unpin(heap, handle) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_handles_unref(heap, handle) == ACRE_OK && destroyed == 1);
    handle = filled(8);
    for (unsigned i = 0; i < 70000; i++) {
        T_EXPECT(acre_handles_ref(heap, handle) == ACRE_OK);
    }
    for (unsigned i = 0; i < 80000; i++) {
        T_EXPECT(acre_handles_unref(heap, handle) == ACRE_OK); // the count stays at its end
    }
    T_EXPECT(acre_handles_kill(heap, handle) == ACRE_OK && destroyed == 2);
    T_EXPECT(stats_now().live_count == 0 && stats_now().free_bytes == stats_now().total_bytes);
}

static void contents_are_reached_within_bounds_only(void)
{
    T_EXPECT(make(800, 0));
    acre_handle a = filled(20);
    acre_handle b = filled(30);
    unsigned char buffer[40];
    const acre_status refused = ACRE_BAD_ARGUMENT;
    T_EXPECT(acre_handles_fill(heap, a, 0, 7, 20) == ACRE_OK);
    T_EXPECT(acre_handles_fill(heap, a, 0, 9, 21) == refused);
    T_EXPECT(acre_handles_write(heap, a, 19, "xy", 1) == ACRE_OK);
    T_EXPECT(acre_handles_write(heap, a, 19, "xy", 2) == refused);
    T_EXPECT(acre_handles_write(heap, a, SIZE_MAX, "xy", 2) == refused);
    T_EXPECT(acre_handles_read(heap, a, 1, buffer, SIZE_MAX) == refused);
    T_EXPECT(acre_handles_read(heap, a, 20, buffer, 0) == ACRE_OK);
    T_EXPECT(acre_handles_read(heap, a, 21, buffer, 0) == refused);
    T_EXPECT(acre_handles_read(heap, a, 0, buffer, 20) == ACRE_OK);
    T_EXPECT(buffer[0] == 7 && buffer[18] == 7 && buffer[19] == 'x');
    T_EXPECT(acre_handles_copy(heap, b, 10, a, 0, 20) == ACRE_OK);
    T_EXPECT(acre_handles_copy(heap, b, 11, a, 0, 20) == refused);
    T_EXPECT(acre_handles_copy(heap, a, 0, b, 11, 20) == refused);
    T_EXPECT(acre_handles_copy(heap, b, 0, b, 5, 25) == ACRE_OK); // onto itself
    T_EXPECT(acre_handles_read(heap, b, 24, buffer, 1) == ACRE_OK && buffer[0] == 'x');
    const unsigned char *peeked = acre_handles_peek(heap, b, 24, 6);
    T_EXPECT(peeked != NULL && *peeked == 'x' && acre_handles_peek(heap, b, 25, 6) == NULL);
}

static void pinned_blocks_stay_and_divide(void)
{
    acre_handle blocks[10];
    T_EXPECT(make(400, 0));
    for (size_t i = 0; i < 10; i++) {
        blocks[i] = filled(40);
    }
    for (size_t i = 0; i < 10; i += 2) {
        T_EXPECT(acre_handles_kill(heap, blocks[i]) == ACRE_OK);
    }
    void *place = acre_handles_pin(heap, blocks[5]); // holes: three below it, two above
    T_EXPECT(place != NULL && acre_handles_pin(heap, blocks[5]) == place);
    acre_handles_stats stats = stats_now();
    T_EXPECT(stats.largest_compacted_bytes == 120 && stats.pinned_bytes == 40);
    T_EXPECT(acre_handles_make_room(heap, 121, SIZE_MAX) == ACRE_NO_MEMORY);
    while (acre_handles_compact(heap, 40) != 0) {
    }
    T_EXPECT(stats_now().largest_bytes == 120 && stats_now().largest_compacted_bytes == 120);
    T_EXPECT(handles_data(heap, handles_slot(heap, blocks[5])) == place);
    T_EXPECT(acre_handles_unpin(heap, blocks[5]) == ACRE_OK);
    T_EXPECT(acre_handles_compact(heap, SIZE_MAX) == 0); // pinned twice
    T_EXPECT(acre_handles_unpin(heap, blocks[5]) == ACRE_OK);
    T_EXPECT(acre_handles_compact(heap, SIZE_MAX) == 120); // it and the two above
    T_EXPECT(stats_now().largest_bytes == 200 && acre_handles_pin(heap, blocks[5]) != place);
    for (size_t i = 1; i < 10; i += 2) {
        T_EXPECT(holds(blocks[i]));
    }
    T_EXPECT_SOUND(acre_handles_audit(heap));
}

static void compaction_goes_in_slices(void)
{
    acre_handle blocks[20];
    T_EXPECT(make(2080, 0));
    for (size_t i = 0; i < 20; i++) {
        blocks[i] = filled(100);
    }
    for (size_t i = 0; i < 20; i += 2) {
        T_EXPECT(i == 0 || acre_handles_kill(heap, blocks[i]) == ACRE_OK);
    }
    size_t slices = 0;
    size_t moved = 0;
    for (size_t part; (part = acre_handles_compact(heap, 250)) != 0; slices++) {
        T_EXPECT(part <= 250);
        moved += part;
        T_EXPECT_SOUND(acre_handles_audit(heap));
    }
    T_EXPECT(moved == 900 && slices == 5 && stats_now().moved_bytes == 900);
    T_EXPECT(acre_handles_kill(heap, blocks[0]) == ACRE_OK);
    T_EXPECT(acre_handles_compact(heap, 1) == 100); // one block at least
}

static void blocks_are_resized_in_place_or_moved(void)
{
    T_EXPECT(make(400, 0));
    acre_handle a = filled(100);
    acre_handle b = filled(100);
    unsigned char *first = memory + ((unsigned char *)heap->base - memory);
    T_EXPECT(acre_handles_resize(heap, b, 150) == ACRE_OK); // in place
    T_EXPECT(stats_now().moved_bytes == 0);
    T_EXPECT(acre_handles_resize(heap, a, 130) == ACRE_OK); // behind b
    T_EXPECT(stats_now().moved_bytes == 100);
    T_EXPECT(block_holds(acre_handles_peek(heap, a, 0, 96), 96, a));
    T_EXPECT(acre_handles_resize(heap, b, 170) == ACRE_OK); // down in its own hole
    T_EXPECT(acre_handles_peek(heap, b, 0, 1) == first);
    T_EXPECT(block_holds(first, 96, b));
    T_EXPECT(acre_handles_resize(heap, a, 400) == ACRE_NO_MEMORY);
    T_EXPECT(acre_handles_resize(heap, a, SIZE_MAX) == ACRE_NO_MEMORY);
    T_EXPECT(acre_handles_size(heap, a) == 130);
    T_EXPECT(acre_handles_pin(heap, b) == first);
    T_EXPECT(acre_handles_resize(heap, b, 300) == ACRE_NO_MEMORY);
    T_EXPECT(acre_handles_resize(heap, b, 10) == ACRE_OK); // in place it may
    T_EXPECT(acre_handles_resize(heap, a, 0) == ACRE_OK && acre_handles_size(heap, a) == 0);
    T_EXPECT(acre_handles_pin(heap, a) == NULL && acre_handles_is_valid(heap, a));
    T_EXPECT(acre_handles_resize(heap, a, 50) == ACRE_OK);
    T_EXPECT_SOUND(acre_handles_audit(heap));
}

static void automatic_heaps_give_all_that_is_free(void)
{
    acre_handle blocks[10];
    T_EXPECT(make(400, ACRE_HANDLES_AUTO));
    for (size_t i = 0; i < 10; i++) {
        blocks[i] = filled(40);
    }
    for (size_t i = 0; i < 10; i += 2) {
        T_EXPECT(acre_handles_kill(heap, blocks[i]) == ACRE_OK);
    }
    acre_handle large = filled(160); // of 200 that are free in five pieces
    T_EXPECT(large != 0);
    // All of the rest to a block in the middle, which has neighbours on both sides.
    T_EXPECT(acre_handles_resize(heap, blocks[5], 80) == ACRE_OK);
    T_EXPECT(
        stats_now().free_bytes == 0 &&
        block_holds(acre_handles_peek(heap, blocks[5], 0, 40), 40, blocks[5]));
    T_EXPECT(holds(blocks[1]) && holds(blocks[3]) && holds(blocks[7]) && holds(large));
    T_EXPECT(acre_handles_new(heap, 1, 0) == 0);
    T_EXPECT_SOUND(acre_handles_audit(heap));
    T_EXPECT(make(400, 0));
    acre_handle only = filled(40);
    T_EXPECT(filled(40) != 0 && acre_handles_resize(heap, only, 330) == ACRE_NO_MEMORY);
}

static void purgeable_blocks_go_in_their_order(void)
{
    acre_handle blocks[5];
    T_EXPECT(make(400, ACRE_HANDLES_AUTO));
    for (size_t i = 0; i < 5; i++) {
        blocks[i] = filled(80);
    }
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[0], 9) == ACRE_OK);
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[1], 2) == ACRE_OK);
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[2], 1) == ACRE_OK);
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[3], 1) == ACRE_OK);
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[3], 0) == ACRE_OK);
    T_EXPECT(acre_handles_pin(heap, blocks[2]) != NULL); // spared while it is pinned
    acre_handle more = filled(60);
    T_EXPECT(more != 0 && acre_handles_is_purged(heap, blocks[1]));
    T_EXPECT(!acre_handles_is_purged(heap, blocks[0]) && !acre_handles_is_purged(heap, blocks[2]));
    T_EXPECT(acre_handles_is_valid(heap, blocks[1]) && acre_handles_size(heap, blocks[1]) == 0);
    T_EXPECT(acre_handles_purge(heap, 1000) == 80 && acre_handles_is_purged(heap, blocks[0]));
    T_EXPECT(acre_handles_resize(heap, blocks[1], 40) == ACRE_OK);
    T_EXPECT(!acre_handles_is_purged(heap, blocks[1]));
    T_EXPECT(holds(blocks[2]) && holds(blocks[3]) && holds(blocks[4]) && holds(more));
    T_EXPECT(stats_now().purged_count == 2);
    T_EXPECT_SOUND(acre_handles_audit(heap));
}

static void nothing_is_purged_for_what_cannot_fit_anyway(void)
{
    acre_handle blocks[5];
    T_EXPECT(make(400, ACRE_HANDLES_AUTO));
    for (size_t i = 0; i < 5; i++) {
        blocks[i] = filled(80);
        T_EXPECT(acre_handles_set_purgeable(heap, blocks[i], 5 - (uint32_t)i) == ACRE_OK);
    }
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[0], 0) == ACRE_OK);
    T_EXPECT(acre_handles_new(heap, 408, 0) == 0 && acre_handles_new(heap, 328, 0) == 0);
    T_EXPECT(stats_now().purged_count == 0);
    T_EXPECT(acre_handles_resize(heap, blocks[0], 408) == ACRE_NO_MEMORY);
    // A pin divides memory: 80 bytes before it could be had, 160 behind it.
    T_EXPECT(acre_handles_pin(heap, blocks[2]) != NULL);
    T_EXPECT(acre_handles_new(heap, 168, 0) == 0);
    T_EXPECT(acre_handles_resize(heap, blocks[1], 168) == ACRE_NO_MEMORY);
    T_EXPECT(stats_now().purged_count == 0);
    for (size_t i = 0; i < 5; i++) {
        T_EXPECT(holds(blocks[i]));
    }
    // What lies where it would be of no use is spared, whatever its priority.
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[1], 1) == ACRE_OK);
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[3], 7) == ACRE_OK);
    T_EXPECT(acre_handles_set_purgeable(heap, blocks[4], 8) == ACRE_OK);
    T_EXPECT(acre_handles_new(heap, 160, 0) != 0 && stats_now().purged_count == 2);
    T_EXPECT(holds(blocks[0]) && holds(blocks[1]) && holds(blocks[2]));
    T_EXPECT_SOUND(acre_handles_audit(heap));
}

static void a_block_between_pins_grows_beyond_them_if_it_may(void)
{
    acre_handle blocks[5];
    T_EXPECT(make(400, ACRE_HANDLES_AUTO));
    for (size_t i = 0; i < 5; i++) {
        blocks[i] = filled(80);
    }
    T_EXPECT(
        acre_handles_pin(heap, blocks[1]) != NULL); // before it there is room for blocks[0] only
    T_EXPECT(acre_handles_kill(heap, blocks[2]) == ACRE_OK);
    T_EXPECT(acre_handles_kill(heap, blocks[4]) == ACRE_OK);
    T_EXPECT(acre_handles_resize(heap, blocks[0], 160) == ACRE_OK); // of two holes behind the pin
    T_EXPECT(block_holds(acre_handles_peek(heap, blocks[0], 0, 80), 80, blocks[0]));
    T_EXPECT(holds(blocks[1]) && holds(blocks[3]));
    T_EXPECT_SOUND(acre_handles_audit(heap));
}

static void an_address_past_a_new_end_is_found_by_its_epoch(void)
{
    T_EXPECT(make(400, 0));
    acre_handle block = filled(80);
    const void *end = acre_handles_peek(heap, block, 72, 8);
    uint64_t epoch = acre_handles_epoch(heap);
    T_EXPECT(end != NULL && acre_handles_resize(heap, block, 80) == ACRE_OK);
    T_EXPECT(acre_handles_resize(heap, block, 88) == ACRE_OK && acre_handles_epoch(heap) == epoch);
    T_EXPECT(acre_handles_resize(heap, block, 79) == ACRE_OK);
    T_EXPECT(acre_handles_epoch(heap) != epoch); // the last byte is not the block's any more
}

static void high_blocks_lie_at_the_top(void)
{
    T_EXPECT(make(400, 0));
    acre_handle low = filled(40);
    acre_handle high = acre_handles_new(heap, 40, ACRE_HANDLE_HIGH);
    acre_handle next = acre_handles_new(heap, 40, ACRE_HANDLE_HIGH);
    const unsigned char *at = acre_handles_peek(heap, high, 0, 40);
    T_EXPECT(at == heap->base + 360);
    T_EXPECT(acre_handles_peek(heap, next, 0, 40) == heap->base + 320);
    T_EXPECT(acre_handles_peek(heap, low, 0, 40) == heap->base);
    T_EXPECT_SOUND(acre_handles_audit(heap));
}

static void stress_moves_everything_that_is_not_pinned(void)
{
    T_EXPECT(make(800, ACRE_HANDLES_STRESS));
    acre_handle blocks[4];
    for (size_t i = 0; i < 4; i++) {
        blocks[i] = filled(48);
    }
    void *pinned = acre_handles_pin(heap, blocks[3]); // at the start: the others were just moved up
    for (unsigned round = 0; round < 6; round++) {
        const void *before[4];
        uint64_t epoch = acre_handles_epoch(heap);
        for (size_t i = 0; i < 3; i++) {
            before[i] = acre_handles_peek(heap, blocks[i], 0, 48);
        }
        T_EXPECT(acre_handles_resize(heap, blocks[3], 48) == ACRE_OK);
        T_EXPECT(acre_handles_epoch(heap) != epoch);
        for (size_t i = 0; i < 3; i++) {
            T_EXPECT(acre_handles_peek(heap, blocks[i], 0, 48) != before[i]);
            T_EXPECT(holds(blocks[i]) && !block_holds(before[i], 48, blocks[i]));
        }
        T_EXPECT(acre_handles_peek(heap, blocks[3], 0, 48) == pinned && holds(blocks[3]));
        T_EXPECT_SOUND(acre_handles_audit(heap));
    }
}

static void what_makes_no_sense_is_refused(void)
{
    acre_handles *before = heap;
    acre_handles_options options = {.flags = 64};
    T_EXPECT(acre_handles_init(memory, 4096, &options, &heap) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_handles_init(NULL, 4096, NULL, &heap) == ACRE_BAD_ARGUMENT);
    options = (acre_handles_options){.count = SIZE_MAX / 16};
    T_EXPECT(acre_handles_init(memory, 4096, &options, &heap) == ACRE_NO_MEMORY);
    for (size_t bytes = 0; bytes < 100; bytes++) {
        T_EXPECT(acre_handles_init(memory, bytes, NULL, &heap) == ACRE_NO_MEMORY);
    }
    T_EXPECT(heap == before && make(400, 0));
    const size_t many = SIZE_MAX > UINT32_MAX ? (size_t)((uint64_t)1 << 35) : SIZE_MAX; // units
    for (size_t k = 0; k < 100; k++) {
        T_EXPECT(acre_handles_new(heap, SIZE_MAX - k, 0) == 0);
        T_EXPECT(acre_handles_new(heap, many - k, 0) == 0);
        T_EXPECT(acre_handles_make_room(heap, SIZE_MAX - k, SIZE_MAX) == ACRE_NO_MEMORY);
    }
    T_EXPECT(acre_handles_new(heap, 8, 1u << 9) == 0);
    size_t made = 0;
    while (acre_handles_new(heap, 0, 0) != 0) { // no bytes, but a slot
        made += 1;
    }
    T_EXPECT(made == 40 && stats_now().free_bytes == 400);
    T_EXPECT_SOUND(acre_handles_audit(heap));
}

T_MAIN(
    T_CASE(thirty_two_bytes_in_four_pieces_can_be_had),
    T_CASE(a_handle_that_is_gone_is_stale_for_ever), T_CASE(the_last_reference_frees),
    T_CASE(contents_are_reached_within_bounds_only), T_CASE(pinned_blocks_stay_and_divide),
    T_CASE(compaction_goes_in_slices), T_CASE(blocks_are_resized_in_place_or_moved),
    T_CASE(automatic_heaps_give_all_that_is_free), T_CASE(purgeable_blocks_go_in_their_order),
    T_CASE(nothing_is_purged_for_what_cannot_fit_anyway),
    T_CASE(a_block_between_pins_grows_beyond_them_if_it_may),
    T_CASE(an_address_past_a_new_end_is_found_by_its_epoch), T_CASE(high_blocks_lie_at_the_top),
    T_CASE(stress_moves_everything_that_is_not_pinned), T_CASE(what_makes_no_sense_is_refused))
