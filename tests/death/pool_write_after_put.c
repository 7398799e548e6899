// pool_write_after_put.c - a block is written to after it was put back, over its link.
// Expect: "corrupted free block" "(block of 40 bytes)"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_pool *pool = death_pool();
    void *block = acre_pool_get(pool);
    acre_pool_put(pool, block);
    memset(death_named(block), 0xff, 40);
    return acre_pool_get(pool) == NULL ? DEATH_UNPREPARED : DEATH_SURVIVED;
}
