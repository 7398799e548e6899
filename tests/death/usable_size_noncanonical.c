// usable_size_noncanonical.c - malloc_usable_size of a number that no address can have.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named((void *)(uintptr_t)0x4141414141414140));
    (void)bytes;
    return DEATH_SURVIVED;
}
