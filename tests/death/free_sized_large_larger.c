// free_sized_large_larger.c - free_sized of a block of 300000 bytes as one of 3000000.
// Expect: "wrong size on free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*free_with_size)(void *, size_t);
    death_lookup("free_sized", (void *)&free_with_size);
    free_with_size(death_named(death_block(300000)), 3000000);
    return DEATH_SURVIVED;
}
