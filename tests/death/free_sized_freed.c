// free_sized_freed.c - free_sized of a block that is free already.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*free_with_size)(void *, size_t);
    death_lookup("free_sized", (void *)&free_with_size);
    free_with_size(death_named(death_freed(48)), 48);
    return DEATH_SURVIVED;
}
