// double_free_late.c - free of a block that is free already, 200 frees later.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    static char *others[200];
    for (size_t i = 0; i < 200; i++) {
        others[i] = death_block(48);
    }
    char *block = death_freed(48);
    for (size_t i = 0; i < 200; i++) {
        free(others[i]);
    }
    free(death_named(block));
    return DEATH_SURVIVED;
}
