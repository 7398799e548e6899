// double_free_foreign.c - both frees of a block happen in a thread that did not allocate it.
// Expect: "double free" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"
#include <pthread.h>

static void *free_twice(void *block)
{
    free(death_hidden(block));
    free(block);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    char *block = death_named(death_block(48));
    if (pthread_create(&thread, NULL, free_twice, block) != 0) {
        return DEATH_UNPREPARED;
    }
    (void)pthread_join(thread, NULL);
    return DEATH_SURVIVED;
}
