// usable_size_tail_waste.c - malloc_usable_size of the unused end of a slab.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_tail_waste()));
    (void)bytes;
    return DEATH_SURVIVED;
}
