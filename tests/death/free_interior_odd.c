// free_interior_odd.c - free of an address one byte inside a block.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_block(48) + 1));
    return DEATH_SURVIVED;
}
