// aligned.c - memalign, aligned_alloc, posix_memalign, valloc and pvalloc: alignment, contents,
// realloc of their blocks, and what they refuse.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "conform.h"

#define ALIGN_MAX ((size_t)16 << 20)

/// How aligned_matrix obtains a block.
typedef void *aligned_function(size_t align, size_t size);

static void *by_memalign(size_t align, size_t size)
{
    return opaque(memalign(align, size));
}

static void *by_aligned_alloc(size_t align, size_t size)
{
    return opaque(aligned_alloc(align, size));
}

static void *by_posix_memalign(size_t align, size_t size)
{
    void *block = NULL;
    return posix_memalign(&block, align, size) == 0 ? opaque(block) : NULL;
}

/// One block: aligned, usable to its end, contents kept by realloc up and down.
static bool aligned_block_is_right(aligned_function *get, size_t align, size_t size)
{
    unsigned char *block = get(align, size);
    if (!CHECK_AT(block != NULL, align)) {
        return false;
    }
    bool right = CHECK_AT(conform_aligned(block, align), align);
    right &= CHECK_AT(conform_aligned(block, 16), align);
    right &= CHECK_AT(malloc_usable_size(block) >= size, size);
    conform_fill(block, malloc_usable_size(block), align);
    right &= CHECK_AT(conform_filled(block, size, align), size);

    unsigned char *grown = opaque(realloc(opaque(block), size * 2 + 33));
    if (!CHECK(grown != NULL)) {
        free(block);
        return false;
    }
    right &= CHECK_AT(conform_filled(grown, size, align), size);
    unsigned char *shrunk = opaque(realloc(opaque(grown), size / 3 + 1));
    if (!CHECK(shrunk != NULL)) {
        free(grown);
        return false;
    }
    right &= CHECK_AT(conform_filled(shrunk, size / 3, align), size);
    free(shrunk);
    return right;
}

/// Every alignment with sizes from 1 byte to 70 000.
static void aligned_matrix(aligned_function *get)
{
    for (size_t align = 8; align <= ALIGN_MAX; align *= 2) {
        for (size_t size = 1; size <= 70000; size += size / 3 + 1) {
            if (!aligned_block_is_right(get, align, size)) {
                return;
            }
        }
    }
}

static void memalign_serves_every_alignment_and_size(void)
{
    aligned_matrix(by_memalign);
}

static void aligned_alloc_serves_every_alignment_and_size(void)
{
    aligned_matrix(by_aligned_alloc);
}

static void posix_memalign_serves_every_alignment_and_size(void)
{
    aligned_matrix(by_posix_memalign);
}

static void aligned_blocks_that_live_together_do_not_overlap(void)
{
    static unsigned char *blocks[25][40];
    for (unsigned log2 = 3; log2 < 25; log2++) {
        for (size_t i = 0; i < 40; i++) {
            size_t align = (size_t)1 << log2;
            size_t size = i * 97 + 1;
            blocks[log2][i] = i < (log2 > 20 ? 4u : 40u) ? by_memalign(align, size) : NULL;
            if (blocks[log2][i] != NULL) {
                CHECK_AT(conform_aligned(blocks[log2][i], align), align);
                conform_fill(blocks[log2][i], size, log2 * 40 + i);
            }
        }
    }
    for (unsigned log2 = 3; log2 < 25; log2++) {
        for (size_t i = 0; i < 40; i++) {
            if (blocks[log2][i] != NULL) {
                CHECK_AT(conform_filled(blocks[log2][i], i * 97 + 1, log2 * 40 + i), log2);
                free(blocks[log2][i]);
            }
        }
    }
}

static void large_aligned_blocks_are_aligned(void)
{
    static const size_t sizes[] = {100000, 300000, 1048576, 1048577, 4194304, 9000001};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t align = 4096; align <= (size_t)64 << 20; align *= 4) {
            unsigned char *block = by_memalign(align, sizes[i]);
            if (!CHECK_AT(block != NULL, align)) {
                return;
            }
            CHECK_AT(conform_aligned(block, align), align);
            CHECK_AT(malloc_usable_size(block) >= sizes[i], sizes[i]);
            block[0] = 1;
            block[malloc_usable_size(block) - 1] = 2;
            free(block);
        }
    }
}

static void memalign_rounds_an_alignment_up_to_a_power_of_two(void)
{
    static const size_t odd[] = {3, 24, 33, 48, 100, 1000, 5000, 100000};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        size_t align = 1;
        while (align < odd[i]) {
            align *= 2;
        }
        void *block = by_memalign(odd[i], 50);
        CHECK_AT(block != NULL && conform_aligned(block, align), odd[i]);
        free(block);
    }
    void *block = by_memalign(opaque_size(0), 50);
    CHECK(block != NULL && conform_aligned(block, 16));
    free(block);
}

static void aligned_alloc_refuses_what_is_no_power_of_two(void)
{
    // C23, and glibc since 2.38.
    static const size_t bad[] = {0, 3, 24, 48, 100, SIZE_MAX};
    for (size_t i = 0; conform_on_acre() && i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        CHECK_AT(by_aligned_alloc(opaque_size(bad[i]), 64) == NULL, bad[i]);
        CHECK_AT(conform_errno() == EINVAL, bad[i]);
    }
}

static void aligned_alloc_takes_a_size_that_is_no_multiple(void)
{
    unsigned char *block = by_aligned_alloc(256, 100);
    CHECK(block != NULL && conform_aligned(block, 256));
    free(block);
}

static void posix_memalign_refuses_with_einval_and_leaves_all_alone(void)
{
    static const size_t bad[] = {0, 1, 2, 3, 4, 7, 12, 24, 40, 48, 4095, SIZE_MAX, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        void *out = &out;
        errno = 77;
        CHECK_AT(posix_memalign(&out, opaque_size(bad[i]), 64) == EINVAL, bad[i]);
        CHECK_AT(out == &out, bad[i]);
        CHECK_AT(conform_errno() == 77, bad[i]);
    }
}

static void posix_memalign_without_memory_leaves_all_alone(void)
{
    void *out = &out;
    errno = 77;
    CHECK(posix_memalign(&out, 64, opaque_size(SIZE_MAX - 100)) == ENOMEM);
    CHECK(posix_memalign(&out, 64, opaque_size((size_t)PTRDIFF_MAX + 1)) == ENOMEM);
    CHECK(out == &out);
    // glibc sets errno here; POSIX gives the code as the result, and acre leaves errno alone.
    CHECK(!conform_on_acre() || conform_errno() == 77);
}

static void a_size_of_zero_still_yields_aligned_distinct_blocks(void)
{
    void *first = by_memalign(4096, opaque_size(0));
    void *second = by_memalign(4096, opaque_size(0));
    void *third = by_posix_memalign(64, opaque_size(0));
    CHECK(first != NULL && second != NULL && third != NULL && first != second);
    CHECK(conform_aligned(first, 4096) && conform_aligned(second, 4096));
    free(first);
    free(second);
    free(third);
}

static void valloc_and_pvalloc_work_in_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 20000, 300000, 5000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t rounded = (sizes[i] + page - 1) / page * page;
        unsigned char *plain = opaque(valloc(sizes[i]));
        unsigned char *whole = opaque(pvalloc(sizes[i]));
        CHECK_AT(plain != NULL && conform_aligned(plain, page), sizes[i]);
        CHECK_AT(whole != NULL && conform_aligned(whole, page), sizes[i]);
        CHECK_AT(malloc_usable_size(plain) >= sizes[i], sizes[i]);
        if (CHECK_AT(malloc_usable_size(whole) >= rounded, sizes[i])) {
            memset(whole, 1, rounded);
        }
        free(plain);
        free(whole);
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(memalign_serves_every_alignment_and_size),
        CONFORM_CASE(aligned_alloc_serves_every_alignment_and_size),
        CONFORM_CASE(posix_memalign_serves_every_alignment_and_size),
        CONFORM_CASE(aligned_blocks_that_live_together_do_not_overlap),
        CONFORM_CASE(large_aligned_blocks_are_aligned),
        CONFORM_CASE(memalign_rounds_an_alignment_up_to_a_power_of_two),
        CONFORM_CASE(aligned_alloc_refuses_what_is_no_power_of_two),
        CONFORM_CASE(aligned_alloc_takes_a_size_that_is_no_multiple),
        CONFORM_CASE(posix_memalign_refuses_with_einval_and_leaves_all_alone),
        CONFORM_CASE(posix_memalign_without_memory_leaves_all_alone),
        CONFORM_CASE(a_size_of_zero_still_yields_aligned_distinct_blocks),
        CONFORM_CASE(valloc_and_pvalloc_work_in_pages),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
