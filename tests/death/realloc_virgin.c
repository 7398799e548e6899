// realloc_virgin.c - realloc of the place of a block that nobody has asked for yet.
// Expect: "invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    if (death_hidden(realloc(death_named(death_virgin()), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
