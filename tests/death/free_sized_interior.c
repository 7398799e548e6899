// free_sized_interior.c - free_sized of an address inside a block.
// Expect: "invalid free|wrong size on free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*free_with_size)(void *, size_t);
    death_lookup("free_sized", (void *)&free_with_size);
    free_with_size(death_named(death_block(48) + 16), 48);
    return DEATH_SURVIVED;
}
