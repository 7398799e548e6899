// free_own_mapping.c - free of an address in a mapping of the program's own.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_own_mapping()));
    return DEATH_SURVIVED;
}
