// resized.c - realloc and its relatives: contents, the edge cases of NULL and zero, ladders through
// every kind of block.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "process.h"

static void realloc_of_null_is_malloc(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; i < count; i++) {
        unsigned char *block = opaque(realloc(opaque(NULL), sizes[i]));
        if (CHECK_AT(block != NULL && conform_aligned(block, 16), sizes[i])) {
            conform_fill(block, sizes[i], 1);
        }
        free(block);
    }
    void *empty = opaque(realloc(opaque(NULL), opaque_size(0)));
    CHECK(empty != NULL);
    free(empty);
}

static void realloc_to_zero_frees_and_returns_null(void)
{
    static const size_t sizes[] = {1, 48, 5000, 20000, 300000, 3000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t before = process_live_bytes();
        for (unsigned round = 0; round < 50; round++) {
            void *block = opaque(malloc(sizes[i]));
            CHECK_AT(opaque(realloc(block, opaque_size(0))) == NULL, sizes[i]);
        }
        CHECK_AT(process_live_bytes() < before + 10 * sizes[i] + 4096, sizes[i]);
    }
}

static void realloc_keeps_contents_between_all_sizes(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t from = 0; from < count; from++) {
        for (size_t to = 0; to < count; to++) {
            size_t kept = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            if (sizes[from] > 5000000 && sizes[to] > 5000000) {
                continue;
            }
            unsigned char *block = opaque(malloc(sizes[from]));
            // The pattern at both ends of what is kept is enough for large blocks.
            size_t part = kept < 3000 ? kept : 3000;
            conform_fill(block, part, from);
            conform_fill(block + (kept - part), part, from + 1);
            block = opaque(realloc(block, sizes[to]));
            if (!CHECK_AT(block != NULL, sizes[to])) {
                return;
            }
            CHECK_AT(conform_filled(block + (kept - part), part, from + 1), sizes[to]);
            if (kept >= 2 * part) {
                CHECK_AT(conform_filled(block, part, from), sizes[to]);
            }
            CHECK_AT(malloc_usable_size(block) >= sizes[to], sizes[to]);
            memset(block, 1, sizes[to] < 8192 ? sizes[to] : 8192);
            free(block);
        }
    }
}

static void realloc_up_and_down_a_ladder_keeps_contents(void)
{
    for (size_t step = 3; step <= 9; step += 2) {
        unsigned char *block = opaque(malloc(1));
        size_t size = 1;
        block[0] = 42;
        while (size < 40000000) {
            size_t next = size + size / step + 1;
            block = opaque(realloc(block, next));
            if (!CHECK_AT(block != NULL, next)) {
                return;
            }
            CHECK_AT(block[0] == 42 && (size == 1 || block[size - 1] == 43), next);
            block[next - 1] = 43;
            size = next;
        }
        while (size > 1) {
            size_t next = size - size / step - 1;
            next = next == 0 ? 1 : next;
            block[next - 1] = next == 1 ? 42 : 44;
            block = opaque(realloc(block, next));
            if (!CHECK_AT(block != NULL, next)) {
                return;
            }
            CHECK_AT(block[next - 1] == (next == 1 ? 42 : 44), next);
            size = next;
        }
        free(block);
    }
}

static void realloc_to_the_same_size_keeps_contents(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; i < count; i++) {
        unsigned char *block = opaque(malloc(sizes[i]));
        conform_fill(block, sizes[i], i);
        block = opaque(realloc(block, sizes[i]));
        CHECK_AT(block != NULL && conform_filled(block, sizes[i], i), sizes[i]);
        block = opaque(realloc(block, malloc_usable_size(block)));
        CHECK_AT(block != NULL && conform_filled(block, sizes[i], i), sizes[i]);
        free(block);
    }
}

static void blocks_that_grow_side_by_side_keep_apart(void)
{
    // Sixteen vectors grow in turn, so that growing in place must look at its neighbours.
    unsigned char *vectors[16] = {NULL};
    size_t size = 8;
    while (size < 3000000) {
        for (unsigned i = 0; i < 16; i++) {
            vectors[i] = opaque(realloc(vectors[i], size));
            if (!CHECK_AT(vectors[i] != NULL, size)) {
                return;
            }
            memset(vectors[i], (int)i + 1, size);
        }
        for (unsigned i = 0; i < 16; i++) {
            CHECK_AT(conform_all(vectors[i], size, (unsigned char)(i + 1)), size);
        }
        size += size / 2;
    }
    for (unsigned i = 0; i < 16; i++) {
        free(vectors[i]);
    }
}

static void random_reallocs_keep_contents(void)
{
    static struct {
        unsigned char *block;
        size_t size;
    } live[64];
    uint64_t random = conform_seed();
    for (unsigned step = 0; step < 20000; step++) {
        size_t i = (size_t)(conform_random(&random) % 64);
        unsigned log2 = (unsigned)(conform_random(&random) % (step % 32 == 0 ? 23 : 14));
        size_t size = (size_t)(conform_random(&random) % ((size_t)2 << log2)) + 1;
        size_t kept = live[i].size < size ? live[i].size : size;
        kept = kept < 20000 ? kept : 20000;
        live[i].block = opaque(realloc(live[i].block, size));
        if (!CHECK_AT(live[i].block != NULL, size) ||
            !CHECK_AT(conform_filled(live[i].block, kept, i), size)) {
            return;
        }
        live[i].size = size;
        conform_fill(live[i].block, size < 20000 ? size : 20000, i);
    }
    for (size_t i = 0; i < 64; i++) {
        free(live[i].block);
        live[i].block = NULL;
        live[i].size = 0;
    }
}

static void reallocarray_multiplies(void)
{
    uint32_t *numbers = opaque(reallocarray(NULL, 10, sizeof(*numbers)));
    CHECK(numbers != NULL && malloc_usable_size(numbers) >= 40);
    numbers[9] = 12;
    numbers = opaque(reallocarray(numbers, 100000, sizeof(*numbers)));
    CHECK(numbers != NULL && numbers[9] == 12 && malloc_usable_size(numbers) >= 400000);
    numbers[99999] = 13;
    CHECK(opaque(reallocarray(numbers, opaque_size(0), sizeof(*numbers))) == NULL);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(realloc_of_null_is_malloc),
        CONFORM_CASE(realloc_to_zero_frees_and_returns_null),
        CONFORM_CASE(realloc_keeps_contents_between_all_sizes),
        CONFORM_CASE(realloc_up_and_down_a_ladder_keeps_contents),
        CONFORM_CASE(realloc_to_the_same_size_keeps_contents),
        CONFORM_CASE(blocks_that_grow_side_by_side_keep_apart),
        CONFORM_CASE(random_reallocs_keep_contents),
        CONFORM_CASE(reallocarray_multiplies),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
