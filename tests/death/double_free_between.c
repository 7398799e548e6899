// double_free_between.c - free of a block that is free already, after another block was freed.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char *other = death_block(48);
    char *block = death_freed(48);
    free(other);
    free(death_named(block));
    return DEATH_SURVIVED;
}
