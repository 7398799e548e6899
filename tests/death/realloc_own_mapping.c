// realloc_own_mapping.c - realloc of an address in a mapping of the program's own.
// Expect: "invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    if (death_hidden(realloc(death_named(death_own_mapping()), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
