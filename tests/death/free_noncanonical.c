// free_noncanonical.c - free of a number that no address can have.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named((void *)(uintptr_t)0x4141414141414140));
    return DEATH_SURVIVED;
}
