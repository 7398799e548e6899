// write_after_free.c - a whole block is written after it was freed.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    death_take_batch(48);
    char *block = death_named(death_batch[100]);
    free(death_hidden(block));
    memset(block, 0x41, 48);
    return death_allocate_until_noticed(48);
}
