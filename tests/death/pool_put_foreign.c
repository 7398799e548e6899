// pool_put_foreign.c - a block of malloc is put back to a pool.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_pool_put(death_pool(), death_named(death_block(40)));
    return DEATH_SURVIVED;
}
