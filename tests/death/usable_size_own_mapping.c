// usable_size_own_mapping.c - malloc_usable_size of an address in a mapping of the program's own.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_own_mapping()));
    (void)bytes;
    return DEATH_SURVIVED;
}
