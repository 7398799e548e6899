// usable_size_stack.c - malloc_usable_size of an address on the stack.
// Expect: "invalid usable_size"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    char on_stack[64] __attribute__((aligned(16)));
    memset(on_stack, 1, sizeof(on_stack));
    volatile size_t bytes = malloc_usable_size(death_named(on_stack));
    (void)bytes;
    return DEATH_SURVIVED;
}
