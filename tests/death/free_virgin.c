// free_virgin.c - free of the place of a block that nobody has asked for yet.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_virgin()));
    return DEATH_SURVIVED;
}
