// transfer [THREADS] - batches of blocks of 16 bytes to 1 MiB change hands and are freed there.
//
// Stresses runs and the border to blocks with a mapping of their own, across threads: every size is
// as frequent as any other on a logarithmic scale, about 6 MB a batch, and none is freed by the
// thread that allocated it. Real programs: databases and caches that hand pages and rows to writer
// threads, image pipelines, HTTP servers with uploads, compilers that link in parallel.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { MOST_THREADS = 64, BATCH_BLOCKS = 64, TOTAL_BATCHES = 600, LOW_LOG2 = 4, HIGH_LOG2 = 20 };

typedef struct batch {
    void *blocks[BATCH_BLOCKS];
    uint32_t sizes[BATCH_BLOCKS];
} batch;

static batch batches[MOST_THREADS];
static pthread_barrier_t barrier;
static size_t thread_count;
static size_t rounds;

/// A power of two first, then a place between it and the next one.
static size_t transfer_size(pattern_random *random)
{
    size_t base = (size_t)1 << (LOW_LOG2 + pattern_random_below(random, HIGH_LOG2 - LOW_LOG2));
    return base + pattern_random_below(random, base + 1);
}

static uint64_t batch_fill(batch *filled, pattern_random *random)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BATCH_BLOCKS; i++) {
        size_t bytes = transfer_size(random);
        filled->sizes[i] = (uint32_t)bytes;
        filled->blocks[i] = pattern_alloc(bytes);
        pattern_stamp(filled->blocks[i], bytes);
        sum += bytes * i;
    }
    return sum;
}

/// Every other block first: what is freed leaves gaps.
static void batch_drop(const batch *dropped)
{
    for (size_t parity = 0; parity < 2; parity++) {
        for (size_t i = parity; i < BATCH_BLOCKS; i += 2) {
            pattern_check(dropped->blocks[i], dropped->sizes[i]);
            free(dropped->blocks[i]);
        }
    }
}

static void *work(void *argument)
{
    size_t self = (uintptr_t)argument;
    pattern_random random = pattern_random_seed(600 + self);
    uint64_t sum = 0;
    for (size_t round = 0; round < rounds; round++) {
        sum += batch_fill(&batches[self], &random);
        pthread_barrier_wait(&barrier);
        batch_drop(&batches[(self + 1) % thread_count]);
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
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < thread_count; i++) {
        pattern_thread_start(&threads[i], work, (void *)i);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
    char name[32];
    snprintf(name, sizeof name, "transfer_%zu", thread_count);
    uint64_t pairs = (uint64_t)rounds * thread_count * BATCH_BLOCKS;
    return pattern_report(name, pairs, pattern_now_ns() - start_ns);
}
