// double_free_far.c - free of a block that is free already, in a heap so large that free does not look
// at blocks of slabs that nobody allocates from: it is noticed when the block is to be handed out again.
// Expect: "double free|corrupted free block" "(block of 48 bytes)"
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
    return death_allocate_until_noticed(48);
}
