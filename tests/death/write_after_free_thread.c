// write_after_free_thread.c - a block that another thread freed is written by the one that
// allocated it.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"
#include <pthread.h>

static void *free_it(void *block)
{
    free(block);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    death_take_batch(48);
    char *block = death_named(death_batch[100]);
    if (pthread_create(&thread, NULL, free_it, block) != 0) {
        return DEATH_UNPREPARED;
    }
    (void)pthread_join(thread, NULL);
    memset(block, 0x41, 48);
    return death_allocate_until_noticed(48);
}
