// zeroed.c - calloc returns zeros, also in memory that was dirty before, whichever way the memory
// came back.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "conform.h"

/// Dirties blocks of a size, frees them, and checks that calloc of the size clears what it reuses.
static void dirty_then_calloc(size_t size)
{
    void *blocks[24];
    size_t count = size > 1000000 ? 3 : 24;
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++) {
            blocks[i] = opaque(malloc(size));
            if (!CHECK_AT(blocks[i] != NULL, size)) {
                return;
            }
            memset(blocks[i], 0xa5, malloc_usable_size(blocks[i]));
        }
        for (size_t i = 0; i < count; i++) {
            free(blocks[i]);
        }
        for (size_t i = 0; i < count; i++) {
            blocks[i] = opaque(calloc(1, size));
            CHECK_AT(blocks[i] != NULL && conform_all(blocks[i], size, 0), size);
        }
        for (size_t i = 0; i < count; i++) {
            // The next round finds these dirty again.
            memset(blocks[i], 0x5a, size);
            free(blocks[i]);
        }
    }
}

static void calloc_clears_memory_that_was_dirty(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; i < count; i++) {
        dirty_then_calloc(sizes[i]);
    }
}

static void calloc_clears_fresh_memory_of_every_kind(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; i < count; i++) {
        unsigned char *block = opaque(calloc(sizes[i], 1));
        CHECK_AT(block != NULL && conform_all(block, sizes[i], 0), sizes[i]);
        free(block);
    }
}

static void calloc_clears_memory_that_served_other_sizes(void)
{
    // Dirty with one kind, clear with another: slices and pages change their use.
    static const size_t dirty[] = {32, 1000, 16000, 40000, 300000, 1000000, 3000000};
    static const size_t clean[] = {48, 3000, 16384, 17000, 65536, 700000, 1048577, 6000000};
    static void *blocks[3000];
    for (size_t d = 0; d < sizeof(dirty) / sizeof(dirty[0]); d++) {
        size_t count = dirty[d] < 2000 ? 3000 : 24000000 / dirty[d];
        count = count > 3000 ? 3000 : count;
        for (size_t i = 0; i < count; i++) {
            blocks[i] = opaque(malloc(dirty[d]));
            if (blocks[i] != NULL) {
                memset(blocks[i], 0xff, dirty[d]);
            }
        }
        for (size_t i = 0; i < count; i++) {
            free(blocks[i]);
        }
        for (size_t c = 0; c < sizeof(clean) / sizeof(clean[0]); c++) {
            for (unsigned i = 0; i < 8; i++) {
                blocks[i] = opaque(calloc(1, clean[c]));
                CHECK_AT(blocks[i] != NULL && conform_all(blocks[i], clean[c], 0), clean[c]);
            }
            for (unsigned i = 0; i < 8; i++) {
                free(blocks[i]);
            }
        }
    }
}

static void calloc_clears_memory_that_was_given_back(void)
{
    static void *blocks[2000];
    for (size_t i = 0; i < 2000; i++) {
        blocks[i] = opaque(malloc(10000));
        memset(blocks[i], 0xff, 10000);
    }
    for (size_t i = 0; i < 2000; i++) {
        free(blocks[i]);
    }
    (void)malloc_trim(0);
    for (size_t i = 0; i < 2000; i++) {
        blocks[i] = opaque(calloc(100, 100));
        CHECK(blocks[i] != NULL && conform_all(blocks[i], 10000, 0));
    }
    for (size_t i = 0; i < 2000; i++) {
        free(blocks[i]);
    }
}

static void calloc_clears_what_realloc_gave_up(void)
{
    static const size_t sizes[] = {1000000, 3000000, 9000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *block = opaque(malloc(sizes[i]));
        memset(block, 0xee, malloc_usable_size(block));
        void *shrunk = opaque(realloc(block, sizes[i] / 4));
        void *inside = opaque(calloc(1, sizes[i] / 2));
        CHECK_AT(inside != NULL && conform_all(inside, sizes[i] / 2, 0), sizes[i]);
        void *grown = opaque(realloc(shrunk, sizes[i]));
        CHECK(grown != NULL && conform_all(grown, sizes[i] / 4, 0xee));
        free(inside);
        free(grown);
        dirty_then_calloc(sizes[i]);
    }
}

static void calloc_clears_random_traffic(void)
{
    static struct {
        unsigned char *block;
        size_t size;
    } live[300];
    uint64_t random = conform_seed();
    for (unsigned step = 0; step < 30000; step++) {
        size_t i = (size_t)(conform_random(&random) % 300);
        unsigned log2 = (unsigned)(conform_random(&random) % (step % 64 == 0 ? 22 : 15));
        size_t size = (size_t)(conform_random(&random) % ((size_t)2 << log2)) + 1;
        if (live[i].block != NULL) {
            memset(live[i].block, (int)(step & 255) | 1, live[i].size);
            free(live[i].block);
        }
        live[i].size = size;
        live[i].block = opaque(calloc(1, size));
        if (!CHECK_AT(live[i].block != NULL && conform_all(live[i].block, size, 0), size)) {
            return;
        }
    }
    for (size_t i = 0; i < 300; i++) {
        free(live[i].block);
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(calloc_clears_memory_that_was_dirty),
        CONFORM_CASE(calloc_clears_fresh_memory_of_every_kind),
        CONFORM_CASE(calloc_clears_memory_that_served_other_sizes),
        CONFORM_CASE(calloc_clears_memory_that_was_given_back),
        CONFORM_CASE(calloc_clears_what_realloc_gave_up),
        CONFORM_CASE(calloc_clears_random_traffic),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
