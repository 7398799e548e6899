// partitions_free_foreign.c - a block of malloc is freed to a partition set.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "pools.h"

int main(void)
{
    acre_partitions *set = death_partitions();
    (void)acre_partitions_alloc(set, 100);
    acre_partitions_free(set, death_named(malloc(100)));
    return DEATH_SURVIVED;
}
