// usable_size_unmapped.c - malloc_usable_size of an address where nothing is mapped.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_unmapped()));
    (void)bytes;
    return DEATH_SURVIVED;
}
