// fit_free_foreign.c - a pointer from elsewhere is freed into a fit heap.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "fit_death.h"

int main(void)
{
    fit_death_open(0);
    (void)fit_death_free(death_named(death_own_mapping()));
    return DEATH_SURVIVED;
}
