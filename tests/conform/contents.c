// contents.c - whatever a live block holds, it is live: contents that free blocks left behind,
// copied about as indeterminate bytes may be, never make free believe that a block is free.
//
// An allocator that marks free blocks in their own memory must not take such bytes for a mark. A
// program gets at them rightly: they lie in new blocks until it writes, and memcpy may move them.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "process.h"

#define COUNT        6000
#define LARGE_COUNT  40
#define LARGE_FACTOR 16
#define KEPT_BYTES   64
#define CHILD_LIMIT  30

static unsigned char *blocks[COUNT];
static unsigned char *large[LARGE_COUNT];
static unsigned char kept[COUNT][KEPT_BYTES];

static size_t kept_bytes(size_t size)
{
    return size < KEPT_BYTES ? size : KEPT_BYTES;
}

static void take_all(size_t size)
{
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = opaque(malloc(size));
        if (!CHECK_AT(blocks[i] != NULL, size)) {
            _exit(1);
        }
    }
}

static void free_all(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        free(blocks[i]);
    }
}

/// Bytes that blocks held when they were new come back to the same places later.
static void restore_what_new_blocks_held(void *argument)
{
    size_t size = *(const size_t *)argument;
    for (unsigned round = 0; round < 4; round++) {
        take_all(size);
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(kept[i], blocks[i], kept_bytes(size));
        }
        free_all();
        take_all(size);
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(blocks[i], kept[COUNT - 1 - i], kept_bytes(size));
        }
        free_all();
        take_all(size);
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(blocks[i], kept[i], kept_bytes(size));
        }
        free_all();
    }
}

/// New large blocks over memory that just was many free small ones: what they hold inside looks
/// like free blocks.
static void take_large_over_small(size_t size)
{
    take_all(size);
    free_all();
    for (size_t i = 0; i < LARGE_COUNT; i++) {
        large[i] = opaque(malloc(size * LARGE_FACTOR));
        if (!CHECK_AT(large[i] != NULL, size)) {
            _exit(1);
        }
    }
}

static void free_large(void)
{
    for (size_t i = 0; i < LARGE_COUNT; i++) {
        free(large[i]);
    }
}

/// Small blocks take over what large new blocks hold inside.
static void adopt_what_free_blocks_left(void *argument)
{
    size_t size = *(const size_t *)argument;
    for (unsigned round = 0; round < 3; round++) {
        take_large_over_small(size);
        for (size_t i = 0; i < LARGE_COUNT; i++) {
            for (size_t at = 0; at + size <= size * LARGE_FACTOR; at += 16) {
                unsigned char *small = opaque(malloc(size));
                memcpy(small, large[i] + at, size);
                free(opaque(small));
            }
        }
        free_large();
    }
}

/// Large new blocks move their own inside to their start, as a queue does that nobody has filled.
static void shift_new_blocks(void *argument)
{
    size_t size = *(const size_t *)argument;
    for (size_t shift = 16; shift <= 4 * size; shift += 16) {
        take_large_over_small(size);
        for (size_t i = 0; i < LARGE_COUNT; i++) {
            memmove(large[i], large[i] + shift, size * LARGE_FACTOR - shift);
        }
        free_large();
    }
}

/// The same for blocks that realloc measures and moves.
static void resize_shifted_blocks(void *argument)
{
    size_t size = *(const size_t *)argument;
    for (size_t shift = 16; shift <= 4 * size; shift += 16) {
        take_large_over_small(size);
        for (size_t i = 0; i < LARGE_COUNT; i++) {
            memmove(large[i], large[i] + shift, size);
            CHECK(malloc_usable_size(large[i]) >= size * LARGE_FACTOR);
            large[i] = opaque(realloc(large[i], size * LARGE_FACTOR + size));
            CHECK(large[i] != NULL);
        }
        free_large();
    }
}

static void for_each_size(void (*body)(void *))
{
    static const size_t sizes[] = {16, 32, 48, 112, 256};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = sizes[i];
        int status = process_run(body, &size, CHILD_LIMIT);
        CHECK_AT(process_exited(status, 0), size);
    }
}

static void restored_bytes_mean_nothing(void)
{
    for_each_size(restore_what_new_blocks_held);
}

static void adopted_bytes_mean_nothing(void)
{
    for_each_size(adopt_what_free_blocks_left);
}

static void shifted_bytes_mean_nothing(void)
{
    for_each_size(shift_new_blocks);
}

static void resized_bytes_mean_nothing(void)
{
    for_each_size(resize_shifted_blocks);
}

/// Every block holds addresses of other blocks, and such patterns as allocators like for marks.
static void fill_with_likely_marks(void *argument)
{
    size_t size = *(const size_t *)argument;
    uint64_t random = 12345;
    for (unsigned round = 0; round < 5; round++) {
        take_all(size);
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t at = 0; at + 8 <= size; at += 8) {
                uint64_t word = conform_random(&random);
                uint64_t block = (uint64_t)(uintptr_t)blocks[word % COUNT];
                uint64_t mark = (word >> 8) % 4 == 0   ? 0xa5a5a5a5a5a5a5a5u
                                : (word >> 8) % 4 == 1 ? block
                                : (word >> 8) % 4 == 2 ? block ^ 0xa500000000000000u
                                                       : word | 0xa500000000000000u;
                memcpy(blocks[i] + at, &mark, 8);
            }
        }
        free_all();
    }
}

static void likely_marks_mean_nothing(void)
{
    for_each_size(fill_with_likely_marks);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(restored_bytes_mean_nothing), CONFORM_CASE(adopted_bytes_mean_nothing),
        CONFORM_CASE(shifted_bytes_mean_nothing),  CONFORM_CASE(resized_bytes_mean_nothing),
        CONFORM_CASE(likely_marks_mean_nothing),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
