// double_free_large.c - free of a large block that is free already, at once.
// Expect: "double free|invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_freed(300000)));
    return DEATH_SURVIVED;
}
