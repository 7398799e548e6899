// write_after_free_thread.c - a block that another thread freed is written by the one that
// allocated it.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"
#include <pthread.h>
#include <sched.h>

static void *free_it(void *block)
{
    free(block);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    // On one processor both threads are on one slot in turn. On two, the first may come back to another
    // slot, where it has no use for the slab, and the damage would stay unnoticed, and do no harm.
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
    death_take_batch(48);
    char *block = death_named(death_batch[100]);
    if (pthread_create(&thread, NULL, free_it, block) != 0) {
        return DEATH_UNPREPARED;
    }
    (void)pthread_join(thread, NULL);
    memset(block, 0x41, 48);
    return death_allocate_until_noticed(48);
}
