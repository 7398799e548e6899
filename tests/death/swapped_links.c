// swapped_links.c - the links of two free blocks of a size are exchanged, as a copy of objects may.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char first[16];
    death_take_batch(48);
    char *one = death_named(death_batch[100]);
    char *other = death_named(death_batch[120]);
    free(death_hidden(one));
    free(death_hidden(other));
    memcpy(first, one, 16);
    memcpy(one, other, 16);
    memcpy(other, first, 16);
    return death_allocate_until_noticed(48);
}
