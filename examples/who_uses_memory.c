// who_uses_memory.c - where a program's memory is: statistics of each of its heaps, and a walk that
// counts blocks by their size.
//
//     cc who_uses_memory.c -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acre/acre.h"
#include "acre/malloc.h"
#include "acre/port/linux.h"

enum { SIZES_LOG2 = 32, TITLE_BYTES = 20000 };

static const size_t picture_bytes = (size_t)3 << 20;

/// Bytes in live blocks, by the power of two that the size of each reaches.
struct census {
    size_t bytes[SIZES_LOG2];
    size_t blocks[SIZES_LOG2];
};

/// Called for each live block. It must not allocate from the heap that is walked.
static bool count_block(void *context, void *block, size_t usable_bytes)
{
    struct census *census = context;
    unsigned row = 0;
    (void)block;
    while (row + 1 < SIZES_LOG2 && usable_bytes >> (row + 1) != 0) {
        row += 1;
    }
    census->bytes[row] += usable_bytes;
    census->blocks[row] += 1;
    return true; // false would end the walk
}

static void report(const char *name, acre_heap *heap)
{
    struct census census = {0};
    acre_heap_stats stats;
    acre_heap_get_stats(heap, &stats);
    printf(
        "%s: %zu KiB in %zu blocks, %zu KiB held\n", name, stats.live_bytes / 1024,
        stats.live_blocks, stats.committed_bytes / 1024);
    (void)acre_heap_walk(heap, count_block, &census);
    for (unsigned row = 0; row < SIZES_LOG2; row++) {
        if (census.blocks[row] != 0) {
            printf(
                "  from %8zu bytes: %6zu blocks, %6zu KiB\n", (size_t)1 << row, census.blocks[row],
                census.bytes[row] / 1024);
        }
    }
}

int main(void)
{
    const acre_heap_options options = {.name = "cache"};
    acre_heap *cache;
    if (acre_heap_create(acre_pages_mmap(), &options, &cache) != ACRE_OK) {
        return 1;
    }
    // A program with a part that has a heap of its own, and a rest that calls malloc.
    size_t made = 0;
    for (size_t i = 1; i <= 1000; i++) {
        made += acre_heap_alloc(cache, 32 * (i % 100 + 1)) != NULL ? 1 : 0;
    }
    char *picture = malloc(picture_bytes);
    char *title = calloc(1, TITLE_BYTES);
    if (made != 1000 || picture == NULL || title == NULL) {
        return 1;
    }
    memset(picture, ' ', picture_bytes);
    (void)snprintf(title, TITLE_BYTES, "a picture of %zu bytes", picture_bytes);
    puts(title);

    report("cache", cache);
    report("the rest", acre_default_heap());

    free(title);
    free(picture);
    acre_heap_destroy(cache);
    return 0;
}
