// pool_put_interior.c - a pointer into a block is put back.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_pool *pool = death_pool();
    unsigned char *block = acre_pool_get(pool);
    acre_pool_put(pool, death_named(block + 8));
    return DEATH_SURVIVED;
}
