// usable_size_huge_interior.c - malloc_usable_size of an address 16 bytes inside a huge block.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_block(8 << 20) + 16));
    (void)bytes;
    return DEATH_SURVIVED;
}
