// sizes.c - what malloc promises for every size: a block, its alignment, its usable size, its
// contents.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "conform.h"

#define SMALL_COUNT 4000

static void malloc_of_zero_yields_distinct_blocks_that_free_takes(void)
{
    void *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = opaque(malloc(opaque_size(0)));
        CHECK_AT(blocks[i] != NULL, i);
        for (size_t k = 0; k < i; k++) {
            CHECK(blocks[i] != blocks[k]);
        }
    }
    for (size_t i = 0; i < 64; i++) {
        free(blocks[i]);
    }
}

static void calloc_of_zero_yields_a_block(void)
{
    void *first = opaque(calloc(opaque_size(0), 16));
    void *second = opaque(calloc(16, opaque_size(0)));
    CHECK(first != NULL && second != NULL && first != second);
    free(first);
    free(second);
}

static void free_of_null_does_nothing(void)
{
    free(opaque(NULL));
    CHECK(malloc_usable_size(NULL) == 0);
}

static void every_small_size_is_aligned_to_16_and_usable_to_its_end(void)
{
    static unsigned char *blocks[SMALL_COUNT];
    static size_t usable[SMALL_COUNT];
    for (size_t size = 0; size < SMALL_COUNT; size++) {
        blocks[size] = opaque(malloc(size));
        if (!CHECK_AT(blocks[size] != NULL, size)) {
            return;
        }
        usable[size] = malloc_usable_size(blocks[size]);
        CHECK_AT(conform_aligned(blocks[size], 16), size);
        CHECK_AT(usable[size] >= size, size);
        conform_fill(blocks[size], usable[size], size);
    }
    for (size_t size = 0; size < SMALL_COUNT; size++) {
        CHECK_AT(malloc_usable_size(blocks[size]) == usable[size], size);
        CHECK_AT(conform_filled(blocks[size], usable[size], size), size);
        free(blocks[size]);
    }
}

static void every_kind_of_block_is_usable_to_its_end(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    unsigned char *blocks[3];
    for (size_t i = 0; i < count; i++) {
        size_t usable = 0;
        for (size_t k = 0; k < 3; k++) {
            blocks[k] = opaque(malloc(sizes[i]));
            if (!CHECK_AT(blocks[k] != NULL, sizes[i])) {
                return;
            }
            usable = malloc_usable_size(blocks[k]);
            CHECK_AT(conform_aligned(blocks[k], 16), sizes[i]);
            CHECK_AT(usable >= sizes[i], sizes[i]);
            conform_fill(blocks[k], usable, k);
        }
        for (size_t k = 0; k < 3; k++) {
            usable = malloc_usable_size(blocks[k]);
            CHECK_AT(conform_filled(blocks[k], usable, k), sizes[i]);
            free(blocks[k]);
        }
    }
}

static void blocks_of_a_kind_do_not_overlap(void)
{
    // Each block carries its own number from end to end; an overlap destroys one of two.
    static unsigned char *blocks[512];
    static const size_t sizes[] = {16, 48, 500, 3000, 16384, 20000, 300000};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        size_t count = sizes[s] > 20000 ? 64 : 512;
        for (size_t i = 0; i < count; i++) {
            blocks[i] = opaque(malloc(sizes[s]));
            if (!CHECK_AT(blocks[i] != NULL, sizes[s])) {
                return;
            }
            memset(blocks[i], (int)(i & 255), sizes[s]);
        }
        for (size_t i = 0; i < count; i++) {
            CHECK_AT(conform_all(blocks[i], sizes[s], (unsigned char)(i & 255)), sizes[s]);
            free(blocks[i]);
        }
    }
}

static void a_block_can_be_freed_in_any_order(void)
{
    static void *blocks[1000];
    uint64_t random = conform_seed();
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < 1000; i++) {
            size_t size = (size_t)(conform_random(&random) % 2000);
            blocks[i] = opaque(malloc(size));
            CHECK(blocks[i] != NULL);
        }
        for (size_t i = 1000; i > 0; i--) {
            size_t victim = (size_t)(conform_random(&random) % i);
            free(blocks[victim]);
            blocks[victim] = blocks[i - 1];
        }
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(malloc_of_zero_yields_distinct_blocks_that_free_takes),
        CONFORM_CASE(calloc_of_zero_yields_a_block),
        CONFORM_CASE(free_of_null_does_nothing),
        CONFORM_CASE(every_small_size_is_aligned_to_16_and_usable_to_its_end),
        CONFORM_CASE(every_kind_of_block_is_usable_to_its_end),
        CONFORM_CASE(blocks_of_a_kind_do_not_overlap),
        CONFORM_CASE(a_block_can_be_freed_in_any_order),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
