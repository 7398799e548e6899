// forged_link.c - a free block's first word is made to point at a free block of another size.
// Expect: "corrupted free block" "(block of 256 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char *target = death_freed(16);
    char *block = death_named(death_freed(256));
    memcpy(block, &target, sizeof(target));
    return death_allocate_until_noticed(256);
}
