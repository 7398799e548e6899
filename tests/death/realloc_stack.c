// realloc_stack.c - realloc of an address on the stack.
// Expect: "invalid realloc"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char on_stack[64] __attribute__((aligned(16)));
    memset(on_stack, 1, sizeof(on_stack));
    if (death_hidden(realloc(death_named(on_stack), 100)) == NULL) {
        return DEATH_UNPREPARED;
    }
    return DEATH_SURVIVED;
}
