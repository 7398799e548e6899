// fit_overflow.c - a block of a fit heap is written past its end: onto the tag behind it.
// Expect: "block written past its end"
// SPDX-License-Identifier: MIT
#include "fit_death.h"

int main(void)
{
    fit_death_open(0);
    char *block = fit_death_alloc(112);
    memset(block, 1, 120);
    (void)fit_death_free(death_named(block));
    return DEATH_SURVIVED;
}
