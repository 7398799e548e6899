// partitions_double_free.c - a block of a partition set is freed twice.
// Expect: "double free" "(block of 144 bytes)"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_partitions *set = death_partitions();
    void *block = acre_partitions_alloc(set, 100);
    (void)acre_partitions_alloc(set, 100);
    acre_partitions_free(set, block);
    acre_partitions_free(set, death_named(block));
    return DEATH_SURVIVED;
}
