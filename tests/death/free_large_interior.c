// free_large_interior.c - free of an address 16 bytes inside a large block.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_block(300000) + 16));
    return DEATH_SURVIVED;
}
