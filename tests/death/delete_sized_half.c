// delete_sized_half.c - sized operator delete of a block of 48 bytes as one of 24.
// Expect: "wrong size on free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*delete_with_size)(void *, size_t);
    death_lookup("_ZdlPvm", (void *)&delete_with_size);
    delete_with_size(death_named(death_block(48)), 24);
    return DEATH_SURVIVED;
}
