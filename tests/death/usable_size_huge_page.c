// usable_size_huge_page.c - malloc_usable_size of an address 1 MiB inside a huge block.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_block(8 << 20) + (1 << 20)));
    (void)bytes;
    return DEATH_SURVIVED;
}
