// double_free_huge.c - free of a huge block that is free already, at once.
// Expect: "double free|invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_freed(8 << 20)));
    return DEATH_SURVIVED;
}
