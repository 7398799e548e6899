// free_global.c - free of the address of a global object.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

static char global[64] __attribute__((aligned(16)));

int main(void)
{
    free(death_named(global));
    return DEATH_SURVIVED;
}
