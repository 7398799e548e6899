// traffic.c - blocks of every kind handed between threads keep their contents, and all memory comes
// back at the end.
// SPDX-License-Identifier: MIT
#include "traffic.h"
#include "../conform/process.h"

#define THREADS 8

static struct traffic traffic;

static void run(unsigned size_log2_max, size_t steps, size_t thread_count)
{
    pthread_t threads[THREADS];
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = size_log2_max;
    traffic.steps = steps;
    traffic.seed = conform_seed();
    traffic_start(&traffic, threads, thread_count);
    traffic_end(&traffic, threads, thread_count);
    traffic_clear(&traffic);
}

static void small_blocks_between_threads(void)
{
    run(9, 300000, THREADS);
}

static void blocks_of_every_kind_between_threads(void)
{
    run(23, 60000, THREADS);
}

static void two_threads_alone(void)
{
    run(20, 200000, 2);
}

/// A ring that one thread fills and another empties.
#define RING 1024
struct pipe_line {
    struct traffic_head *ring[RING];
    size_t count;
    uint64_t seed;
};

static void *produce(void *argument)
{
    struct pipe_line *line = argument;
    uint64_t random = line->seed;
    for (size_t i = 0; i < line->count; i++) {
        struct traffic_head *block = traffic_make(&traffic, &random);
        while (__atomic_load_n(&line->ring[i % RING], __ATOMIC_ACQUIRE) != NULL) {
            (void)sched_yield();
        }
        __atomic_store_n(&line->ring[i % RING], block, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct pipe_line *line = argument;
    for (size_t i = 0; i < line->count; i++) {
        struct traffic_head *block = NULL;
        while ((block = __atomic_exchange_n(&line->ring[i % RING], NULL, __ATOMIC_ACQ_REL)) ==
               NULL) {
            (void)sched_yield();
        }
        traffic_drop(block);
    }
    return NULL;
}

static void producers_and_consumers(void)
{
    static struct pipe_line lines[2];
    pthread_t threads[4];
    uint64_t seed = conform_seed();
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 20;
    size_t before = process_resident_bytes();
    for (size_t i = 0; i < 2; i++) {
        lines[i].count = 200000;
        lines[i].seed = seed + i;
        CHECK(pthread_create(&threads[2 * i], NULL, produce, &lines[i]) == 0);
        CHECK(pthread_create(&threads[2 * i + 1], NULL, consume, &lines[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    // At most two rings full were ever alive: blocks that were freed elsewhere must find home.
    CHECK(process_resident_bytes() < before + ((size_t)96 << 20));
}

static void *free_all(void *argument)
{
    struct traffic_head **blocks = argument;
    for (size_t i = 0; i < 20000; i++) {
        traffic_drop(blocks[i]);
    }
    return NULL;
}

static void batches_freed_by_another_thread_do_not_pile_up(void)
{
    static struct traffic_head *blocks[20000];
    uint64_t random = conform_seed();
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 9;
    size_t after_one = 0;
    for (unsigned round = 0; round < 12; round++) {
        pthread_t thread;
        for (size_t i = 0; i < 20000; i++) {
            blocks[i] = traffic_make(&traffic, &random);
        }
        CHECK(pthread_create(&thread, NULL, free_all, blocks) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        after_one = round == 1 ? process_resident_bytes() : after_one;
    }
    CHECK(process_resident_bytes() < after_one + after_one / 2 + ((size_t)8 << 20));
}

static void all_memory_comes_back(void)
{
    (void)malloc_trim(0);
    CHECK(process_live_bytes() < (size_t)1 << 20);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(small_blocks_between_threads),
        CONFORM_CASE(blocks_of_every_kind_between_threads),
        CONFORM_CASE(two_threads_alone),
        CONFORM_CASE(producers_and_consumers),
        CONFORM_CASE(batches_freed_by_another_thread_do_not_pile_up),
        CONFORM_CASE(all_memory_comes_back),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
