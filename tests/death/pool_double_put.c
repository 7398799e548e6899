// pool_double_put.c - a block is put back to its pool twice.
// Expect: "double free" "(block of 40 bytes)"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_pool *pool = death_pool();
    void *block = acre_pool_get(pool);
    (void)acre_pool_get(pool);
    acre_pool_put(pool, block);
    acre_pool_put(pool, death_named(block));
    return DEATH_SURVIVED;
}
