// phase - fills 48 MiB with blocks of one size, frees 90 % at random, goes on with another size.
//
// Stresses memory that is free and cannot be used: the slabs of the size that is gone are all a
// little used, and the next size needs slabs of its own. Eight phases of 48 bytes to 8 KiB; every
// byte is written; 48 MiB are live at the end of each. Real programs: compilers (parse, optimise,
// emit), servers that change from import to queries, games between levels, editors after closing a
// document.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { ROUNDS = 2, SURVIVOR_PERCENT = 10 };
#define TARGET_BYTES ((size_t)48 << 20)
#define MOST_BLOCKS  (TARGET_BYTES / 48)

/// A block says how long it is, so that the pattern's own table is small.
typedef struct block {
    uint32_t bytes; // all of it
    char rest[];
} block;

typedef struct phase_sizes {
    size_t low_bytes;
    size_t high_bytes; // not included
} phase_sizes;

static const phase_sizes phases[] = {
    {48, 49}, {128, 161}, {512, 1025}, {64, 81}, {2048, 2049}, {80, 97}, {4096, 8193}, {256, 257},
};

static block *blocks[MOST_BLOCKS];
static size_t block_count;
static uint64_t pair_count;

static void phase_fill(const phase_sizes *sizes, pattern_random *random)
{
    while (pattern_result.live_bytes < TARGET_BYTES && block_count < MOST_BLOCKS) {
        size_t bytes = pattern_random_size(random, sizes->low_bytes, sizes->high_bytes);
        block *made = pattern_alloc(bytes);
        made->bytes = (uint32_t)bytes;
        memset(made->rest, (int)(bytes & 0x7f), bytes - sizeof *made);
        pattern_live_add(bytes);
        blocks[block_count++] = made;
        pair_count++;
    }
}

static void block_free(block *dropped)
{
    if (dropped->rest[dropped->bytes - sizeof *dropped - 1] != (char)(dropped->bytes & 0x7f)) {
        pattern_fail("a block's content changed while it was live");
    }
    pattern_live_subtract(dropped->bytes);
    pattern_checksum_add(dropped->bytes);
    free(dropped);
}

static void phase_thin(size_t keep_percent, pattern_random *random)
{
    size_t kept = 0;
    for (size_t i = 0; i < block_count; i++) {
        if (pattern_random_below(random, 100) < keep_percent) {
            blocks[kept++] = blocks[i];
        } else {
            block_free(blocks[i]);
        }
    }
    block_count = kept;
}

int main(void)
{
    pattern_random random = pattern_random_seed(9);
    size_t rounds = pattern_work(ROUNDS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
            phase_fill(&phases[i], &random);
            phase_thin(SURVIVOR_PERCENT, &random);
        }
    }
    phase_thin(0, &random);
    return pattern_report("phase", pair_count, pattern_now_ns() - start_ns);
}
