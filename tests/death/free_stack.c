// free_stack.c - free of an address on the stack.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char on_stack[64] __attribute__((aligned(16)));
    memset(on_stack, 1, sizeof(on_stack));
    free(death_named(on_stack));
    return DEATH_SURVIVED;
}
