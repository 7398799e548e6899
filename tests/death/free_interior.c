// free_interior.c - free of an address 16 bytes inside a block.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_block(48) + 16));
    return DEATH_SURVIVED;
}
