// realloc_interior_odd.c - realloc of an address one byte inside a block.
// Expect: "invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    if (death_hidden(realloc(death_named(death_block(48) + 1), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
