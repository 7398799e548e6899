// double_free_between_huge.c - free of a huge block that is free already, after another block was
// freed.
// Expect: "double free|invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char *other = death_block(8 << 20);
    char *block = death_freed(8 << 20);
    free(other);
    free(death_named(block));
    return DEATH_SURVIVED;
}
