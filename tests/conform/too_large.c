// too_large.c - requests that no machine can meet: NULL and ENOMEM from every function, whatever
// wraps inside, and the old block stays.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "conform.h"

static const size_t too_large[] = {
    (size_t)PTRDIFF_MAX + 1,
    (size_t)PTRDIFF_MAX + 4096,
    SIZE_MAX / 2 + 17,
    SIZE_MAX - 65536,
    SIZE_MAX - 4096,
    SIZE_MAX - 4095,
    SIZE_MAX - 64,
    SIZE_MAX - 16,
    SIZE_MAX - 15,
    SIZE_MAX - 8,
    SIZE_MAX - 1,
    SIZE_MAX};
#define TOO_LARGE_COUNT (sizeof(too_large) / sizeof(too_large[0]))

/// Checks that a call failed as it should; frees what it should not have returned.
static void refused(void *result, size_t size)
{
    CHECK_AT(result == NULL, size);
    CHECK_AT(conform_errno() == ENOMEM, size);
    free(result);
}

static void malloc_refuses(void)
{
    for (size_t i = 0; i < TOO_LARGE_COUNT; i++) {
        errno = 0;
        refused(opaque(malloc(opaque_size(too_large[i]))), too_large[i]);
    }
}

static void malloc_refuses_ptrdiff_max_itself(void)
{
    // No address space of today holds it, so it fails for want of memory.
    errno = 0;
    refused(opaque(malloc(opaque_size(PTRDIFF_MAX))), PTRDIFF_MAX);
    errno = 0;
    refused(opaque(malloc(opaque_size((size_t)1 << 60))), (size_t)1 << 60);
}

static void realloc_refuses_and_keeps_the_block(void)
{
    static const size_t olds[] = {48, 20000, 300000, 3000000};
    for (size_t k = 0; k < sizeof(olds) / sizeof(olds[0]); k++) {
        unsigned char *block = opaque(malloc(olds[k]));
        conform_fill(block, olds[k], k);
        for (size_t i = 0; i < TOO_LARGE_COUNT; i++) {
            errno = 0;
            void *moved = opaque(realloc(opaque(block), opaque_size(too_large[i])));
            if (!CHECK_AT(moved == NULL, too_large[i])) {
                return;
            }
            CHECK_AT(conform_errno() == ENOMEM, too_large[i]);
            CHECK_AT(conform_filled(block, olds[k], k), too_large[i]);
        }
        free(block);
        errno = 0;
        refused(opaque(realloc(NULL, opaque_size(too_large[k]))), too_large[k]);
    }
}

static void calloc_refuses_products_that_overflow(void)
{
    static const size_t pairs[][2] = {
        {SIZE_MAX, 2},
        {2, SIZE_MAX},
        {SIZE_MAX, SIZE_MAX},
        {SIZE_MAX / 2 + 1, 2},
        {(size_t)1 << 32, (size_t)1 << 32},
        {((size_t)1 << 32) + 1, (size_t)1 << 32},
        {(size_t)1 << 33, ((size_t)1 << 31) + 1},
        {SIZE_MAX / 16 + 1, 16},
        {3, SIZE_MAX / 3 + 1},
        {PTRDIFF_MAX, 2},
        {(size_t)PTRDIFF_MAX + 1, 1},
        {1, SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        errno = 0;
        refused(opaque(calloc(opaque_size(pairs[i][0]), opaque_size(pairs[i][1]))), i);
        errno = 0;
        refused(opaque(reallocarray(NULL, opaque_size(pairs[i][0]), opaque_size(pairs[i][1]))), i);
    }
}

static void reallocarray_refuses_and_keeps_the_block(void)
{
    unsigned char *block = opaque(malloc(100));
    conform_fill(block, 100, 5);
    errno = 0;
    void *moved =
        opaque(reallocarray(opaque(block), opaque_size(SIZE_MAX / 2 + 1), opaque_size(2)));
    CHECK(moved == NULL && conform_errno() == ENOMEM);
    CHECK(conform_filled(block, 100, 5));
    free(block);
}

static void aligned_functions_refuse(void)
{
    static const size_t aligns[] = {8, 16, 32, 64, 4096, 65536, (size_t)4 << 20};
    for (size_t i = 0; i < TOO_LARGE_COUNT; i++) {
        for (size_t k = 0; k < sizeof(aligns) / sizeof(aligns[0]); k++) {
            size_t size = opaque_size(too_large[i]);
            void *out = NULL;
            errno = 0;
            refused(opaque(memalign(aligns[k], size)), too_large[i]);
            errno = 0;
            refused(opaque(aligned_alloc(aligns[k], size)), too_large[i]);
            CHECK_AT(posix_memalign(&out, aligns[k], size) == ENOMEM, too_large[i]);
            CHECK(out == NULL);
        }
    }
}

static void sizes_that_wrap_only_with_their_alignment_are_refused(void)
{
    static const size_t sizes[] = {1, 16, 4096, (size_t)1 << 40, PTRDIFF_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *out = NULL;
        size_t align = opaque_size((size_t)1 << 62);
        errno = 0;
        refused(opaque(memalign(align, opaque_size(sizes[i]))), sizes[i]);
        errno = 0;
        refused(opaque(aligned_alloc(align, opaque_size(sizes[i]))), sizes[i]);
        CHECK_AT(posix_memalign(&out, align, opaque_size(sizes[i])) == ENOMEM, sizes[i]);
        CHECK(out == NULL);
    }
    errno = 0;
    refused(opaque(memalign(opaque_size((size_t)1 << 63), opaque_size(16))), 16);
}

static void memalign_refuses_an_alignment_with_no_power_of_two_above_it(void)
{
    errno = 0;
    CHECK(opaque(memalign(opaque_size(((size_t)1 << 63) + 1), 16)) == NULL);
    CHECK(conform_errno() == EINVAL);
}

static void valloc_and_pvalloc_refuse_also_when_rounding_wraps(void)
{
    for (size_t i = 0; i < TOO_LARGE_COUNT; i++) {
        errno = 0;
        refused(opaque(valloc(opaque_size(too_large[i]))), too_large[i]);
        errno = 0;
        refused(opaque(pvalloc(opaque_size(too_large[i]))), too_large[i]);
    }
}

static void service_goes_on_after_every_refusal(void)
{
    void *small = opaque(malloc(100));
    void *large = opaque(malloc(3000000));
    CHECK(small != NULL && large != NULL);
    free(small);
    free(large);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(malloc_refuses),
        CONFORM_CASE(malloc_refuses_ptrdiff_max_itself),
        CONFORM_CASE(realloc_refuses_and_keeps_the_block),
        CONFORM_CASE(calloc_refuses_products_that_overflow),
        CONFORM_CASE(reallocarray_refuses_and_keeps_the_block),
        CONFORM_CASE(aligned_functions_refuse),
        CONFORM_CASE(sizes_that_wrap_only_with_their_alignment_are_refused),
        CONFORM_CASE(memalign_refuses_an_alignment_with_no_power_of_two_above_it),
        CONFORM_CASE(valloc_and_pvalloc_refuse_also_when_rounding_wraps),
        CONFORM_CASE(service_goes_on_after_every_refusal),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
