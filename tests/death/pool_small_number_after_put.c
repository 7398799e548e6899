// pool_small_number_after_put.c - a counter in a block is set after the block was put back: a small number
// where its link is, which the number of a block might be.
// Expect: "corrupted free block" "(block of 40 bytes)"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_pool *pool = death_pool();
    uint32_t *blocks[4];
    for (unsigned i = 0; i < 4; i++) {
        blocks[i] = acre_pool_get(pool);
    }
    for (unsigned i = 0; i < 4; i++) {
        acre_pool_put(pool, blocks[i]);
    }
    *(uint32_t *)death_named(blocks[3]) = 3;
    return acre_pool_get(pool) == NULL ? DEATH_UNPREPARED : DEATH_SURVIVED;
}
