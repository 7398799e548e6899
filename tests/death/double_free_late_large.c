// double_free_late_large.c - free of a large block that is free already, 20 frees later.
// Expect: "double free|invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    static char *others[20];
    for (size_t i = 0; i < 20; i++) {
        others[i] = death_block(300000);
    }
    char *block = death_freed(300000);
    for (size_t i = 0; i < 20; i++) {
        free(others[i]);
    }
    free(death_named(block));
    return DEATH_SURVIVED;
}
