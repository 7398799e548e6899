// delete_sized_large.c - sized operator delete of a block of 300000 bytes as one of 3000.
// Expect: "wrong size on free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*delete_with_size)(void *, size_t);
    death_lookup("_ZdlPvm", (void *)&delete_with_size);
    delete_with_size(death_named(death_block(300000)), 3000);
    return DEATH_SURVIVED;
}
