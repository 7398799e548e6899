// usable_size_interior_odd.c - malloc_usable_size of an address one byte inside a block.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_block(48) + 1));
    (void)bytes;
    return DEATH_SURVIVED;
}
