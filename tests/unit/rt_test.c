// rt_test.c - what acre/rt.h promises, case by case. The model test (model/rt_model_test.c) has the long
// runs, the search through all states (model/rt_states_test.c) the proof for small heaps.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <sys/mman.h>

#include "acre/rt.h"
#include "base/bits.h"
#include "t.h"
#include "unit/rt_pool.h"

enum { KINDS = 6 };

// ---- requests ---------------------------------------------------------------------------------------

// Sizes at which a careless `size + header`, `align_up` or `n * size` wraps around.
static size_t awkward_size(unsigned i)
{
    const size_t edge = (size_t)1 << (i / 5);
    const size_t sizes[] = {edge - 1, edge, edge + 1, SIZE_MAX - i, SIZE_MAX / 2 + 1 + i};
    return sizes[i % 5];
}

static bool serves_only_what_it_has(size_t bytes)
{
    const size_t range = (size_t)100 << pool->granule_log2;
    void *blocks[] = {
        acre_rt_alloc(pool, bytes),         acre_rt_aligned(pool, 64, bytes),
        acre_rt_calloc(pool, 1, bytes),     acre_rt_calloc(pool, bytes, 3),
        acre_rt_realloc(pool, NULL, bytes), acre_rt_alloc_at(pool, pool_range + 400, bytes)};
    for (unsigned i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (blocks[i] == NULL) {
            continue;
        }
        size_t size = acre_rt_size(pool, blocks[i]);
        if (bytes == 0 || bytes > range || size < bytes ||
            acre_rt_resize(pool, blocks[i], SIZE_MAX - bytes) == ACRE_OK ||
            acre_rt_realloc(pool, blocks[i], SIZE_MAX - bytes) != NULL ||
            acre_rt_size(pool, blocks[i]) != size || acre_rt_free(pool, blocks[i]) != ACRE_OK) {
            return false;
        }
    }
    return acre_rt_check(pool, ACRE_RT_CHECK_GUARD) == NULL;
}

static void no_size_wraps_around(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        T_EXPECT(pool_open((enum rt_kind)kind, 100));
        for (unsigned i = 0; i < 5 * WORD_BITS; i++) {
            T_EXPECT(serves_only_what_it_has(awkward_size(i)));
            T_EXPECT(acre_rt_aligned(pool, awkward_size(i), SIZE_MAX / 2 - i) == NULL);
            T_EXPECT(acre_rt_aligned(pool, (size_t)1 << (i % WORD_BITS), 1 << 20) == NULL);
        }
    }
}

static void nothing_is_no_size(void)
{
    T_EXPECT(pool_open(RT_EXACT, 100));
    T_EXPECT(acre_rt_alloc(pool, 0) == NULL && acre_rt_calloc(pool, 0, 8) == NULL);
    void *block = acre_rt_alloc(pool, 8);
    T_EXPECT(acre_rt_resize(pool, block, 0) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_rt_realloc(pool, block, 0) == NULL && acre_rt_owns(pool, block));
    T_EXPECT(acre_rt_free(pool, NULL) == ACRE_OK && acre_rt_realloc(pool, NULL, 0) == NULL);
}

static void calloc_clears_what_was_used(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        T_EXPECT(pool_open((enum rt_kind)kind, 100)); // filled with 0xee
        const unsigned char *block = acre_rt_calloc(pool, 7, 9);
        T_EXPECT(block != NULL);
        for (unsigned i = 0; i < 63; i++) {
            T_EXPECT(block[i] == 0);
        }
        T_EXPECT(acre_rt_calloc(pool, SIZE_MAX / 2, 3) == NULL);
    }
}

static void realloc_keeps_contents_and_a_failed_one_the_block(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        T_EXPECT(pool_open((enum rt_kind)kind, 100));
        unsigned char *block = acre_rt_alloc(pool, 40);
        unsigned char *next = acre_rt_alloc(pool, 40);
        T_EXPECT(block != NULL && next != NULL);
        memcpy(block, "what was written before it moved", 33);
        unsigned char *moved = acre_rt_realloc(pool, block, 200);
        T_EXPECT(moved != NULL && moved != block && !acre_rt_owns(pool, block));
        T_EXPECT(memcmp(moved, "what was written before it moved", 33) == 0);
        T_EXPECT(acre_rt_realloc(pool, moved, 100 * pool_granule((enum rt_kind)kind)) == NULL);
        T_EXPECT(acre_rt_size(pool, moved) >= 200);
        unsigned char *aligned = acre_rt_realloc_aligned(pool, next, 128, 60);
        T_EXPECT(aligned != NULL && ((uintptr_t)aligned & 127) == 0);
        T_EXPECT(acre_rt_realloc(pool, aligned + 1, 10) == NULL);
        T_EXPECT(acre_rt_realloc_aligned(pool, aligned, 3, 60) == NULL);
        T_EXPECT_SOUND(acre_rt_check(pool, 2));
    }
}

static void free_sized_wants_the_right_number_of_granules(void)
{
    T_EXPECT(pool_open(RT_EXACT, 100));
    void *block = acre_rt_alloc(pool, 20); // three granules of 8
    T_EXPECT(acre_rt_free_sized(pool, block, 16) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_rt_free_sized(pool, block, 25) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_rt_owns(pool, block) && acre_rt_free_sized(pool, block, 20) == ACRE_OK);
    T_EXPECT(acre_rt_free_sized(pool, block, 20) == ACRE_BAD_ARGUMENT);
}

// ---- what it says -----------------------------------------------------------------------------------

static bool sum_blocks(void *context, void *block, size_t bytes, bool live)
{
    size_t *sums = context;
    (void)block;
    sums[live ? 1 : 0] += bytes;
    return sums[1] != 16; // ends at the second block of 8
}

static void walk_and_stats_see_every_block(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const size_t granule = pool_granule((enum rt_kind)kind);
        acre_rt_stats stats;
        size_t sums[2] = {0, 0};
        T_EXPECT(pool_open((enum rt_kind)kind, 100));
        void *first = acre_rt_alloc(pool, granule * 40);
        void *second = acre_rt_alloc(pool, granule * 3);
        T_EXPECT(acre_rt_alloc(pool, granule * 58) == NULL);
        T_EXPECT(acre_rt_free(pool, first) == ACRE_OK && acre_rt_free(pool, first) != ACRE_OK);
        acre_rt_get_stats(pool, &stats);
        T_EXPECT(stats.range_bytes == 100 * granule && stats.granule_bytes == granule);
        T_EXPECT(stats.live_bytes == 3 * granule && stats.peak_bytes == 43 * granule);
        T_EXPECT(stats.live_blocks == 1 && stats.free_blocks == 2 && stats.failures == 1);
        T_EXPECT(stats.largest_bytes == 57 * granule && stats.faults == 1);
        T_EXPECT(acre_rt_largest(pool) <= 57 * granule && acre_rt_largest(pool) > 50 * granule);
        T_EXPECT(acre_rt_walk(pool, sum_blocks, sums));
        T_EXPECT(sums[0] == 97 * granule && sums[1] == 3 * granule);
        T_EXPECT(acre_rt_block_of(pool, (char *)second + 2 * granule + 1) == second);
        T_EXPECT(acre_rt_block_of(pool, first) == NULL && acre_rt_block_of(pool, &stats) == NULL);
    }
    size_t sums[2] = {0, 0};
    T_EXPECT(pool_open(RT_EXACT, 100));
    for (unsigned i = 0; i < 5; i++) {
        T_EXPECT(acre_rt_alloc(pool, 8) != NULL);
    }
    T_EXPECT(!acre_rt_walk(pool, sum_blocks, sums) && sums[1] == 16);
}

static void judge_tells_what_an_address_is(void)
{
    T_EXPECT(pool_open(RT_EXACT, 100));
    char *block = acre_rt_alloc(pool, 800 - 80);
    T_EXPECT(acre_rt_judge(pool, block) == ACRE_RT_LIVE);
    T_EXPECT(acre_rt_judge(pool, block + 712) == ACRE_RT_INTERIOR);
    T_EXPECT(acre_rt_judge(pool, block + 3) == ACRE_RT_MISALIGNED);
    T_EXPECT(acre_rt_judge(pool, block + 720) == ACRE_RT_FREE);
    T_EXPECT(acre_rt_judge(pool, block + 800) == ACRE_RT_FOREIGN);
    T_EXPECT(acre_rt_judge(pool, block - 8) == ACRE_RT_FOREIGN);
    T_EXPECT(
        acre_rt_judge(pool, NULL) == ACRE_RT_FOREIGN && acre_rt_judge(pool, pool) != ACRE_RT_LIVE);
}

static bool is_live(uint32_t at)
{
    acre_rt_kind what = acre_rt_judge(pool, position_address(pool, at));
    return what == ACRE_RT_LIVE || what == ACRE_RT_INTERIOR;
}

// The check must be able to fail: each bit of starts is flipped. Two live blocks that become one, or one
// that becomes two, may be another sound heap; all else must be found.
static void check_finds_each_flipped_bit_of_starts(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        void *blocks[10];
        T_EXPECT(pool_open((enum rt_kind)kind, 100));
        for (unsigned i = 0; i < 10; i++) {
            blocks[i] = acre_rt_alloc(pool, (i + 1) * pool_granule((enum rt_kind)kind));
        }
        for (unsigned i = 0; i < 10; i += 3) {
            T_EXPECT(acre_rt_free(pool, blocks[i]) == ACRE_OK);
        }
        T_EXPECT_SOUND(acre_rt_check(pool, 3));
        for (uint32_t at = 0; at <= 132; at++) {
            bool is_other_heap = at > 32 && at < 132 && is_live(at - 1) && is_live(at);
            pool->starts[at / 32] ^= (uint32_t)1 << at % 32;
            bool found = acre_rt_check(pool, 2) != NULL;
            pool->starts[at / 32] ^= (uint32_t)1 << at % 32;
            T_EXPECT(found || is_other_heap);
        }
        pool->used_granules += 1;
        T_EXPECT(acre_rt_check(pool, 1) != NULL);
        pool->used_granules -= 1;
        unsigned char *index = pool->index;
        index
            [kind_has_tree((enum rt_kind)kind) ? (kind_is_wide((enum rt_kind)kind) ? 12 : 6) : 0] ^=
            1;
        T_EXPECT(acre_rt_check(pool, 1) == NULL && acre_rt_check(pool, 2) != NULL);
    }
}

// ---- where it lives ---------------------------------------------------------------------------------

static void init_uses_what_it_was_given(void)
{
    static _Alignas(64) unsigned char block[8192];
    for (unsigned engine = 0; engine < 2; engine++) {
        for (size_t bytes = 0; bytes < sizeof(block) - 64; bytes += 61) {
            for (size_t granule = 8; granule <= 256; granule <<= 1) {
                acre_rt_options options = {
                    .engine = (acre_rt_engine)engine, .granule_bytes = granule};
                acre_rt *rt = NULL;
                acre_rt_stats stats = {0};
                unsigned char *start = block + bytes % 7;
                memset(block, 0x77, sizeof(block));
                acre_status status = acre_rt_init(start, bytes, &options, &rt);
                T_EXPECT(status == (rt != NULL ? ACRE_OK : ACRE_NO_MEMORY));
                if (rt == NULL) {
                    T_EXPECT(bytes < 400 + 2 * granule);
                    continue;
                }
                acre_rt_get_stats(rt, &stats);
                size_t meta = acre_rt_meta_bytes(stats.range_bytes, &options);
                T_EXPECT(meta + stats.range_bytes <= bytes);
                T_EXPECT(meta + stats.range_bytes + 2 * granule + 32 > bytes);
                unsigned char *all = acre_rt_alloc(rt, stats.range_bytes);
                T_EXPECT(all != NULL && all >= start && all + stats.range_bytes <= start + bytes);
                memset(all, 0x55, stats.range_bytes);
                T_EXPECT_SOUND(acre_rt_check(rt, 3));
                T_EXPECT(start[bytes] == 0x77 && acre_rt_free(rt, all) == ACRE_OK);
            }
        }
    }
}

ACRE_RT_DEFINE(small, 4096, 8, ACRE_RT_EXACT);
ACRE_RT_DEFINE(quick, 65536, 16, ACRE_RT_QUICK);
ACRE_RT_DEFINE(large, 8 << 20, 16, ACRE_RT_EXACT);

static void defined_arrays_are_large_enough(void)
{
    acre_rt *rt;
    acre_rt_options options = {.granule_bytes = 8};
    T_EXPECT(
        acre_rt_init_split(small_meta, sizeof(small_meta), small_memory, 4096, &options, &rt) ==
        ACRE_OK);
    T_EXPECT(acre_rt_alloc(rt, 4096) == small_memory);
    options = (acre_rt_options){.granule_bytes = 16, .engine = ACRE_RT_QUICK};
    T_EXPECT(
        acre_rt_init_split(quick_meta, sizeof(quick_meta), quick_memory, 65536, &options, &rt) ==
        ACRE_OK);
    T_EXPECT(acre_rt_alloc(rt, 65536) == quick_memory);
    options = (acre_rt_options){.granule_bytes = 16};
    T_EXPECT(
        acre_rt_init_split(large_meta, sizeof(large_meta), large_memory, 8 << 20, &options, &rt) ==
        ACRE_OK);
    T_EXPECT(pool != rt && acre_rt_alloc(rt, 8 << 20) == large_memory); // 524 288 granules
    for (size_t bytes = 8; bytes < (size_t)1 << 24; bytes += bytes / 3 + 8) {
        options.granule_bytes = 8;
        T_EXPECT(
            acre_rt_meta_bytes(bytes, &options) <= ACRE_RT_META_BYTES(bytes, 8, ACRE_RT_EXACT));
    }
}

static void init_refuses_what_it_cannot_serve(void)
{
    acre_rt *rt = NULL;
    const acre_rt_options wrong[] = {
        {.granule_bytes = 4},          {.granule_bytes = 24}, {.granule_bytes = 131072},
        {.engine = (acre_rt_engine)3}, {.check_level = 4},    {.post_count = 3},
    };
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        T_EXPECT(acre_rt_init(pool_range, 4096, &wrong[i], &rt) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_rt_meta_bytes(4096, &wrong[i]) == 0);
    }
    T_EXPECT(
        acre_rt_init_split(pool_meta + 1, 4096, pool_range, 4096, NULL, &rt) == ACRE_BAD_ARGUMENT);
    T_EXPECT(
        acre_rt_init_split(pool_meta, 4096, pool_range + 4, 4096, NULL, &rt) == ACRE_BAD_ARGUMENT);
    size_t meta = acre_rt_meta_bytes(4096, NULL);
    T_EXPECT(
        acre_rt_init_split(pool_meta, meta - 1, pool_range, 4096, NULL, &rt) == ACRE_NO_MEMORY);
    T_EXPECT(acre_rt_init_split(pool_meta, meta, pool_range, 7, NULL, &rt) == ACRE_NO_MEMORY);
    acre_rt_options quick_wide = {.engine = ACRE_RT_QUICK, .granule_bytes = 8};
    T_EXPECT(
        acre_rt_init_split(pool_meta, sizeof(pool_meta), pool_range, 1 << 20, &quick_wide, &rt) ==
        ACRE_NO_MEMORY);
    T_EXPECT(rt == NULL);
    T_EXPECT(acre_rt_init_split(pool_meta, meta, pool_range, 4096, NULL, &rt) == ACRE_OK);
}

// EXACT serves addresses at which there is no memory at all.
static void exact_never_touches_its_range(void)
{
    const size_t bytes = (size_t)1 << 20;
    void *nowhere = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    T_EXPECT(nowhere != MAP_FAILED);
    acre_rt *rt;
    T_EXPECT(
        acre_rt_init_split(pool_meta, sizeof(pool_meta), nowhere, bytes, NULL, &rt) == ACRE_OK);
    static void *blocks[2000];
    uint64_t random = 88172645463325252u;
    for (unsigned i = 0; i < 200000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        void **at = &blocks[random % 2000];
        if (*at == NULL) {
            *at = random % 5 == 0 ? acre_rt_aligned(rt, 4096, random >> 20 & 2047)
                                  : acre_rt_alloc(rt, random >> 20 & 2047);
        } else if (random % 3 == 0) {
            acre_status status = acre_rt_resize(rt, *at, 1 + (random >> 20 & 2047));
            T_EXPECT(status != ACRE_BAD_ARGUMENT);
        } else {
            T_EXPECT(acre_rt_free(rt, *at) == ACRE_OK);
            *at = NULL;
        }
    }
    T_EXPECT_SOUND(acre_rt_check(rt, 3));
    T_EXPECT(munmap(nowhere, bytes) == 0);
    memset(blocks, 0, sizeof(blocks));
}

static void tight_takes_a_hole_that_fits_closely(void)
{
    void *blocks[40];
    T_EXPECT(pool_open(RT_TIGHT, 40 * 64));
    for (unsigned i = 0; i < 40; i++) {
        blocks[i] = acre_rt_alloc(pool, 64 * 8);
    }
    // Holes of 2 words, of 4 and of 6, far from each other, and all that is behind them is taken.
    for (unsigned i = 2; i < 8; i++) {
        T_EXPECT(i >= 5 || acre_rt_free(pool, blocks[i]) == ACRE_OK);            // 3 blocks of 64
        T_EXPECT(acre_rt_free(pool, blocks[20 + (i & 1)]) == ACRE_OK || i >= 4); // 2
    }
    T_EXPECT(acre_rt_free(pool, blocks[33]) == ACRE_OK); // 1
    T_EXPECT(acre_rt_alloc(pool, 60 * 8) == blocks[33]);
    T_EXPECT(acre_rt_alloc(pool, 100 * 8) == blocks[20]);
    T_EXPECT(acre_rt_alloc(pool, 129 * 8) == blocks[2]);
    T_EXPECT(acre_rt_alloc(pool, 64 * 8) == NULL && acre_rt_alloc(pool, 63 * 8) != NULL);
    T_EXPECT_SOUND(acre_rt_check(pool, 2));
}

// ---- sums -------------------------------------------------------------------------------------------

static void need_follows_the_formula(void)
{
    const acre_rt_options exact = {.granule_bytes = 8};
    const acre_rt_options quick = {.granule_bytes = 8, .engine = ACRE_RT_QUICK};
    T_EXPECT(
        acre_rt_need(8000, 8, 8, &exact) == 8 * (1000 + 875)); // 8-byte blocks may waste 7 each
    T_EXPECT(acre_rt_need(8000, 800, 80, &exact) == 8 * ((17 * 1087 + 1) / 2)); // log2 of 100 is 7
    T_EXPECT(acre_rt_need(8000, 80, 80, &quick) == 8 * (1087 + 1088 * 12));
    const acre_rt_options tight = {.granule_bytes = 8, .engine = ACRE_RT_TIGHT};
    T_EXPECT(acre_rt_need(8000, 80, 80, &tight) == 8 * (1087 + 1088 * 9));
    T_EXPECT(acre_rt_need(8000, 9000, 80, &exact) == 0 && acre_rt_need(100, 50, 0, &exact) == 0);
    T_EXPECT(acre_rt_need(SIZE_MAX / 2, 4096, 16, &exact) == 0);
}

T_MAIN(
    T_CASE(no_size_wraps_around), T_CASE(nothing_is_no_size), T_CASE(calloc_clears_what_was_used),
    T_CASE(realloc_keeps_contents_and_a_failed_one_the_block),
    T_CASE(free_sized_wants_the_right_number_of_granules), T_CASE(walk_and_stats_see_every_block),
    T_CASE(judge_tells_what_an_address_is), T_CASE(check_finds_each_flipped_bit_of_starts),
    T_CASE(init_uses_what_it_was_given), T_CASE(defined_arrays_are_large_enough),
    T_CASE(init_refuses_what_it_cannot_serve), T_CASE(exact_never_touches_its_range),
    T_CASE(tight_takes_a_hole_that_fits_closely), T_CASE(need_follows_the_formula))
