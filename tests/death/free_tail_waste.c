// free_tail_waste.c - free of the unused end of a slab.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_tail_waste()));
    return DEATH_SURVIVED;
}
