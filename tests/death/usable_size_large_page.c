// usable_size_large_page.c - malloc_usable_size of the second page of a large block.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_block(300000) + 4096));
    (void)bytes;
    return DEATH_SURVIVED;
}
