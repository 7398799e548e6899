// partitions_realloc_freed.c - a freed block of a partition set is resized.
// Expect: "realloc of a freed block" "(block of 144 bytes)"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_partitions *set = death_partitions();
    void *block = acre_partitions_alloc(set, 100);
    acre_partitions_free(set, block);
    (void)acre_partitions_realloc(set, death_named(block), 110); // it would have fitted
    return DEATH_SURVIVED;
}
