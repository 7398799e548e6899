// free_sized_half.c - free_sized of a block of 48 bytes as one of 24.
// Expect: "wrong size on free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*free_with_size)(void *, size_t);
    death_lookup("free_sized", (void *)&free_with_size);
    free_with_size(death_named(death_block(48)), 24);
    return DEATH_SURVIVED;
}
