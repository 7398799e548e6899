// double_delete.c - operator delete of a block that is free already.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    void (*delete_block)(void *);
    death_lookup("_ZdlPv", (void *)&delete_block);
    delete_block(death_named(death_freed(48)));
    return DEATH_SURVIVED;
}
