// double_free_thread_huge.c - free of a huge block that is free already, in another thread.
// Expect: "double free|invalid free"
// SPDX-License-Identifier: MIT
#include "death.h"
#include <pthread.h>

static void *free_again(void *block)
{
    free(block);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    // What the C library keeps for its first thread shall not be what reuses the freed block.
    if (pthread_create(&thread, NULL, free_again, NULL) != 0 || pthread_join(thread, NULL) != 0) {
        return DEATH_UNPREPARED;
    }
    char *block = death_named(death_freed(8 << 20));
    if (pthread_create(&thread, NULL, free_again, block) != 0) {
        return DEATH_UNPREPARED;
    }
    (void)pthread_join(thread, NULL);
    return DEATH_SURVIVED;
}
