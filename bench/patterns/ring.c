// ring [THREADS] - each thread allocates for its neighbour and frees what the one before it sends.
//
// Stresses the way home when every thread is producer and consumer at once: as many blocks come as
// go, so whoever keeps what it receives can use it again, and whoever sends it home must do so in
// bulk. Batches of 200 blocks of 16 to 400 bytes; two wait at most. Real programs: pipelines whose
// stages copy (media, network stacks), actor systems, token rings, work that circulates.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { MOST_THREADS = 64, BATCH_BLOCKS = 200, TOTAL_BATCHES = 36000, INBOX_BATCHES = 2 };

typedef struct batch {
    void *blocks[BATCH_BLOCKS];
    uint32_t sizes[BATCH_BLOCKS];
} batch;

typedef struct member {
    pthread_t thread;
    pthread_mutex_t lock; // guards waiting and waiting_count
    pthread_cond_t changed;
    batch *waiting[INBOX_BATCHES];
    size_t waiting_count;
    struct member *next;
    uint64_t seed;
} member;

static member members[MOST_THREADS];
static size_t batches_per_thread;

static void member_put(member *target, batch *put)
{
    pthread_mutex_lock(&target->lock);
    while (target->waiting_count == INBOX_BATCHES) {
        pthread_cond_wait(&target->changed, &target->lock);
    }
    target->waiting[target->waiting_count++] = put;
    pthread_cond_signal(&target->changed);
    pthread_mutex_unlock(&target->lock);
}

static batch *member_take(member *self)
{
    pthread_mutex_lock(&self->lock);
    while (self->waiting_count == 0) {
        pthread_cond_wait(&self->changed, &self->lock);
    }
    batch *taken = self->waiting[0];
    self->waiting[0] = self->waiting[--self->waiting_count];
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return taken;
}

static batch *batch_new(pattern_random *random, uint64_t *sum)
{
    batch *made = pattern_alloc(sizeof *made);
    for (size_t i = 0; i < BATCH_BLOCKS; i++) {
        size_t bytes = pattern_random_size(random, 16, 401);
        made->sizes[i] = (uint32_t)bytes;
        made->blocks[i] = pattern_alloc(bytes);
        pattern_stamp(made->blocks[i], bytes);
        *sum += bytes * i;
    }
    return made;
}

static void batch_free(batch *dropped)
{
    for (size_t i = 0; i < BATCH_BLOCKS; i++) {
        pattern_check(dropped->blocks[i], dropped->sizes[i]);
        free(dropped->blocks[i]);
    }
    free(dropped);
}

/// Everybody gives as often as he takes, so that nobody can wait for room for ever.
static void *work(void *argument)
{
    member *self = argument;
    pattern_random random = pattern_random_seed(self->seed);
    uint64_t sum = 0;
    for (size_t i = 0; i < batches_per_thread; i++) {
        member_put(self->next, batch_new(&random, &sum));
        batch_free(member_take(self));
    }
    pattern_checksum_add(sum);
    return NULL;
}

int main(int argument_count, char **arguments)
{
    size_t thread_count = pattern_argument(argument_count, arguments, 1, 4, 1, MOST_THREADS);
    batches_per_thread = pattern_work(TOTAL_BATCHES / thread_count);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < thread_count; i++) {
        members[i].next = &members[(i + 1) % thread_count];
        members[i].seed = 500 + i;
        pthread_mutex_init(&members[i].lock, NULL);
        pthread_cond_init(&members[i].changed, NULL);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pattern_thread_start(&members[i].thread, work, &members[i]);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(members[i].thread, NULL);
    }
    char name[32];
    snprintf(name, sizeof name, "ring_%zu", thread_count);
    uint64_t pairs = (uint64_t)thread_count * batches_per_thread * (BATCH_BLOCKS + 1);
    return pattern_report(name, pairs, pattern_now_ns() - start_ns);
}
