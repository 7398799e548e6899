// realloc_freed_huge.c - realloc of a huge block that is free already.
// Expect: "realloc of a freed block|invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    if (death_hidden(realloc(death_named(death_freed(8 << 20)), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
