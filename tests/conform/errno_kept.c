// errno_kept.c - free leaves errno as it was (POSIX 2024), for blocks of every kind and also when
// it gives memory back to the system.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>

#include "conform.h"

static const int presets[] = {0, EINVAL, ENOMEM, EAGAIN, 12345};
#define PRESET_COUNT (sizeof(presets) / sizeof(presets[0]))

static void free_keeps_errno_for_every_kind_of_block(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < PRESET_COUNT; k++) {
            void *block = opaque(malloc(sizes[i]));
            errno = presets[k];
            free(block);
            CHECK_AT(conform_errno() == presets[k], sizes[i]);
        }
    }
}

static void free_of_null_keeps_errno(void)
{
    for (size_t k = 0; k < PRESET_COUNT; k++) {
        errno = presets[k];
        free(opaque(NULL));
        CHECK(conform_errno() == presets[k]);
    }
}

static void free_of_aligned_blocks_keeps_errno(void)
{
    for (size_t align = 16; align <= (size_t)16 << 20; align *= 4) {
        void *block = opaque(memalign(align, 100000));
        errno = EINVAL;
        free(block);
        CHECK_AT(conform_errno() == EINVAL, align);
    }
}

static void free_keeps_errno_while_much_memory_goes_back(void)
{
    static void *blocks[4000];
    for (size_t i = 0; i < 4000; i++) {
        blocks[i] = opaque(malloc(16000));
        if (CHECK(blocks[i] != NULL)) {
            memset(blocks[i], 1, 16000);
        }
    }
    errno = 4711;
    for (size_t i = 0; i < 4000; i++) {
        free(blocks[i]);
        CHECK(conform_errno() == 4711);
    }
}

static void *free_in_a_thread(void *block)
{
    errno = 4712;
    free(block);
    (void)CHECK(conform_errno() == 4712);
    return NULL;
}

static void free_keeps_errno_in_a_thread_that_never_allocated(void)
{
    static const size_t sizes[] = {48, 20000, 300000, 3000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        pthread_t thread;
        void *block = opaque(malloc(sizes[i]));
        if (CHECK(pthread_create(&thread, NULL, free_in_a_thread, block) == 0)) {
            CHECK(pthread_join(thread, NULL) == 0);
        }
    }
}

static void realloc_to_zero_keeps_errno(void)
{
    static const size_t sizes[] = {48, 20000, 300000, 3000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *block = opaque(malloc(sizes[i]));
        errno = 4713;
        CHECK_AT(opaque(realloc(block, opaque_size(0))) == NULL, sizes[i]);
        CHECK_AT(conform_errno() == 4713, sizes[i]);
    }
}

static void calls_that_succeed_leave_errno_alone(void)
{
    // Not promised by C, but what a caller that forgets to look at the result relies on.
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; conform_on_acre() && i < count; i++) {
        errno = 4714;
        void *block = opaque(malloc(sizes[i]));
        block = opaque(realloc(block, sizes[i] * 2));
        void *cleared = opaque(calloc(1, sizes[i]));
        void *aligned = opaque(memalign(1024, sizes[i]));
        CHECK_AT(conform_errno() == 4714, sizes[i]);
        free(block);
        free(cleared);
        free(aligned);
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(free_keeps_errno_for_every_kind_of_block),
        CONFORM_CASE(free_of_null_keeps_errno),
        CONFORM_CASE(free_of_aligned_blocks_keeps_errno),
        CONFORM_CASE(free_keeps_errno_while_much_memory_goes_back),
        CONFORM_CASE(free_keeps_errno_in_a_thread_that_never_allocated),
        CONFORM_CASE(realloc_to_zero_keeps_errno),
        CONFORM_CASE(calls_that_succeed_leave_errno_alone),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
