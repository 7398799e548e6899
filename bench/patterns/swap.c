// swap [THREADS] - each thread allocates a batch, and its neighbour frees it.
//
// Stresses whole slabs that come home from another thread at once, while the own thread allocates
// the next batch. 20 000 blocks of 16 to 256 bytes a batch; all threads meet between the steps.
// Real programs: double-buffered simulations and games, bulk-synchronous jobs, map and reduce
// steps.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <pthread.h>

enum { MOST_THREADS = 64, BATCH_BLOCKS = 20000, TOTAL_BATCHES = 320 };

typedef struct batch {
    void *blocks[BATCH_BLOCKS];
    uint32_t sizes[BATCH_BLOCKS];
} batch;

static batch *batches[MOST_THREADS];
static pthread_barrier_t barrier;
static size_t thread_count;
static size_t rounds;

static void batch_fill(batch *filled, pattern_random *random)
{
    for (size_t i = 0; i < BATCH_BLOCKS; i++) {
        size_t bytes = pattern_random_size(random, 16, 257);
        filled->sizes[i] = (uint32_t)bytes;
        filled->blocks[i] = pattern_alloc(bytes);
        pattern_stamp(filled->blocks[i], bytes);
    }
}

static void batch_drop(const batch *dropped)
{
    for (size_t i = 0; i < BATCH_BLOCKS; i++) {
        pattern_check(dropped->blocks[i], dropped->sizes[i]);
        free(dropped->blocks[i]);
    }
}

static void *work(void *argument)
{
    size_t self = (uintptr_t)argument;
    pattern_random random = pattern_random_seed(400 + self);
    uint64_t sum = 0;
    for (size_t round = 0; round < rounds; round++) {
        batch_fill(batches[self], &random);
        sum += batches[self]->sizes[round % BATCH_BLOCKS];
        pthread_barrier_wait(&barrier);
        batch_drop(batches[(self + 1) % thread_count]);
        pthread_barrier_wait(&barrier);
    }
    pattern_checksum_add(sum);
    return NULL;
}

int main(int argument_count, char **arguments)
{
    pthread_t threads[MOST_THREADS];
    thread_count = pattern_argument(argument_count, arguments, 1, 2, 1, MOST_THREADS);
    rounds = pattern_work(TOTAL_BATCHES / thread_count);
    pthread_barrier_init(&barrier, NULL, (unsigned)thread_count);
    for (size_t i = 0; i < thread_count; i++) {
        batches[i] = pattern_alloc(sizeof *batches[i]);
    }
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < thread_count; i++) {
        pattern_thread_start(&threads[i], work, (void *)i);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    for (size_t i = 0; i < thread_count; i++) {
        free(batches[i]);
    }
    char name[32];
    snprintf(name, sizeof name, "swap_%zu", thread_count);
    return pattern_report(name, (uint64_t)rounds * thread_count * BATCH_BLOCKS, elapsed_ns);
}
