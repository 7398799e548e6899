// partitions_free_sized_larger.c - a block of a partition set is freed with a size that it never had.
// Expect: "wrong size on free" "(block of 144 bytes)"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_partitions *set = death_partitions();
    void *block = acre_partitions_alloc(set, 140);
    acre_partitions_free_sized(set, death_named(block), 145);
    return DEATH_SURVIVED;
}
