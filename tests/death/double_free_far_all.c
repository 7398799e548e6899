// double_free_far_all.c - all blocks of a large heap but one are freed, and one of its slab twice: by
// the counters that slab is empty. Its memory must not be used while the one block lives.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

enum { BLOCKS = 200000, LIVE = 100000, TWICE = 100007 };

static char *blocks[BLOCKS];

int main(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = death_block(48);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i != LIVE) {
            free(death_hidden(blocks[i]));
        }
        if (i == TWICE + 1) {
            free(death_named(blocks[TWICE]));
        }
    }
    // Blocks of other sizes need slabs, which the empty ones become.
    for (size_t i = 0; i < BLOCKS; i++) {
        (void)death_block(1000);
    }
    return DEATH_SURVIVED;
}
