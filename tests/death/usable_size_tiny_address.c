// usable_size_tiny_address.c - malloc_usable_size of a small number taken for an address.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named((void *)(uintptr_t)0x10));
    (void)bytes;
    return DEATH_SURVIVED;
}
