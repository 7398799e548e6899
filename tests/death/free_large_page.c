// free_large_page.c - free of the second page of a large block.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_block(300000) + 4096));
    return DEATH_SURVIVED;
}
