// overflow_1_bit.c - one bit changed past the end of a block in a free one.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    death_take_batch(48);
    char *block = death_before_a_free_block(48);
    block[48] ^= 16;
    return death_allocate_until_noticed(48);
}
