// free_huge_page.c - free of an address 1 MiB inside a huge block.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_block(8 << 20) + (1 << 20)));
    return DEATH_SURVIVED;
}
