// fill_limit BYTES - allocates blocks of BYTES until malloc says no, frees them, and asks again.
//
// Run under RLIMIT_AS (scripts/measure_limits.py). Prints `fill_limit first_bytes=...
// again_bytes=... other_bytes_64=...`: what it got at first, what it got of the same size after
// everything was freed, and what it then got of each other size. Ends with 1 when a refusal is not
// ENOMEM, when a block's content changed, or when small blocks are refused after the frees.
// SPDX-License-Identifier: MIT
#include "../patterns/pattern.h"

#include <errno.h>

// A block's first words: the list of all blocks is kept in the blocks themselves.
typedef struct chain {
    struct chain *next;
    uint64_t mark;
} chain;

static const size_t other_sizes[] = {64, 1000, 20000, 300000, 5242880};

static chain *fill(size_t block_bytes, uint64_t *total_bytes)
{
    chain *all = NULL;
    *total_bytes = 0;
    errno = 0;
    for (chain *block; (block = malloc(block_bytes)) != NULL; all = block) {
        *block = (chain){all, (uint64_t)(uintptr_t)block ^ block_bytes};
        *total_bytes += block_bytes;
    }
    if (errno != ENOMEM) {
        pattern_fail("malloc refused without ENOMEM");
    }
    return all;
}

static void drop(chain *all, size_t block_bytes)
{
    while (all != NULL) {
        chain *next = all->next;
        if (all->mark != ((uint64_t)(uintptr_t)all ^ block_bytes)) {
            pattern_fail("a block's content changed while it was live");
        }
        free(all);
        all = next;
    }
}

static uint64_t fill_and_drop(size_t block_bytes)
{
    uint64_t total_bytes;
    drop(fill(block_bytes, &total_bytes), block_bytes);
    return total_bytes;
}

int main(int argument_count, char **arguments)
{
    size_t block_bytes =
        pattern_argument(argument_count, arguments, 1, 1000, sizeof(chain), SIZE_MAX / 2);
    uint64_t first_bytes = fill_and_drop(block_bytes);
    uint64_t again_bytes = fill_and_drop(block_bytes);
    uint64_t other_bytes[sizeof other_sizes / sizeof *other_sizes];
    for (size_t i = 0; i < sizeof other_sizes / sizeof *other_sizes; i++) {
        other_bytes[i] = fill_and_drop(other_sizes[i]);
    }
    printf(
        "fill_limit first_bytes=%llu again_bytes=%llu", (unsigned long long)first_bytes,
        (unsigned long long)again_bytes);
    for (size_t i = 0; i < sizeof other_sizes / sizeof *other_sizes; i++) {
        printf(" other_bytes_%zu=%llu", other_sizes[i], (unsigned long long)other_bytes[i]);
    }
    putchar('\n');
    return 0;
}
