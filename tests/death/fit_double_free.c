// fit_double_free.c - a block of a fit heap is freed twice.
// Expect: "double free"
// SPDX-License-Identifier: MIT
#include "fit_death.h"

int main(void)
{
    fit_death_open(0);
    char *block = fit_death_alloc(100);
    (void)fit_death_alloc(100);
    (void)fit_death_free(block);
    (void)fit_death_free(death_named(block));
    return DEATH_SURVIVED;
}
