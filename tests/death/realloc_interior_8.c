// realloc_interior_8.c - realloc of an address 8 bytes inside a block.
// Expect: "invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    if (death_hidden(realloc(death_named(death_block(48) + 8), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
