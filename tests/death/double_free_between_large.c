// double_free_between_large.c - free of a large block that is free already, after another block was
// freed.
// Expect: "double free|invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char *other = death_block(300000);
    char *block = death_freed(300000);
    free(other);
    free(death_named(block));
    return DEATH_SURVIVED;
}
