// overflow_zeros.c - a block and 16 bytes behind it are cleared, over a free block.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    death_take_batch(48);
    char *block = death_before_a_free_block(48);
    memset(block, 0, 64);
    return death_allocate_until_noticed(48);
}
