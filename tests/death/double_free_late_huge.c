// double_free_late_huge.c - free of a huge block that is free already, 3 frees later.
// Expect: "double free|invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    static char *others[3];
    for (size_t i = 0; i < 3; i++) {
        others[i] = death_block(8 << 20);
    }
    char *block = death_freed(8 << 20);
    for (size_t i = 0; i < 3; i++) {
        free(others[i]);
    }
    free(death_named(block));
    return DEATH_SURVIVED;
}
