// producer THREADS - THREADS threads only allocate, THREADS others only free.
//
// Stresses the way home: no block is ever freed by the thread that allocated it, and no thread can
// use again what it has itself. Blocks of 16 to 512 bytes, most below 96, travel in batches of 1
// 000 through one bounded queue. Real programs: logging and tracing, pipelines (pigz, ffmpeg,
// GStreamer), message brokers, a parser thread feeding workers.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <pthread.h>

enum { MOST_THREADS = 64, BATCH_BLOCKS = 1000, BATCHES = 4800, QUEUE_PER_PRODUCER = 2 };

typedef struct batch {
    void *blocks[BATCH_BLOCKS];
    uint32_t sizes[BATCH_BLOCKS];
} batch;

// The queue: a ring. `queue_lock` guards all of it.
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_has_room = PTHREAD_COND_INITIALIZER;
static pthread_cond_t queue_has_batch = PTHREAD_COND_INITIALIZER;
static batch *queue[MOST_THREADS * QUEUE_PER_PRODUCER];
static size_t queue_first;
static size_t queue_count;
static size_t queue_capacity;

static size_t batches_per_thread;

static void queue_put(batch *put)
{
    pthread_mutex_lock(&queue_lock);
    while (queue_count == queue_capacity) {
        pthread_cond_wait(&queue_has_room, &queue_lock);
    }
    queue[(queue_first + queue_count) % queue_capacity] = put;
    queue_count++;
    pthread_cond_signal(&queue_has_batch);
    pthread_mutex_unlock(&queue_lock);
}

static batch *queue_take(void)
{
    pthread_mutex_lock(&queue_lock);
    while (queue_count == 0) {
        pthread_cond_wait(&queue_has_batch, &queue_lock);
    }
    batch *taken = queue[queue_first];
    queue_first = (queue_first + 1) % queue_capacity;
    queue_count--;
    pthread_cond_signal(&queue_has_room);
    pthread_mutex_unlock(&queue_lock);
    return taken;
}

static size_t message_size(pattern_random *random)
{
    size_t high_bytes = pattern_random_below(random, 8) == 0 ? 512 : 96;
    return pattern_random_size(random, 16, high_bytes);
}

static void *produce(void *seed)
{
    pattern_random random = pattern_random_seed((uintptr_t)seed);
    uint64_t sum = 0;
    for (size_t i = 0; i < batches_per_thread; i++) {
        batch *made = pattern_alloc(sizeof *made);
        for (size_t idx = 0; idx < BATCH_BLOCKS; idx++) {
            size_t bytes = message_size(&random);
            made->sizes[idx] = (uint32_t)bytes;
            made->blocks[idx] = pattern_alloc(bytes);
            pattern_stamp(made->blocks[idx], bytes);
            sum += bytes * idx;
        }
        queue_put(made);
    }
    pattern_checksum_add(sum);
    return NULL;
}

static void *consume(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < batches_per_thread; i++) {
        batch *used = queue_take();
        for (size_t idx = 0; idx < BATCH_BLOCKS; idx++) {
            pattern_check(used->blocks[idx], used->sizes[idx]);
            free(used->blocks[idx]);
        }
        free(used);
    }
    return NULL;
}

int main(int argument_count, char **arguments)
{
    size_t thread_count = pattern_argument(argument_count, arguments, 1, 2, 1, MOST_THREADS);
    queue_capacity = thread_count * QUEUE_PER_PRODUCER;
    batches_per_thread = pattern_work(BATCHES / thread_count);
    pthread_t producers[MOST_THREADS];
    pthread_t consumers[MOST_THREADS];
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < thread_count; i++) {
        pattern_thread_start(&producers[i], produce, (void *)(uintptr_t)(200 + i));
        pattern_thread_start(&consumers[i], consume, NULL);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(producers[i], NULL);
        pthread_join(consumers[i], NULL);
    }
    char name[48];
    snprintf(name, sizeof name, "producer_%zu_%zu", thread_count, thread_count);
    uint64_t pairs = (uint64_t)thread_count * batches_per_thread * (BATCH_BLOCKS + 1);
    return pattern_report(name, pairs, pattern_now_ns() - start_ns);
}
