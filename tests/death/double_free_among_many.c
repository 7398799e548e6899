// double_free_among_many.c - free of a block that is free already, in a large heap, in a slab that is nearly
// full of live blocks and that nobody allocates from.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

enum { BLOCKS = 200000 };

static char *blocks[BLOCKS];

int main(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = death_block(48);
    }
    for (size_t i = 100000; i < 100200; i++) {
        free(death_hidden(blocks[i]));
    }
    free(death_named(blocks[100020]));
    return DEATH_SURVIVED;
}
