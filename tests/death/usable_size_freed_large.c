// usable_size_freed_large.c - malloc_usable_size of a large block that is free already.
// Expect: "usable_size of a freed block|invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_freed(300000)));
    (void)bytes;
    return DEATH_SURVIVED;
}
