// idle_threads COUNT - COUNT threads use malloc, then sleep; prints anonymous memory in KiB.
//
// Stresses what an allocator keeps for each live thread that does nothing. Real programs: servers
// with a thread a connection, thread pools far larger than the machine, desktop programs.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <pthread.h>

enum { MOST_THREADS = 10000, STACK_BYTES = 64 * 1024 };

static pthread_barrier_t everyone_idle;
static pthread_barrier_t time_to_end;

static void *idle(void *unused)
{
    for (size_t bytes = 16; bytes <= 1024; bytes *= 2) {
        void *block = pattern_alloc(bytes);
        pattern_stamp(block, bytes);
        pattern_check(block, bytes);
        free(block);
    }
    pthread_barrier_wait(&everyone_idle);
    pthread_barrier_wait(&time_to_end);
    return unused;
}

int main(int argument_count, char **arguments)
{
    static pthread_t threads[MOST_THREADS];
    size_t thread_count = pattern_argument(argument_count, arguments, 1, 100, 0, MOST_THREADS);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_barrier_init(&everyone_idle, NULL, (unsigned)thread_count + 1);
    pthread_barrier_init(&time_to_end, NULL, (unsigned)thread_count + 1);
    for (size_t i = 0; i < thread_count; i++) {
        if (pthread_create(&threads[i], &attributes, idle, NULL) != 0) {
            pattern_fail("no thread");
        }
    }
    pthread_barrier_wait(&everyone_idle);
    uint64_t anonymous_kib = pattern_proc_kib("/proc/self/smaps_rollup", "\nAnonymous:");
    pthread_barrier_wait(&time_to_end);
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%llu\n", (unsigned long long)anonymous_kib);
    return 0;
}
