// resize_test.c - realloc between all kinds of blocks.
// SPDX-License-Identifier: MIT
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

// Two sizes of each kind: slabs, runs, huge.
static const size_t sizes[] = {1,     16,     17,     500,     16384,           16385,
                               40960, 300000, 700000, 1048576, 1048576 * 3 / 2, 5242880};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void every_size_becomes_every_other(void)
{
    for (unsigned no_remap = 0; no_remap < 2; no_remap++) {
        heap_open_at(&(struct site){.page_bytes = 4096, .no_remap = no_remap != 0});
        for (unsigned i = 0; i < SIZES; i++) {
            for (unsigned k = 0; k < SIZES; k++) {
                unsigned char *block = acre_heap_alloc(subject, sizes[i]);
                T_EXPECT(block != NULL);
                block_fill(block, sizes[i], i);
                unsigned char *resized = acre_heap_realloc(subject, block, sizes[k]);
                size_t kept = sizes[i] < sizes[k] ? sizes[i] : sizes[k];
                T_EXPECT(resized != NULL && block_holds(resized, kept / 8 * 8, i));
                T_EXPECT(acre_heap_usable_size(subject, resized) >= sizes[k]);
                block_fill(resized, sizes[k], k);
                acre_heap_free_sized(subject, resized, sizes[k]);
            }
            T_EXPECT_SOUND(acre_heap_audit(subject));
        }
        T_EXPECT_SOUND(heap_close());
    }
}

static void realloc_of_nothing_is_alloc(void)
{
    heap_open();
    void *block = acre_heap_realloc(subject, NULL, 100);
    T_EXPECT(block != NULL && acre_heap_usable_size(subject, block) == 112);
    T_EXPECT_SOUND(heap_close());
}

static void realloc_to_nothing_is_a_block_of_its_own(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 100);
    void *other = acre_heap_realloc(subject, block, 0);
    T_EXPECT(other != NULL && acre_heap_usable_size(subject, other) == 16);
    acre_heap_free_sized(subject, other, 0);
    T_EXPECT_SOUND(heap_close());
}

static void realloc_to_too_much_leaves_the_block(void)
{
    heap_open();
    const size_t blocks[] = {100, 50000, 2 * mib};
    for (unsigned i = 0; i < 3; i++) {
        unsigned char *block = acre_heap_alloc(subject, blocks[i]);
        volatile size_t much = (size_t)PTRDIFF_MAX; // hidden from the compiler, which would object
        block_fill(block, 100, i);
        T_EXPECT(acre_heap_realloc(subject, block, much + 1) == NULL);
        T_EXPECT(acre_heap_realloc(subject, block, much) == NULL);
        T_EXPECT(acre_heap_realloc(subject, block, much * 2 + 1) == NULL);
        T_EXPECT(block_holds(block, 96, i));
        acre_heap_free_sized(subject, block, blocks[i]);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    T_EXPECT_SOUND(heap_close());
}

static void small_block_stays_exactly_within_its_class(void)
{
    heap_open();
    void *block = acre_heap_alloc(subject, 700);
    T_EXPECT(acre_heap_usable_size(subject, block) == 768);
    T_EXPECT(acre_heap_realloc(subject, block, 768) == block);
    T_EXPECT(acre_heap_realloc(subject, block, 641) == block);
    T_EXPECT(acre_heap_realloc(subject, block, 640) != block);
    T_EXPECT_SOUND(heap_close());
}

static void run_shrinks_in_place_and_grows_back(void)
{
    heap_open();
    unsigned char *run = acre_heap_alloc(subject, 200 * 4096);
    block_fill(run, 200 * 4096, 1);
    T_EXPECT(acre_heap_realloc(subject, run, 60 * 4096) == run);
    T_EXPECT(acre_heap_usable_size(subject, run) == 60 * 4096);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_realloc(subject, run, 180 * 4096) == run);
    T_EXPECT(block_holds(run, 60 * 4096, 1));
    acre_heap_free_sized(subject, run, 180 * 4096);
    T_EXPECT_SOUND(heap_close());
}

static void aligned_block_may_lose_its_alignment(void)
{
    heap_open();
    for (size_t align = 64; align <= 4 * mib; align *= 8) {
        unsigned char *block = acre_heap_aligned(subject, align, 3000);
        T_EXPECT(block != NULL);
        block_fill(block, 3000, align);
        unsigned char *resized = acre_heap_realloc(subject, block, 4000);
        T_EXPECT(resized != NULL && block_holds(resized, 3000, align));
        acre_heap_free_sized(subject, resized, 4000);
    }
    T_EXPECT_SOUND(heap_close());
}

static void realloc_in_place(void *block)
{
    (void)!acre_heap_realloc(subject, block, 60);
}

static void realloc_of_what_is_no_block_is_misuse(void)
{
    static char outside[64];
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 100);
    struct sim_end end = sim_catch(realloc_in_place, block + 16);
    T_EXPECT(end.how == SIM_FATAL && end.addr == block + 16 && end.block_bytes == 112);
    end = sim_catch(realloc_in_place, outside);
    T_EXPECT(end.how == SIM_FATAL && end.block_bytes == 0);
    acre_heap_free(subject, block);
    end = sim_catch(realloc_in_place, block);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'r');
    unsigned char *run = acre_heap_alloc(subject, 30000);
    end = sim_catch(realloc_in_place, run + 4096);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'i');
    acre_heap_free(subject, run);
    end = sim_catch(realloc_in_place, run);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'r');
}

static void realloc_at_the_limit_leaves_the_block(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 4 * mib}});
    unsigned char *block = acre_heap_alloc(subject, 2 * mib);
    T_EXPECT(block != NULL);
    block_fill(block, 2 * mib, 1);
    T_EXPECT(acre_heap_realloc(subject, block, 8 * mib) == NULL);
    T_EXPECT(block_holds(block, 2 * mib, 1) && acre_heap_usable_size(subject, block) == 2 * mib);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(every_size_becomes_every_other), T_CASE(realloc_of_nothing_is_alloc),
    T_CASE(realloc_to_nothing_is_a_block_of_its_own), T_CASE(realloc_to_too_much_leaves_the_block),
    T_CASE(small_block_stays_exactly_within_its_class), T_CASE(run_shrinks_in_place_and_grows_back),
    T_CASE(aligned_block_may_lose_its_alignment), T_CASE(realloc_of_what_is_no_block_is_misuse),
    T_CASE(realloc_at_the_limit_leaves_the_block))
