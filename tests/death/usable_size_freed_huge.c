// usable_size_freed_huge.c - malloc_usable_size of a huge block that is free already.
// Expect: "usable_size of a freed block|invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_freed(8 << 20)));
    (void)bytes;
    return DEATH_SURVIVED;
}
