// free_aligned_sized_larger.c - free_aligned_sized of a block of 48 bytes as one of 480 aligned to
// 16.
// Expect: "wrong size on free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*free_with_both)(void *, size_t, size_t);
    death_lookup("free_aligned_sized", (void *)&free_with_both);
    free_with_both(death_named(death_block(48)), 16, 480);
    return DEATH_SURVIVED;
}
