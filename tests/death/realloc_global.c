// realloc_global.c - realloc of the address of a global object.
// Expect: "invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

static char global[64] __attribute__((aligned(16)));

int main(void)
{
    if (death_hidden(realloc(death_named(global), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
