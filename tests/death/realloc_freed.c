// realloc_freed.c - realloc of a block that is free already.
// Expect: "realloc of a freed block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    if (death_hidden(realloc(death_named(death_freed(48)), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
