// free_unmapped.c - free of an address where nothing is mapped.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_unmapped()));
    return DEATH_SURVIVED;
}
