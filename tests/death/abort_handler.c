// abort_handler.c - the program handles SIGABRT and allocates there, while acre ends it for a block that was
// written to: it must end, not hang.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

#include <signal.h>

static void on_abort(int number)
{
    for (size_t size = 16; size < 100000; size *= 2) {
        free(death_hidden(malloc(size)));
    }
    (void)signal(number, SIG_DFL);
}

int main(void)
{
    (void)signal(SIGABRT, on_abort);
    death_take_batch(48);
    for (size_t i = 0; i < 100; i++) {
        free(death_hidden(death_batch[i]));
    }
    memset(death_named(death_batch[50]), 'A', 16); // in the middle of a list
    return death_allocate_until_noticed(48);
}
