// usable_size_freed.c - malloc_usable_size of a block that is free already.
// Expect: "usable_size of a freed block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_freed(48)));
    (void)bytes;
    return DEATH_SURVIVED;
}
