// free_tiny_address.c - free of a small number taken for an address.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named((void *)(uintptr_t)0x10));
    return DEATH_SURVIVED;
}
