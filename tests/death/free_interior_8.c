// free_interior_8.c - free of an address 8 bytes inside a block.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_block(48) + 8));
    return DEATH_SURVIVED;
}
