// fit_overflow_debug.c - one byte too many, in the debug form.
// Expect: "block written past its end"
// SPDX-License-Identifier: MIT
#include "fit_death.h"

int main(void)
{
    fit_death_open(ACRE_FIT_DEBUG);
    char *block = fit_death_alloc(101);
    memset(block, 1, 102);
    (void)fit_death_free(death_named(block));
    return DEATH_SURVIVED;
}
