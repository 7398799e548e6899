// usable_size_virgin.c - malloc_usable_size of the place of a block that nobody has asked for yet.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(death_virgin()));
    (void)bytes;
    return DEATH_SURVIVED;
}
