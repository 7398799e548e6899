// region_test.c - regions: what acre/region.h and acre/watermark.h promise.
// SPDX-License-Identifier: MIT
#include "acre/region.h"

#include <string.h>

#include "acre/heap_pages.h"
#include "acre/watermark.h"
#include "base/bits.h"
#include "fixture.h"

// At a page, so that tests know which multiples lie in it.
static _Alignas(4096) unsigned char memory[4096];
static acre_region region;
static volatile size_t greatest = SIZE_MAX; // hidden from a compiler that knows what cannot succeed

static bool open_region(const acre_region_options *options)
{
    pages_sim_init(&sim, 4096, true);
    return acre_region_open(&region, &sim.pages, options) == ACRE_OK;
}

static const char *close_region(void)
{
    const char *broken = acre_region_audit(&region);
    acre_region_close(&region);
    if (broken == NULL && region.held_bytes != 0) {
        broken = "a closed region holds memory";
    }
    return broken != NULL            ? broken
           : sim.reserved_bytes != 0 ? "a closed region kept a range"
                                     : NULL;
}

static bool is_aligned(const void *block, size_t align)
{
    return ((uintptr_t)block & (align - 1)) == 0;
}

static void a_region_in_an_array_uses_all_of_it_and_no_more(void)
{
    for (size_t skip = 0; skip < 20; skip++) {
        memset(memory, 0xa5, sizeof(memory));
        T_EXPECT(acre_region_init(&region, memory + skip, 1000) == ACRE_OK);
        size_t count = 0;
        for (unsigned char *block; (block = acre_region_alloc(&region, 1)) != NULL; count++) {
            T_EXPECT(is_aligned(block, ACRE_REGION_ALIGN));
            T_EXPECT(block >= memory + skip && block < memory + skip + 1000);
            memset(block, 0, ACRE_REGION_ALIGN);
        }
        T_EXPECT(count >= 1000 / ACRE_REGION_ALIGN - 1 && memory[skip + 1000] == 0xa5);
        T_EXPECT(acre_region_alloc(&region, 0) == NULL);
        acre_region_reset(&region, SIZE_MAX);
        T_EXPECT(acre_region_alloc(&region, 1000 - 2 * ACRE_REGION_ALIGN) != NULL);
        T_EXPECT_SOUND(acre_region_audit(&region));
    }
    T_EXPECT(acre_region_init(&region, NULL, 10) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_region_init(&region, memory + 1, 3) == ACRE_OK);
    T_EXPECT(acre_region_alloc(&region, 1) == NULL && acre_region_alloc(&region, 0) == NULL);
}

static void no_size_wraps(void)
{
    T_EXPECT(open_region(NULL));
    void *first = acre_region_alloc(&region, 100);
    T_EXPECT(first != NULL);
    unsigned char *at = region.at;
    for (size_t k = 0; k < 100; k++) {
        T_EXPECT(acre_region_alloc(&region, greatest - k) == NULL);
        T_EXPECT(acre_region_alloc(&region, greatest / 2 - k) == NULL);
        T_EXPECT(acre_region_aligned(&region, 64, greatest - k) == NULL);
        T_EXPECT(acre_region_aligned(&region, SIZE_MAX / 4 + 1, k) == NULL);
        T_EXPECT(acre_region_zeroed(&region, greatest / 2 + k + 1, 2) == NULL);
        T_EXPECT(acre_region_resize(&region, first, 100, greatest - k) == ACRE_NO_MEMORY);
        acre_grow grow;
        acre_grow_begin(&grow, &region);
        T_EXPECT(acre_grow_append(&grow, NULL, greatest - k) == ACRE_NO_MEMORY);
    }
    T_EXPECT(acre_region_aligned(&region, 24, 8) == NULL);
    T_EXPECT(acre_region_aligned(&region, 0, 8) == NULL);
    T_EXPECT(region.at == at);
    acre_region_options options = {.chunk_bytes = SIZE_MAX - 7};
    acre_region other;
    T_EXPECT(acre_region_open(&other, &sim.pages, &options) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_region_open(&other, NULL, NULL) == ACRE_BAD_ARGUMENT);
    T_EXPECT_SOUND(close_region());
}

static void blocks_of_all_sizes_come_from_chunks(void)
{
    T_EXPECT(open_region(&(acre_region_options){.chunk_bytes = 8192}));
    T_EXPECT(region.held_bytes == 0);
    static void *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = acre_region_alloc(&region, i * 97);
        T_EXPECT(blocks[i] != NULL && is_aligned(blocks[i], ACRE_REGION_ALIGN));
        block_fill(blocks[i], i * 97, i);
    }
    for (size_t align = 1; align <= 65536; align *= 2) {
        void *block = acre_region_aligned(&region, align, 10);
        T_EXPECT(block != NULL && is_aligned(block, align));
        memset(block, 0xee, 10);
    }
    for (size_t i = 0; i < 200; i++) {
        T_EXPECT(block_holds(blocks[i], i * 97, i));
        T_EXPECT(i == 0 || blocks[i] != blocks[i - 1]);
    }
    T_EXPECT(strcmp(acre_region_text(&region, "words"), "words") == 0);
    T_EXPECT(block_is_zero(acre_region_zeroed(&region, 100, 7), 700));
    acre_region_stats stats;
    acre_region_get_stats(&region, &stats);
    T_EXPECT(stats.held_bytes == sim.committed_bytes && stats.chunks > 3 && stats.spare_bytes == 0);
    T_EXPECT(stats.used_bytes + stats.room_bytes <= stats.held_bytes);
    T_EXPECT_SOUND(close_region());
}

static void a_limit_is_kept_and_not_wasted(void)
{
    T_EXPECT(open_region(&(acre_region_options){.chunk_bytes = 65536, .limit_bytes = 20480}));
    size_t got = 0;
    while (acre_region_alloc(&region, 1000) != NULL) {
        got += 1008;
    }
    T_EXPECT(sim.committed_bytes <= 20480 && got > 14000);
    T_EXPECT_SOUND(close_region());
}

static void a_reserved_region_grows_in_place(void)
{
    T_EXPECT(
        open_region(&(acre_region_options){.chunk_bytes = 4096, .reserve_bytes = (size_t)1 << 20}));
    unsigned char *block = acre_region_alloc(&region, 10);
    size_t bytes = 10;
    for (; bytes < 900000; bytes += 3000) {
        T_EXPECT(acre_region_resize(&region, block, bytes, bytes + 3000) == ACRE_OK);
        block[bytes + 2999] = 1;
        T_EXPECT(sim.committed_bytes <= bytes + 3000 + 3 * 4096);
    }
    T_EXPECT(acre_region_resize(&region, block, bytes, (size_t)1 << 20) == ACRE_NO_MEMORY);
    T_EXPECT(region.at == block + (bytes + 15) / 16 * 16);
    acre_region_reset(&region, 8192);
    T_EXPECT(sim.committed_bytes == 8192 && sim.reserved_bytes == (size_t)1 << 20);
    T_EXPECT(acre_region_alloc(&region, 100000) == block);
    T_EXPECT_SOUND(close_region());
}

static void only_the_last_block_grows(void)
{
    T_EXPECT(open_region(NULL));
    unsigned char *a = acre_region_alloc(&region, 44);
    unsigned char *b = acre_region_alloc(&region, 40);
    T_EXPECT(acre_region_resize(&region, a, 44, 400) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_region_resize(&region, a, 44, 48) == ACRE_OK); // in what it has
    T_EXPECT(acre_region_resize(&region, a, 48, 40) == ACRE_OK);
    T_EXPECT(acre_region_resize(&region, b, 40, 4000) == ACRE_OK);
    T_EXPECT(acre_region_resize(&region, b, 4000, 0) == ACRE_OK);
    T_EXPECT(region.at == b + ACRE_REGION_ALIGN);
    T_EXPECT(acre_region_resize(&region, b, 0, 70000) == ACRE_NO_MEMORY); // a chunk has 64 KiB
    memset(a, 7, 40);
    unsigned char *c = acre_region_realloc(&region, a, 40, 100);
    T_EXPECT(c != a && c[0] == 7 && c[39] == 7);
    T_EXPECT(acre_region_realloc(&region, c, 100, 200) == c);
    unsigned char *far = acre_region_realloc(&region, c, 200, 100000);
    T_EXPECT(far != c && far[39] == 7);
    T_EXPECT_SOUND(close_region());
}

static void marks_nest_and_stale_ones_are_errors(void)
{
    for (unsigned over_pages = 0; over_pages < 2; over_pages++) {
        if (over_pages != 0) {
            T_EXPECT(open_region(&(acre_region_options){.chunk_bytes = 4096}));
        } else {
            T_EXPECT(acre_region_init(&region, memory, sizeof(memory)) == ACRE_OK);
        }
        size_t size = over_pages != 0 ? 3000 : 300;
        acre_mark empty;
        acre_mark outer;
        acre_mark inner;
        T_EXPECT(acre_region_mark(&region, &empty) == ACRE_OK);
        unsigned char *kept = acre_region_alloc(&region, size);
        block_fill(kept, size, 1);
        T_EXPECT(acre_region_mark(&region, &outer) == ACRE_OK);
        void *gone = acre_region_alloc(&region, size);
        T_EXPECT(acre_region_mark(&region, &inner) == ACRE_OK);
        T_EXPECT(acre_region_alloc(&region, size) != NULL);
        T_EXPECT(acre_region_rewind(&region, outer) == ACRE_OK);
        T_EXPECT(acre_region_rewind(&region, outer) == ACRE_BAD_ARGUMENT); // used up
        T_EXPECT(acre_region_rewind(&region, inner) == ACRE_BAD_ARGUMENT); // rewound past
        acre_mark again;
        T_EXPECT(acre_region_mark(&region, &again) == ACRE_OK); // where `outer` was, but another
        T_EXPECT(acre_region_rewind(&region, outer) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_region_alloc(&region, size) == gone || over_pages != 0);
        acre_region other;
        T_EXPECT(acre_region_init(&other, memory + 2048, 1000) == ACRE_OK || over_pages == 0);
        again.region = &other;
        T_EXPECT(acre_region_rewind(&region, again) == ACRE_BAD_ARGUMENT); // of another region
        T_EXPECT(block_holds(kept, size, 1));
        T_EXPECT(acre_region_rewind(&region, empty) == ACRE_OK);
        T_EXPECT(region.events == NULL);
        T_EXPECT_SOUND(acre_region_audit(&region));
        acre_region_reset(&region, 0);
        T_EXPECT(acre_region_rewind(&region, empty) == ACRE_BAD_ARGUMENT);
        T_EXPECT_SOUND(close_region());
    }
}

static char calls[20];

static void note(void *letter)
{
    size_t length = strlen(calls);
    calls[length] = *(const char *)letter;
    calls[length + 1] = '\0';
}

static void deferred_calls_run_newest_first_and_once(void)
{
    static const char letters[] = "abcdef";
    uint64_t id[6];
    acre_mark mark;
    calls[0] = '\0';
    T_EXPECT(open_region(NULL));
    for (unsigned i = 0; i < 6; i++) {
        if (i == 3) {
            T_EXPECT(acre_region_mark(&region, &mark) == ACRE_OK);
        }
        char *letter = acre_region_copy(&region, &letters[i], 1); // readable while it is called
        T_EXPECT(acre_region_defer(&region, note, letter, &id[i]) == ACRE_OK);
    }
    T_EXPECT(acre_region_undefer(&region, id[4]) == ACRE_OK);
    T_EXPECT(acre_region_undefer(&region, id[4]) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_region_undefer(&region, mark.serial) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_region_undefer(&region, 1000) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_region_rewind(&region, mark) == ACRE_OK);
    T_EXPECT(strcmp(calls, "fd") == 0);
    T_EXPECT(acre_region_undefer(&region, id[5]) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_region_undefer(&region, id[1]) == ACRE_OK);
    acre_region_reset(&region, 0);
    T_EXPECT(strcmp(calls, "fdca") == 0);
    T_EXPECT_SOUND(close_region());
    T_EXPECT(strcmp(calls, "fdca") == 0);
}

static void children_end_with_their_parent(void)
{
    static const char letter = 'x';
    acre_mark mark;
    acre_region side;
    T_EXPECT(open_region(NULL));
    T_EXPECT(acre_region_open(&side, &sim.pages, NULL) == ACRE_OK);
    T_EXPECT(acre_region_mark(&region, &mark) == ACRE_OK);
    acre_region *children[4];
    for (size_t i = 0; i < 4; i++) {
        acre_region *parent = i == 3 ? children[2] : &region; // the last one is a grandchild
        children[i] = acre_region_alloc(&region, sizeof(acre_region));
        T_EXPECT(acre_region_open_child(parent, children[i], NULL) == ACRE_OK);
        T_EXPECT(acre_region_alloc(children[i], 100) != NULL);
    }
    acre_region *moved = acre_region_alloc(&side, sizeof(acre_region));
    T_EXPECT(acre_region_open_child(&region, moved, NULL) == ACRE_OK);
    T_EXPECT(acre_region_defer(moved, note, (void *)(uintptr_t)&letter, NULL) == ACRE_OK);
    T_EXPECT(acre_region_move(moved, &side) == ACRE_OK);
    T_EXPECT(acre_region_move(&side, &region) == ACRE_BAD_ARGUMENT); // nobody's child
    T_EXPECT_SOUND(acre_region_audit(&region));
    acre_region_close(children[1]); // before its parent
    T_EXPECT_SOUND(acre_region_audit(&region));
    calls[0] = '\0';
    size_t before = sim.reserved_bytes;
    T_EXPECT(acre_region_rewind(&region, mark) == ACRE_OK);
    T_EXPECT(sim.reserved_bytes == before - (size_t)3 * 65536 && calls[0] == '\0');
    acre_region_close(&side);
    T_EXPECT(strcmp(calls, "x") == 0);
    T_EXPECT_SOUND(close_region());
    T_EXPECT(acre_region_init(&region, memory, 4096) == ACRE_OK);
    T_EXPECT(acre_region_open_child(&region, &side, NULL) == ACRE_BAD_ARGUMENT);
}

static void a_reset_keeps_what_it_is_told(void)
{
    static const size_t keep[] = {0, 8192, 100000, SIZE_MAX};
    for (size_t i = 0; i < 4; i++) {
        T_EXPECT(open_region(&(acre_region_options){.chunk_bytes = 4096}));
        for (unsigned round = 0; round < 3; round++) {
            for (unsigned k = 0; k < 50; k++) {
                T_EXPECT(acre_region_alloc(&region, 2000) != NULL);
            }
            T_EXPECT(sim.committed_bytes == (size_t)25 * 4096);
            acre_region_reset(&region, keep[i]);
            size_t kept = keep[i] / 4096 > 25 ? 25 * 4096 : keep[i] / 4096 * 4096;
            T_EXPECT(sim.committed_bytes == kept && region.spare_bytes == kept);
            T_EXPECT_SOUND(acre_region_audit(&region));
        }
        T_EXPECT(sim.calls[SIM_RESERVE] == (i == 3 ? 25u : i == 2 ? 27u : i == 1 ? 71u : 75u));
        T_EXPECT_SOUND(close_region());
    }
}

// All, one chunk, less than a chunk, a page, less than a page, nothing: never more than was said.
static void no_reset_keeps_more_than_it_is_told(void)
{
    static const size_t keep[] = {SIZE_MAX, 65536, 65535, 12288, 5000, 4096, 1, 0};
    static const acre_region_options options[] = {
        {0}, {.chunk_bytes = 65536, .reserve_bytes = 1 << 20}, {.chunk_bytes = 4096}};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof(keep) / sizeof(keep[0]); k++) {
            T_EXPECT(open_region(&options[i]));
            for (unsigned round = 0; round < 3; round++) {
                for (unsigned n = 0; n < 200; n++) {
                    void *block = acre_region_alloc(&region, n % 64 == 0 ? 100000 : 2000);
                    T_EXPECT(block != NULL);
                    memset(block, 1, 2000);
                }
                size_t before = sim.committed_bytes;
                acre_region_reset(&region, keep[k]);
                T_EXPECT(sim.committed_bytes <= keep[k]);
                T_EXPECT(keep[k] != SIZE_MAX || sim.committed_bytes == before);
                T_EXPECT(region.held_bytes == sim.committed_bytes);
                T_EXPECT(sim.committed_bytes != 0 || sim.reserved_bytes == 0);
                T_EXPECT_SOUND(acre_region_audit(&region));
            }
            T_EXPECT_SOUND(close_region());
        }
    }
}

static void an_object_grows_while_others_are_allocated(void)
{
    T_EXPECT(open_region(NULL));
    acre_grow grow;
    acre_grow_begin(&grow, &region);
    T_EXPECT(acre_grow_finish(&grow) == NULL);
    for (unsigned i = 0; i < 5000; i++) {
        unsigned char byte = (unsigned char)(i * 31);
        T_EXPECT(acre_grow_append(&grow, &byte, 1) == ACRE_OK);
        if (i < 4000 && i % 700 == 0) {
            memset(acre_region_alloc(&region, 24), 0xff, 24);
        }
    }
    T_EXPECT(acre_grow_append(&grow, NULL, 0) == ACRE_OK && grow.bytes == 5000);
    unsigned char *object = acre_grow_finish(&grow);
    T_EXPECT(region.at == object + round_up(5000, ACRE_REGION_ALIGN)); // nothing is left behind it
    for (unsigned i = 0; i < 5000; i++) {
        T_EXPECT(object[i] == (unsigned char)(i * 31));
    }
    T_EXPECT_SOUND(close_region());
}

static void scratch_regions_are_not_those_in_use(void)
{
    acre_scratch scratch;
    pages_sim_init(&sim, 4096, true);
    T_EXPECT(acre_scratch_open(&scratch, &sim.pages, NULL) == ACRE_OK);
    acre_region *a = acre_scratch_pick(&scratch, NULL, 0);
    const acre_region *in_use[] = {a, NULL};
    acre_region *b = acre_scratch_pick(&scratch, in_use, 1);
    T_EXPECT(a != NULL && b != NULL && a != b);
    in_use[1] = b;
    T_EXPECT(acre_scratch_pick(&scratch, in_use, 2) == NULL);
    T_EXPECT(acre_region_alloc(a, 10) != NULL && acre_region_alloc(b, 10) != NULL);
    acre_scratch_close(&scratch);
    T_EXPECT(sim.reserved_bytes == 0);
    T_EXPECT(acre_scratch_open(&scratch, NULL, NULL) == ACRE_BAD_ARGUMENT);
}

static void a_region_can_live_in_a_heap(void)
{
    heap_open();
    acre_heap_pages source;
    acre_heap_pages_init(&source, subject);
    T_EXPECT(
        acre_region_open(&region, &source.pages, &(acre_region_options){.chunk_bytes = 1024}) ==
        ACRE_OK);
    for (unsigned i = 0; i < 100; i++) {
        memset(acre_region_alloc(&region, 100), 0xff, 100);
    }
    T_EXPECT_SOUND(acre_region_audit(&region));
    acre_region_close(&region);
    acre_heap_stats stats;
    acre_heap_get_stats(subject, &stats);
    T_EXPECT(stats.live_blocks == 0);
    T_EXPECT_SOUND(heap_close());
}

static void a_watermark_has_two_ends(void)
{
    acre_watermark mark;
    acre_watermark_init(&mark, memory + 1, 1000);
    unsigned char *low = acre_watermark_low(&mark, 16, 100);
    unsigned char *high = acre_watermark_high(&mark, 64, 100);
    T_EXPECT(low == memory + 16 && is_aligned(high, 64) && high + 100 <= memory + 1001);
    size_t low_taken = acre_watermark_low_taken(&mark);
    size_t high_taken = acre_watermark_high_taken(&mark);
    T_EXPECT(acre_watermark_low(&mark, 1, (size_t)(mark.high - mark.low) + 1) == NULL);
    T_EXPECT(acre_watermark_high(&mark, 1, greatest) == NULL);
    T_EXPECT(acre_watermark_low(&mark, 3, 1) == NULL && acre_watermark_high(&mark, 0, 1) == NULL);
    T_EXPECT(acre_watermark_low(&mark, 4096, 1) == NULL);
    T_EXPECT(acre_watermark_high(&mark, 2048, 1) == NULL);
    T_EXPECT(acre_watermark_low(&mark, 1, (size_t)(mark.high - mark.low)) == low + 100);
    T_EXPECT(acre_watermark_high(&mark, 1, 1) == NULL);
    T_EXPECT(acre_watermark_low_rewind(&mark, low_taken) == ACRE_OK);
    T_EXPECT(acre_watermark_low_rewind(&mark, low_taken + 1) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_watermark_high(&mark, 1, 10) == high - 10);
    T_EXPECT(acre_watermark_high_rewind(&mark, high_taken) == ACRE_OK && mark.high == high);
    T_EXPECT(acre_watermark_high_rewind(&mark, high_taken + 1) == ACRE_BAD_ARGUMENT);
}

T_MAIN(
    T_CASE(a_region_in_an_array_uses_all_of_it_and_no_more), T_CASE(no_size_wraps),
    T_CASE(blocks_of_all_sizes_come_from_chunks), T_CASE(a_limit_is_kept_and_not_wasted),
    T_CASE(a_reserved_region_grows_in_place), T_CASE(only_the_last_block_grows),
    T_CASE(marks_nest_and_stale_ones_are_errors), T_CASE(deferred_calls_run_newest_first_and_once),
    T_CASE(children_end_with_their_parent), T_CASE(a_reset_keeps_what_it_is_told),
    T_CASE(no_reset_keeps_more_than_it_is_told), T_CASE(an_object_grows_while_others_are_allocated),
    T_CASE(scratch_regions_are_not_those_in_use), T_CASE(a_region_can_live_in_a_heap),
    T_CASE(a_watermark_has_two_ends))
