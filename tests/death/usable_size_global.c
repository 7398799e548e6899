// usable_size_global.c - malloc_usable_size of the address of a global object.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

static char global[64] __attribute__((aligned(16)));

int main(void)
{
    volatile size_t bytes = malloc_usable_size(death_named(global));
    (void)bytes;
    return DEATH_SURVIVED;
}
