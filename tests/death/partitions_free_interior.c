// partitions_free_interior.c - the middle of a block of a partition set is freed.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_partitions *set = death_partitions();
    char *block = acre_partitions_alloc(set, 800);
    acre_partitions_free(set, death_named(block + 48)); // a multiple of another partition's blocks
    return DEATH_SURVIVED;
}
