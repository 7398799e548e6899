// sharing active | passive - two threads write to small blocks that may share a cache line.
//
// Stresses where small blocks lie. Active: each thread allocates a block of 8 bytes of its own, again
// and again; an allocator that serves both from one line makes them slow each other down. Passive:
// one thread allocated neighbours, each thread frees the one that it was given and allocates anew; an
// allocator that gives it back the same place keeps the line shared. Real programs: per-thread
// counters and accumulators, reference counts, work items handed out by a master thread.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { THREADS = 2, ROUNDS = 800000, WRITES = 1000, BLOCK_BYTES = 8 };

static pthread_barrier_t barrier;
static uint64_t *given[THREADS];
static size_t rounds;
static int is_passive;

/// Writes again and again, as a counter is counted; the compiler may not join the writes.
static uint64_t block_use(uint64_t *block)
{
    volatile uint64_t *counter = block;
    *counter = 0;
    for (int i = 0; i < WRITES; i++) {
        *counter = *counter + 1;
    }
    return *counter;
}

static void *work(void *argument)
{
    size_t self = (uintptr_t)argument;
    uint64_t sum = 0;
    pthread_barrier_wait(&barrier);
    free(given[self]);
    for (size_t round = 0; round < rounds; round++) {
        uint64_t *block = pattern_alloc(BLOCK_BYTES);
        sum += block_use(block);
        free(block);
    }
    pattern_checksum_add(sum);
    return NULL;
}

int main(int argument_count, char **arguments)
{
    is_passive = argument_count == 2 && strcmp(arguments[1], "passive") == 0;
    if (argument_count != 2 || (!is_passive && strcmp(arguments[1], "active") != 0)) {
        fprintf(stderr, "usage: sharing active | passive\n");
        return 2;
    }
    rounds = pattern_work(ROUNDS);
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (size_t thread = 0; is_passive && thread < THREADS; thread++) { // neighbours
        given[thread] = pattern_alloc(BLOCK_BYTES);
    }
    pthread_t threads[THREADS];
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < THREADS; i++) {
        pattern_thread_start(&threads[i], work, (void *)i);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    const char *name = is_passive ? "sharing_passive" : "sharing_active";
    return pattern_report(name, (uint64_t)rounds * THREADS, elapsed_ns);
}
