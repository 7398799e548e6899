// free_aligned_sized_large.c - free_aligned_sized of a block of 300000 bytes as one of 3000 aligned
// to 64.
// Expect: "wrong size on free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*free_with_both)(void *, size_t, size_t);
    death_lookup("free_aligned_sized", (void *)&free_with_both);
    free_with_both(death_named(death_block(300000)), 64, 3000);
    return DEATH_SURVIVED;
}
