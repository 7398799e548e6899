// overflow_16_bytes.c - 16 bytes written past the end of a block over a free one.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    death_take_batch(48);
    char *block = death_before_a_free_block(48);
    memset(block + 48, 0x41, 16);
    return death_allocate_until_noticed(48);
}
