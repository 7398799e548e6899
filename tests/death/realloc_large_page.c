// realloc_large_page.c - realloc of the second page of a large block.
// Expect: "invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    if (death_hidden(realloc(death_named(death_block(300000) + 4096), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
