// copied_link.c - the first words of a free block are copied over those of another, as a copy of
// objects may.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    death_take_batch(48);
    char *one = death_named(death_batch[100]);
    char *other = death_named(death_batch[120]);
    free(death_hidden(one));
    free(death_hidden(other));
    // The one freed last leads to the one freed before it, which then leads to itself, whole in every
    // word: so would it if it had been freed twice, and that is what is said.
    memcpy(one, other, 16);
    return death_allocate_until_noticed(48);
}
