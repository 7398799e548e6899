// partitions_test.c - partition sets: what acre/partitions.h promises, in memory of the caller and over a
// page source.
// SPDX-License-Identifier: MIT
#include "acre/partitions.h"

#include <string.h>

#include "acre/heap_pages.h"
#include "fixture.h"

#define SMALL_PLAN(PARTITION) PARTITION(32, 7) PARTITION(128, 33) PARTITION(800, 3)

ACRE_PARTITIONS_DEFINE(typed, SMALL_PLAN)

enum { MEMORY_BYTES = 32768 };

static _Alignas(64) unsigned char memory[MEMORY_BYTES];
static const acre_partition plan[] = {SMALL_PLAN(ACRE_PARTITIONS_ROW)};
static acre_partitions *set;
static volatile size_t most_bytes = SIZE_MAX; // compilers know that it is too much

static bool make(unsigned flags)
{
    memset(memory, 0xa5, sizeof(memory));
    const acre_partitions_options options = {.flags = flags};
    return acre_partitions_init(memory, sizeof(memory), plan, 3, &options, &set) == ACRE_OK;
}

static acre_partition_stats stats_of(size_t index)
{
    acre_partition_stats stats = {0};
    (void)acre_partitions_get_stats(set, index, &stats);
    return stats;
}

static void free_in_set(void *block)
{
    acre_partitions_free(set, block);
}

static void free_2000_in_set(void *block)
{
    acre_partitions_free_sized(set, block, 2000);
}

static void realloc_in_set(void *block)
{
    if (acre_partitions_realloc(set, block, 100) != NULL) {
        t_say("a block came of it");
    }
}

static bool dies(void (*act)(void *), void *context, const char *what)
{
    struct sim_end end = sim_catch(act, context);
    return end.how == SIM_FATAL && strcmp(end.what, what) == 0;
}

static void each_size_gets_the_smallest_block_that_is_large_enough(void)
{
    // One to sixteen partitions, so that each shape of the search is met.
    for (size_t count = 1; count <= ACRE_PARTITIONS_MAX; count++) {
        acre_partition many[ACRE_PARTITIONS_MAX];
        for (size_t i = 0; i < count; i++) {
            many[i] = (acre_partition){.block_bytes = 16 * (i + 1) * (i + 1), .count = 1};
        }
        T_EXPECT(acre_partitions_init(memory, sizeof(memory), many, count, NULL, &set) == ACRE_OK);
        T_EXPECT(acre_partitions_count(set) == count);
        size_t expected = 0;
        for (size_t bytes = 0; bytes <= many[count - 1].block_bytes; bytes++) {
            expected += bytes > many[expected].block_bytes;
            unsigned char *block = acre_partitions_alloc(set, bytes);
            T_EXPECT(block != NULL && acre_partitions_fault(set, block) == NULL);
            T_EXPECT(acre_partitions_size(set, block) == many[expected].block_bytes);
            T_EXPECT(stats_of(expected).live_count == 1);
            acre_partitions_free(set, block);
            T_EXPECT(stats_of(expected).live_count == 0);
        }
        T_EXPECT(acre_partitions_alloc(set, many[count - 1].block_bytes + 1) == NULL);
        T_EXPECT(acre_partitions_alloc(set, most_bytes) == NULL);
        T_EXPECT(stats_of(count - 1).failed_count == 2);
        T_EXPECT(stats_of(count - 1).largest_bytes == SIZE_MAX);
        T_EXPECT_SOUND(acre_partitions_audit(set));
    }
}

static void a_plan_is_served_whole_and_blocks_do_not_overlap(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED, ACRE_PARTITIONS_SPILL};
    for (size_t kind = 0; kind < 4; kind++) {
        T_EXPECT(make(flags[kind]));
        unsigned char *blocks[43];
        size_t count = 0;
        unsigned char *last_end = memory;
        for (size_t i = 0; i < 3; i++) {
            for (size_t k = 0; k < plan[i].count; k++) {
                blocks[count] = acre_partitions_alloc(set, plan[i].block_bytes);
                T_EXPECT(blocks[count] != NULL && blocks[count] >= last_end);
                T_EXPECT(((uintptr_t)blocks[count] & (ACRE_PARTITIONS_ALIGN - 1)) == 0);
                last_end = blocks[count] + plan[i].block_bytes;
                block_fill(blocks[count], plan[i].block_bytes, count + 1);
                count++;
            }
        }
        T_EXPECT(last_end <= memory + sizeof(memory));
        T_EXPECT(acre_partitions_alloc(set, 1) == NULL && acre_partitions_alloc(set, 800) == NULL);
        T_EXPECT(stats_of(0).failed_count == 1 && stats_of(2).failed_count == 1);
        size_t index = 0;
        for (size_t i = 0; i < 3; i++) {
            for (size_t k = 0; k < plan[i].count; k++, index++) {
                T_EXPECT(block_holds(blocks[index], plan[i].block_bytes, index + 1));
                acre_partitions_free(set, blocks[index]);
            }
            T_EXPECT(stats_of(i).live_count == 0);
            T_EXPECT(stats_of(i).live_peak == (kind == 2 ? 0 : plan[i].count));
        }
        T_EXPECT_SOUND(acre_partitions_audit(set));
    }
}

static void what_is_written_past_blocks_reaches_no_bookkeeping(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    for (size_t kind = 0; kind < 3; kind++) {
        const acre_partitions_options options = {.flags = flags[kind]};
        size_t bytes = acre_partitions_bytes(plan, 3, &options);
        T_EXPECT(make(flags[kind]));
        unsigned char *first = NULL;
        for (size_t i = 0; i < 3; i++) {
            for (size_t k = 0; k < plan[i].count; k++) {
                unsigned char *block = acre_partitions_alloc(set, plan[i].block_bytes);
                first = first == NULL ? block : first;
            }
        }
        memset(first, 0xff, (size_t)(memory + bytes - first));
        T_EXPECT_SOUND(acre_partitions_audit(set));
        for (size_t round = 0; round < 2; round++) {
            for (unsigned char *at = first; at < memory + bytes; at += 16) {
                if (acre_partitions_fault(set, at) == NULL) {
                    acre_partitions_free(set, at);
                    T_EXPECT(dies(free_in_set, at, "double free"));
                }
            }
            for (size_t i = 0; i < 3; i++) {
                T_EXPECT(stats_of(i).live_count == 0);
            }
        }
        T_EXPECT_SOUND(acre_partitions_audit(set));
    }
}

static void spilling_takes_the_next_larger_block_and_is_counted_at_home(void)
{
    T_EXPECT(make(0));
    void *first = acre_partitions_alloc(set, 32);
    for (size_t i = 1; i < 7; i++) {
        T_EXPECT(acre_partitions_alloc(set, 32) != NULL);
    }
    T_EXPECT(acre_partitions_alloc(set, 20) == NULL && stats_of(0).failed_count == 1);
    T_EXPECT(make(ACRE_PARTITIONS_SPILL));
    for (size_t i = 0; i < 7; i++) {
        first = acre_partitions_alloc(set, 32);
    }
    for (size_t i = 0; i < 33; i++) {
        void *block = acre_partitions_alloc(set, 20);
        T_EXPECT(block != NULL && acre_partitions_size(set, block) == 128);
    }
    void *large = acre_partitions_alloc(set, 20);
    T_EXPECT(acre_partitions_size(set, large) == 800);
    T_EXPECT(stats_of(0).spilled_count == 34 && stats_of(0).failed_count == 0);
    T_EXPECT(stats_of(1).spilled_count == 0 && stats_of(1).live_count == 33);
    T_EXPECT(stats_of(0).largest_bytes == 32 && stats_of(1).largest_bytes == 0);
    T_EXPECT(acre_partitions_alloc(set, 801) == NULL);
    T_EXPECT(acre_partitions_alloc(set, 128) != NULL && acre_partitions_alloc(set, 128) != NULL);
    T_EXPECT(acre_partitions_alloc(set, 1) == NULL && stats_of(0).failed_count == 1);
    // A block that spilled goes home when it is resized and there is room.
    acre_partitions_free(set, first);
    memset(large, 7, 20);
    unsigned char *home = acre_partitions_realloc(set, large, 24);
    T_EXPECT(home == first && home[0] == 7 && home[19] == 7);
    T_EXPECT(stats_of(2).live_count == 2);
    T_EXPECT_SOUND(acre_partitions_audit(set));
}

static void calloc_clears_what_was_asked_for_and_refuses_what_overflows(void)
{
    T_EXPECT(make(0));
    unsigned char *block = acre_partitions_calloc(set, 10, 10);
    T_EXPECT(block != NULL && block_is_zero(block, 100));
    T_EXPECT(block[100] == 0xa5 && block[127] == 0xa5); // the rest of the block is not touched
    T_EXPECT(acre_partitions_calloc(set, SIZE_MAX / 2, 3) == NULL);
    T_EXPECT(acre_partitions_calloc(set, SIZE_MAX / 2 + 2, 2) == NULL); // 2, if it wrapped
    for (unsigned k = 0; k < sizeof(size_t) * 8; k++) {
        for (size_t off = 0; off < 3; off++) {
            size_t bytes = ((size_t)1 << k) + off - 1;
            void *got = acre_partitions_alloc(set, bytes);
            T_EXPECT((got != NULL) == (bytes <= 800));
            acre_partitions_free(set, got);
            got = acre_partitions_calloc(set, bytes, 8);
            T_EXPECT((got != NULL) == (bytes <= 100));
            acre_partitions_free(set, got);
        }
    }
    T_EXPECT(acre_partitions_calloc(set, 0, 5) != NULL);
    T_EXPECT(stats_of(0).live_count == 1 && stats_of(1).live_count == 1);
}

static void realloc_moves_to_the_partition_of_the_new_size(void)
{
    T_EXPECT(make(0));
    unsigned char *block = acre_partitions_realloc(set, NULL, 20);
    T_EXPECT(acre_partitions_size(set, block) == 32);
    block_fill(block, 32, 5);
    T_EXPECT(acre_partitions_realloc(set, block, 32) == block);
    T_EXPECT(acre_partitions_realloc(set, block, 0) == block);
    memset(acre_partitions_alloc(set, 32), 0x11, 32);
    unsigned char *larger = acre_partitions_realloc(set, block, 100);
    T_EXPECT(acre_partitions_size(set, larger) == 128 && block_holds(larger, 32, 5));
    T_EXPECT(larger[32] == 0xa5 && larger[99] == 0xa5); // nothing of the next block came along
    T_EXPECT(acre_partitions_fault(set, block) != NULL && stats_of(0).live_count == 1);
    unsigned char *smaller = acre_partitions_realloc(set, larger, 24);
    T_EXPECT(acre_partitions_size(set, smaller) == 32 && block_holds(smaller, 24, 5));
    T_EXPECT(stats_of(1).live_count == 0 && stats_of(0).live_count == 2);
    // What fits and has no home to go to stays.
    larger = acre_partitions_realloc(set, smaller, 700);
    for (size_t i = 1; i < 7; i++) {
        T_EXPECT(acre_partitions_alloc(set, 8) != NULL);
    }
    T_EXPECT(acre_partitions_realloc(set, larger, 8) == larger && block_holds(larger, 8, 5));
    T_EXPECT(stats_of(0).failed_count == 0);
    // What does not fit anywhere stays, too, and says so.
    T_EXPECT(acre_partitions_realloc(set, larger, 801) == NULL);
    T_EXPECT(acre_partitions_realloc(set, larger, most_bytes) == NULL);
    T_EXPECT(acre_partitions_fault(set, larger) == NULL && block_holds(larger, 8, 5));
    T_EXPECT(stats_of(2).failed_count == 2);
    T_EXPECT_SOUND(acre_partitions_audit(set));
}

static void misuse_is_found_at_every_address(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    for (size_t kind = 0; kind < 3; kind++) {
        T_EXPECT(make(flags[kind]));
        unsigned char *small = acre_partitions_alloc(set, 1);
        unsigned char *large = acre_partitions_alloc(set, 500);
        // Of all addresses in memory and around it two are live blocks.
        for (unsigned char *at = memory; at < memory + sizeof(memory); at++) {
            bool live = at == small || at == large;
            T_EXPECT((acre_partitions_fault(set, at) == NULL) == live);
            T_EXPECT((acre_partitions_size(set, at) != 0) == live);
        }
        T_EXPECT(acre_partitions_fault(set, NULL) != NULL);
        T_EXPECT(acre_partitions_fault(set, &small) != NULL);
        T_EXPECT(acre_partitions_fault(set, (void *)UINTPTR_MAX) != NULL);
        T_EXPECT(dies(free_in_set, small + 16, "invalid free"));
        T_EXPECT(dies(free_in_set, large + 1, "invalid free"));
        T_EXPECT(dies(free_in_set, large - 800, "invalid free"));
        T_EXPECT(dies(free_in_set, &small, "invalid free"));
        T_EXPECT(dies(free_2000_in_set, large, "wrong size on free"));
        T_EXPECT(dies(free_2000_in_set, large + 1, "invalid free"));
        T_EXPECT(dies(realloc_in_set, large + 1, "invalid realloc"));
        acre_partitions_free_sized(set, large, 500);
        acre_partitions_free_sized(set, NULL, 500);
        acre_partitions_free(set, NULL);
        T_EXPECT(dies(free_in_set, large, "double free"));
        T_EXPECT(dies(free_2000_in_set, large, "double free"));
        T_EXPECT(dies(realloc_in_set, large, "realloc of a freed block"));
        T_EXPECT_SOUND(acre_partitions_audit(set));
    }
}

static bool count_and_free(void *context, void *block, size_t bytes)
{
    size_t *sum = context;
    *sum += bytes;
    acre_partitions_free(set, block);
    return true;
}

static bool stop_at_once(void *context, void *block, size_t bytes)
{
    (void)bytes;
    *(void **)context = block;
    return false;
}

static void a_walk_visits_live_blocks_and_may_free_them(void)
{
    T_EXPECT(make(0));
    void *first = acre_partitions_alloc(set, 100);
    T_EXPECT(acre_partitions_alloc(set, 500) != NULL && acre_partitions_alloc(set, 70) != NULL);
    void *seen = NULL;
    T_EXPECT(!acre_partitions_walk(set, stop_at_once, &seen) && seen == first);
    size_t sum = 0;
    T_EXPECT(acre_partitions_walk(set, count_and_free, &sum) && sum == 128 + 128 + 800);
    T_EXPECT(stats_of(1).live_count == 0 && stats_of(2).live_count == 0);
    T_EXPECT(acre_partitions_alloc(set, 1) != NULL);
    acre_partitions_reset(set);
    T_EXPECT(stats_of(0).live_count == 0 && stats_of(0).live_peak == 1);
    acre_partition_stats stats;
    T_EXPECT(acre_partitions_get_stats(set, 3, &stats) == ACRE_BAD_ARGUMENT);
    T_EXPECT_SOUND(acre_partitions_audit(set));
}

static void a_set_fits_in_the_bytes_it_names_and_not_in_less(void)
{
    static const size_t aligns[] = {0, 1, 4, 8, 16, 64};
    static const unsigned flags[] = {0, ACRE_POOL_KEEP};
    for (size_t i = 0; i < 12; i++) {
        const acre_partitions_options options = {aligns[i / 2], flags[i % 2]};
        size_t bytes = acre_partitions_bytes(plan, 3, &options);
        T_EXPECT(bytes > 32 * 7 + 128 * 33 + 800 * 3 && bytes < MEMORY_BYTES - 64);
        memset(memory, 0xa5, sizeof(memory));
        T_EXPECT(
            acre_partitions_init(memory, bytes - 1, plan, 3, &options, &set) == ACRE_NO_MEMORY);
        T_EXPECT(acre_partitions_init(memory, bytes, plan, 3, &options, &set) == ACRE_OK);
        for (size_t k = 0; k < 3; k++) {
            for (size_t n = 0; n < plan[k].count; n++) {
                void *block = acre_partitions_alloc(set, plan[k].block_bytes);
                T_EXPECT(block != NULL);
                T_EXPECT(aligns[i / 2] == 0 || ((uintptr_t)block & (aligns[i / 2] - 1)) == 0);
                memset(block, 0xff, plan[k].block_bytes);
            }
        }
        T_EXPECT_SOUND(acre_partitions_audit(set));
        T_EXPECT(memory[bytes] == 0xa5);
        T_EXPECT(
            acre_partitions_init(memory + 1, bytes, plan, 3, &options, &set) == ACRE_NO_MEMORY);
        for (size_t skip = 1; skip < 70; skip += 3) { // wherever the memory starts
            T_EXPECT(
                acre_partitions_init(memory + skip, bytes + 64, plan, 3, &options, &set) ==
                ACRE_OK);
            T_EXPECT_SOUND(acre_partitions_audit(set));
        }
    }
    T_EXPECT(acre_partitions_bytes(plan, 3, NULL) == ACRE_PARTITIONS_BYTES(SMALL_PLAN));
    T_EXPECT(typed_init(0) == ACRE_OK && acre_partitions_alloc(typed, 800) != NULL);
}

static void a_plan_that_makes_no_sense_is_refused(void)
{
    T_EXPECT(make(0));
    acre_partitions *before = set;
    static const acre_partition wrong[][2] = {
        {{0, 5}, {32, 5}},
        {{32, 0}, {64, 5}},
        {{64, 5}, {32, 5}},
        {{32, 5}, {32, 5}},
        {{25, 5}, {32, 5}},
        {{32, 5}, {SIZE_MAX, 5}},
        {{32, 5}, {SIZE_MAX - 20, 1}},
        {{32, 5}, {PTRDIFF_MAX - 100, 1}},
        {{32, 5}, {SIZE_MAX / 64, 70}},
        {{32, (size_t)1 << 31}, {64, 5}},
        {{32, SIZE_MAX}, {64, 5}},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        T_EXPECT(acre_partitions_bytes(wrong[i], 2, NULL) == 0);
        T_EXPECT(
            acre_partitions_init(memory, sizeof(memory), wrong[i], 2, NULL, &set) ==
            ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_partitions_open(&sim.pages, wrong[i], 2, NULL, &set) == ACRE_BAD_ARGUMENT);
    }
    static const acre_partitions_options bad[] = {
        {3, 0}, {24, 0}, {SIZE_MAX / 2 + 1, 0}, {0, 1u << 7}, {0, 1u << 30}};
    for (size_t i = 0; i < 5; i++) {
        T_EXPECT(acre_partitions_bytes(plan, 3, &bad[i]) == 0);
    }
    T_EXPECT(acre_partitions_bytes(plan, 0, NULL) == 0);
    T_EXPECT(acre_partitions_bytes(NULL, 3, NULL) == 0);
    acre_partition many[17];
    for (size_t i = 0; i < 17; i++) {
        many[i] = (acre_partition){16 * (i + 1), 1};
    }
    T_EXPECT(acre_partitions_bytes(many, 17, NULL) == 0);
    T_EXPECT(acre_partitions_bytes(many, 16, NULL) != 0);
    T_EXPECT(acre_partitions_init(NULL, 9999, plan, 3, NULL, &set) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_partitions_init(memory, 0, plan, 3, NULL, &set) == ACRE_NO_MEMORY);
    T_EXPECT(acre_partitions_init(memory + 1, 3, plan, 3, NULL, &set) == ACRE_NO_MEMORY);
    T_EXPECT(acre_partitions_open(NULL, plan, 3, NULL, &set) == ACRE_BAD_ARGUMENT);
    T_EXPECT(set == before);
    T_EXPECT_SOUND(acre_partitions_audit(set));
}

static void a_set_can_have_its_memory_from_pages_or_a_heap(void)
{
    pages_sim_init(&sim, 4096, true);
    T_EXPECT(acre_partitions_open(&sim.pages, plan, 3, NULL, &set) == ACRE_OK);
    T_EXPECT(sim.committed_bytes == 8192);
    size_t commits = sim.calls[SIM_COMMIT];
    for (size_t i = 0; i < 3; i++) {
        memset(acre_partitions_alloc(set, 800), 1, 800);
    }
    T_EXPECT(acre_partitions_alloc(set, 800) == NULL && sim.calls[SIM_COMMIT] == commits);
    T_EXPECT(acre_partitions_close(set) == ACRE_OK && sim.reserved_bytes == 0);
    heap_open();
    acre_heap_pages source;
    acre_heap_pages_init(&source, subject);
    T_EXPECT(acre_partitions_open(&source.pages, plan, 3, NULL, &set) == ACRE_OK);
    T_EXPECT(acre_partitions_calloc(set, 1, 800) != NULL);
    T_EXPECT(acre_partitions_close(set) == ACRE_OK);
    T_EXPECT_SOUND(heap_close());
    T_EXPECT(make(0) && acre_partitions_alloc(set, 9) != NULL);
    T_EXPECT(acre_partitions_close(set) == ACRE_OK && stats_of(0).live_count == 0);
}

T_MAIN(
    T_CASE(each_size_gets_the_smallest_block_that_is_large_enough),
    T_CASE(a_plan_is_served_whole_and_blocks_do_not_overlap),
    T_CASE(what_is_written_past_blocks_reaches_no_bookkeeping),
    T_CASE(spilling_takes_the_next_larger_block_and_is_counted_at_home),
    T_CASE(calloc_clears_what_was_asked_for_and_refuses_what_overflows),
    T_CASE(realloc_moves_to_the_partition_of_the_new_size),
    T_CASE(misuse_is_found_at_every_address), T_CASE(a_walk_visits_live_blocks_and_may_free_them),
    T_CASE(a_set_fits_in_the_bytes_it_names_and_not_in_less),
    T_CASE(a_plan_that_makes_no_sense_is_refused),
    T_CASE(a_set_can_have_its_memory_from_pages_or_a_heap))
