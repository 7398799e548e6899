// mixed_sizes THREADS - blocks of 16 bytes to 32 KiB, some given to a neighbour.
//
// Stresses all size classes on all threads at once: slabs that hold few blocks, the border between
// slabs and runs, memory that each thread's heap would keep for itself. Small sizes are as frequent
// as large ones on a logarithmic scale. Every 500 pairs a thread parcels 50 of its blocks for the
// next thread, which frees them (at most four parcels wait). Real programs: web servers and proxies
// (headers and buffers), databases, compilers with threads, image and document processing.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <pthread.h>
#include <stdbool.h>

enum { MOST_THREADS = 64, BLOCKS = 600, PARCEL_BLOCKS = 50, PARCEL_PAIRS = 500, INBOX_PARCELS = 4 };
enum { LOW_LOG2 = 4, HIGH_LOG2 = 15, TOTAL_PAIRS = 2000000 };

typedef struct parcel {
    struct parcel *next;
    void *blocks[PARCEL_BLOCKS];
    uint32_t sizes[PARCEL_BLOCKS];
} parcel;

typedef struct worker {
    pthread_t thread;
    pattern_random random;
    void *blocks[BLOCKS];
    uint32_t sizes[BLOCKS];
    pthread_mutex_t inbox_lock; // guards inbox and inbox_count
    parcel *inbox;
    size_t inbox_count;
    struct worker *neighbour;
} worker;

static worker workers[MOST_THREADS];
static size_t pairs_per_thread;

/// A power of two first, then a place between it and the next one.
static size_t mixed_size(pattern_random *random)
{
    size_t base = (size_t)1 << (LOW_LOG2 + pattern_random_below(random, HIGH_LOG2 - LOW_LOG2));
    return base + pattern_random_below(random, base + 1);
}

static void worker_fill(worker *self, size_t idx)
{
    size_t bytes = mixed_size(&self->random);
    self->sizes[idx] = (uint32_t)bytes;
    self->blocks[idx] = pattern_alloc(bytes);
    pattern_stamp(self->blocks[idx], bytes);
}

static void block_drop(void *block, size_t bytes)
{
    pattern_check(block, bytes);
    free(block);
}

static void parcel_drop(parcel *dropped)
{
    for (size_t i = 0; i < PARCEL_BLOCKS; i++) {
        block_drop(dropped->blocks[i], dropped->sizes[i]);
    }
    free(dropped);
}

/// Returns false, and puts nothing, when the inbox is full.
static bool inbox_put(worker *target, parcel *put)
{
    pthread_mutex_lock(&target->inbox_lock);
    bool has_room = target->inbox_count < INBOX_PARCELS;
    if (has_room) {
        put->next = target->inbox;
        target->inbox = put;
        target->inbox_count++;
    }
    pthread_mutex_unlock(&target->inbox_lock);
    return has_room;
}

/// A sender drops its parcel itself when the neighbour is behind, so that the scheduler has little
/// say in how much is live.
static void worker_send(worker *self)
{
    parcel *sent = pattern_alloc(sizeof *sent);
    for (size_t i = 0; i < PARCEL_BLOCKS; i++) {
        size_t idx = pattern_random_below(&self->random, BLOCKS);
        sent->blocks[i] = self->blocks[idx];
        sent->sizes[i] = self->sizes[idx];
        worker_fill(self, idx);
    }
    if (!inbox_put(self->neighbour, sent)) {
        parcel_drop(sent);
    }
}

static void worker_receive(worker *self)
{
    pthread_mutex_lock(&self->inbox_lock);
    parcel *received = self->inbox;
    self->inbox = NULL;
    self->inbox_count = 0;
    pthread_mutex_unlock(&self->inbox_lock);
    while (received != NULL) {
        parcel *next = received->next;
        parcel_drop(received);
        received = next;
    }
}

static void *work(void *argument)
{
    worker *self = argument;
    for (size_t idx = 0; idx < BLOCKS; idx++) {
        worker_fill(self, idx);
    }
    uint64_t sum = 0;
    for (size_t pair = 0; pair < pairs_per_thread; pair++) {
        size_t victim = pattern_random_below(&self->random, BLOCKS);
        block_drop(self->blocks[victim], self->sizes[victim]);
        worker_fill(self, victim);
        sum += self->sizes[victim] ^ victim;
        if (pair % PARCEL_PAIRS == PARCEL_PAIRS - 1) {
            worker_send(self);
            worker_receive(self);
        }
    }
    pattern_checksum_add(sum);
    for (size_t idx = 0; idx < BLOCKS; idx++) {
        block_drop(self->blocks[idx], self->sizes[idx]);
    }
    return NULL;
}

int main(int argument_count, char **arguments)
{
    size_t thread_count = pattern_argument(argument_count, arguments, 1, 2, 1, MOST_THREADS);
    pairs_per_thread = pattern_work(TOTAL_PAIRS / thread_count);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < thread_count; i++) {
        workers[i].random = pattern_random_seed(300 + i);
        workers[i].neighbour = &workers[(i + 1) % thread_count];
        pthread_mutex_init(&workers[i].inbox_lock, NULL);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pattern_thread_start(&workers[i].thread, work, &workers[i]);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    for (size_t i = 0; i < thread_count; i++) {
        worker_receive(&workers[i]);
    }
    char name[48];
    snprintf(name, sizeof name, "mixed_sizes_%zu", thread_count);
    return pattern_report(name, (uint64_t)pairs_per_thread * thread_count, elapsed_ns);
}
