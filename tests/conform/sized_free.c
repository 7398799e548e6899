// sized_free.c - free_sized and free_aligned_sized of C23 take every block whose size they are told
// rightly, however the block got that size. (What they do when told wrongly: tests/death.)
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "conform.h"

static void (*free_sized_function)(void *block, size_t size);
static void (*free_aligned_sized_function)(void *block, size_t align, size_t size);

static void acre_has_both_functions(void)
{
    // The C library of today may not have them; then the other cases have nothing to do.
    bool sized = conform_lookup("free_sized", (void *)&free_sized_function);
    bool aligned = conform_lookup("free_aligned_sized", (void *)&free_aligned_sized_function);
    CHECK(!conform_on_acre() || (sized && aligned));
}

static void null_is_ignored(void)
{
    if (free_sized_function != NULL && free_aligned_sized_function != NULL) {
        free_sized_function(NULL, 0);
        free_sized_function(NULL, 100);
        free_aligned_sized_function(NULL, 64, 0);
        free_aligned_sized_function(NULL, 64, 100);
    }
}

static void every_size_of_malloc_is_taken(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    if (free_sized_function == NULL) {
        return;
    }
    for (size_t size = 0; size <= 20000; size++) {
        free_sized_function(opaque(malloc(size)), size);
    }
    for (size_t i = 0; i < count; i++) {
        errno = 77;
        free_sized_function(opaque(malloc(sizes[i])), sizes[i]);
        free_sized_function(opaque(calloc(sizes[i], 1)), sizes[i]);
        CHECK_AT(conform_errno() == 77 || !conform_on_acre(), sizes[i]);
    }
}

static void the_last_size_given_to_realloc_is_taken(void)
{
    // Shrinking may leave a block where it is, and growing may too: the size told is the caller's.
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    if (free_sized_function == NULL) {
        return;
    }
    for (size_t from = 1; from <= 1200; from += 7) {
        for (size_t to = 1; to <= 1200; to += 5) {
            free_sized_function(opaque(realloc(opaque(malloc(from)), to)), to);
        }
    }
    for (size_t from = 0; from < count; from++) {
        for (size_t to = 0; to < count; to++) {
            free_sized_function(opaque(realloc(opaque(malloc(sizes[from])), sizes[to])), sizes[to]);
        }
    }
}

static void step_by_step_shrinking_is_taken(void)
{
    static const size_t starts[] = {48, 1024, 16384, 100000, 1048576, 5000000};
    if (free_sized_function == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        for (unsigned steps = 1; steps < 40; steps++) {
            size_t size = starts[i];
            void *block = opaque(malloc(size));
            for (unsigned k = 0; k < steps && size > 1; k++) {
                size -= size / 16 + 1;
                block = opaque(realloc(block, size > 0 ? size : 1));
            }
            free_sized_function(block, size > 0 ? size : 1);
        }
    }
}

static void aligned_blocks_are_taken(void)
{
    if (free_aligned_sized_function == NULL) {
        return;
    }
    for (size_t align = 8; align <= (size_t)16 << 20; align *= 2) {
        for (size_t size = 0; size <= 3000000; size += size / 2 + 1) {
            free_aligned_sized_function(opaque(aligned_alloc(align, size)), align, size);
        }
    }
}

static void aligned_blocks_that_were_resized_are_taken(void)
{
    // What realloc returns counts as a block of realloc, wherever it came from (C23, 7.24.3.7).
    static const size_t sizes[] = {1, 60, 100, 3000, 16000, 17000, 200000, 1500000};
    size_t count = sizeof(sizes) / sizeof(sizes[0]);
    if (free_sized_function == NULL) {
        return;
    }
    for (size_t align = 16; align <= (size_t)4 << 20; align *= 4) {
        for (size_t from = 0; from < count; from++) {
            for (size_t to = 0; to < count; to++) {
                void *block = opaque(aligned_alloc(align, sizes[from]));
                free_sized_function(opaque(realloc(block, sizes[to])), sizes[to]);
            }
        }
    }
}

static void reallocarray_counts_as_its_product(void)
{
    if (free_sized_function != NULL) {
        free_sized_function(opaque(reallocarray(NULL, 12, 30)), 360);
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(acre_has_both_functions),
        CONFORM_CASE(null_is_ignored),
        CONFORM_CASE(every_size_of_malloc_is_taken),
        CONFORM_CASE(the_last_size_given_to_realloc_is_taken),
        CONFORM_CASE(step_by_step_shrinking_is_taken),
        CONFORM_CASE(aligned_blocks_are_taken),
        CONFORM_CASE(aligned_blocks_that_were_resized_are_taken),
        CONFORM_CASE(reallocarray_counts_as_its_product),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
