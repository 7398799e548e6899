// double_free.c - free of a block that is free already, at once.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    free(death_named(death_freed(48)));
    return DEATH_SURVIVED;
}
