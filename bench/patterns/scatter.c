// scatter - 100 000 blocks of 16 to 1 024 bytes are allocated, then freed in random order.
//
// Stresses frees that find no block in the cache and no two of the same slab in a row, and lists of
// free blocks whose order has nothing to do with addresses when the next round fills them again.
// Real programs: caches that evict by age or chance, garbage collectors of foreign objects, event
// queues, anything that drops a hash table.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { BLOCK_COUNT = 100000, ROUNDS = 30 };

static char *blocks[BLOCK_COUNT];
static uint32_t sizes[BLOCK_COUNT];
static uint32_t order[BLOCK_COUNT];

static void order_shuffle(pattern_random *random)
{
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        order[i] = i;
    }
    for (uint32_t i = BLOCK_COUNT; i > 1; i--) {
        size_t other = pattern_random_below(random, i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void blocks_fill(pattern_random *random)
{
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        size_t bytes = pattern_random_size(random, 16, 1025);
        blocks[i] = pattern_alloc(bytes);
        pattern_stamp(blocks[i], bytes);
        pattern_live_add(bytes);
        sizes[i] = (uint32_t)bytes;
    }
}

static void blocks_free(void)
{
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        uint32_t victim = order[i];
        pattern_check(blocks[victim], sizes[victim]);
        pattern_live_subtract(sizes[victim]);
        free(blocks[victim]);
    }
}

int main(void)
{
    pattern_random random = pattern_random_seed(7);
    size_t rounds = pattern_work(ROUNDS);
    uint64_t elapsed_ns = 0;
    for (size_t round = 0; round < rounds; round++) {
        order_shuffle(&random); // not timed
        uint64_t start_ns = pattern_now_ns();
        blocks_fill(&random);
        blocks_free();
        elapsed_ns += pattern_now_ns() - start_ns;
        pattern_checksum_add(sizes[order[0]] * (round + 1));
    }
    return pattern_report("scatter", rounds * BLOCK_COUNT, elapsed_ns);
}
