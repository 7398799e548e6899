// batch - 5 000 blocks of 32 bytes are allocated in order, then freed in the same order.
//
// Stresses refill and give-back of one size class at a small working set: every list that a cache
// of limited length keeps overflows and drains. Real programs: a request or a frame that builds a
// list and drops it, parsers that free a syntax tree's nodes in order of creation.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { BLOCK_COUNT = 5000, BLOCK_BYTES = 32, ROUNDS = 4000 };

static char *blocks[BLOCK_COUNT];

static void blocks_fill(void)
{
    for (int i = 0; i < BLOCK_COUNT; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        *blocks[i] = (char)i;
    }
}

int main(void)
{
    size_t rounds = pattern_work(ROUNDS);
    pattern_result.peak_live_bytes = (uint64_t)BLOCK_COUNT * BLOCK_BYTES;
    uint64_t start_ns = pattern_now_ns();
    for (size_t round = 0; round < rounds; round++) {
        blocks_fill();
        for (int i = 0; i < BLOCK_COUNT; i++) {
            free(blocks[i]);
        }
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    blocks_fill();
    for (int i = 0; i < BLOCK_COUNT; i++) { // not timed: reading before free is not the pattern
        if (*blocks[i] != (char)i) {
            pattern_fail("a block's content changed while it was live");
        }
        pattern_checksum_add((uint64_t)(unsigned char)*blocks[i] * (uint64_t)i);
        free(blocks[i]);
    }
    return pattern_report("batch", rounds * BLOCK_COUNT, elapsed_ns);
}
