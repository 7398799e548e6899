// double_free_near_broken.c - a double free of a block whose neighbours on the list were written to: the
// search that makes sure of it meets them first.
// Expect: "double free|corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

enum { BLOCKS = 2000, FREED = 1300 };

int main(void)
{
    static char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = death_block(48);
    }
    for (size_t i = 0; i < FREED; i++) {
        free(death_hidden(blocks[i]));
    }
    // The next block from among them: the others wait behind it, the one freed before it first.
    char *taken;
    do {
        taken = death_block(48);
    } while (taken < blocks[0] || taken > blocks[FREED - 1]);
    size_t at = 0;
    while (blocks[at] != taken) {
        at += 1;
    }
    memset(death_named(blocks[at - 1]), 'A', 16);
    free(death_named(blocks[at - 5]));
    return DEATH_SURVIVED;
}
