// free_huge_interior.c - free of an address 16 bytes inside a huge block.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_block(8 << 20) + 16));
    return DEATH_SURVIVED;
}
