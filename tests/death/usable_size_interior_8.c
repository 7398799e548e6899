// usable_size_interior_8.c - malloc_usable_size of an address 8 bytes inside a block.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_block(48) + 8));
    (void)bytes;
    return DEATH_SURVIVED;
}
