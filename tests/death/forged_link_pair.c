// forged_link_pair.c - both words of a free block are made to point at a live block.
// Expect: "corrupted free block" "(block of 256 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char *target = death_block(256);
    char *block = death_named(death_freed(256));
    memcpy(block, &target, sizeof(target));
    memcpy(block + sizeof(target), &target, sizeof(target));
    return death_allocate_until_noticed(256);
}
