// fit_free_joined.c - a block that has been joined with the one in front is freed again.
// Expect: "double free"
// SPDX-License-Identifier: MIT
#include "fit_death.h"

int main(void)
{
    fit_death_open(0);
    char *front = fit_death_alloc(100);
    char *block = fit_death_alloc(100);
    (void)fit_death_free(front);
    (void)fit_death_free(block);
    (void)fit_death_free(death_named(block));
    return DEATH_SURVIVED;
}
