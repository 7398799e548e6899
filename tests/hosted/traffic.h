// traffic.h - traffic on the heap whose contents are checked: blocks of all kinds that threads put
// into shared places, and that other threads check, resize and free.
//
// Every block begins with its size and the seed of its contents, so whoever takes it out of a place
// can tell whether it is whole.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HOSTED_TRAFFIC_H
#define ACRE_HOSTED_TRAFFIC_H

#include <malloc.h>
#include <pthread.h>

#include "../conform/conform.h"

#define TRAFFIC_PLACES 512

/// How much of each end of a large block carries the pattern.
#define TRAFFIC_END_BYTES ((size_t)2048)

struct traffic_head {
    size_t size;
    uint64_t seed;
};

struct traffic {
    struct traffic_head *places[TRAFFIC_PLACES];
    unsigned size_log2_max; // 14: small blocks only; 20: runs as well; 23: huge blocks as well
    bool stop;              // asks every traffic_loop to end
    uint64_t seed;
    unsigned threads_started;
    size_t steps; // each thread's; 0 means until `stop`
};

static inline size_t traffic_size(struct traffic *traffic, uint64_t *random)
{
    // Mostly small; one in 32 up to 16 KiB, one in 256 a run of pages, one in 4096 huge.
    uint64_t kind = conform_random(random);
    unsigned log2 = kind % 4096 == 0 ? 23 : kind % 256 == 0 ? 20 : kind % 32 == 0 ? 14 : 9;
    log2 = log2 < traffic->size_log2_max ? log2 : traffic->size_log2_max;
    return sizeof(struct traffic_head) + (size_t)(conform_random(random) % ((size_t)1 << log2));
}

static inline void traffic_fill(struct traffic_head *block, size_t size, uint64_t seed)
{
    unsigned char *body = (unsigned char *)(block + 1);
    size_t bytes = size - sizeof(*block);
    size_t end = bytes < TRAFFIC_END_BYTES ? bytes : TRAFFIC_END_BYTES;
    block->size = size;
    block->seed = seed;
    conform_fill(body, end, seed);
    if (bytes >= 2 * end) {
        conform_fill(body + bytes - end, end, seed + 1);
    }
}

/// Checks the first `size` bytes of a block, which was filled as one of block->size bytes.
static inline bool traffic_check(const struct traffic_head *block, size_t size)
{
    const unsigned char *body = (const unsigned char *)(block + 1);
    size_t bytes = block->size - sizeof(*block);
    size_t end = bytes < TRAFFIC_END_BYTES ? bytes : TRAFFIC_END_BYTES;
    size_t kept = size - sizeof(*block) < end ? size - sizeof(*block) : end;
    bool whole = CHECK(conform_filled(body, kept, block->seed));
    if (size == block->size && bytes >= 2 * end) {
        whole &= CHECK(conform_filled(body + bytes - end, end, block->seed + 1));
    }
    return whole;
}

static inline struct traffic_head *traffic_make(struct traffic *traffic, uint64_t *random)
{
    size_t size = traffic_size(traffic, random);
    uint64_t way = conform_random(random) % 16;
    struct traffic_head *block = NULL;
    if (way == 0) {
        size_t align = (size_t)16 << (conform_random(random) % 9);
        block = (struct traffic_head *)opaque(memalign(align, size));
        (void)CHECK(conform_aligned(block, align));
    } else if (way < 4) {
        block = (struct traffic_head *)opaque(calloc(1, size));
        size_t end = size < TRAFFIC_END_BYTES ? size : TRAFFIC_END_BYTES;
        (void)CHECK(block == NULL || conform_all(block, end, 0));
    } else {
        block = (struct traffic_head *)opaque(malloc(size));
    }
    if (CHECK(block != NULL)) {
        traffic_fill(block, size, conform_random(random));
    }
    return block;
}

static inline void traffic_drop(struct traffic_head *block)
{
    if (block != NULL) {
        (void)traffic_check(block, block->size);
        free(block);
    }
}

/// Resizes a block that any thread may have made.
static inline struct traffic_head *traffic_resize(
    struct traffic *traffic, struct traffic_head *block, uint64_t *random)
{
    size_t size = traffic_size(traffic, random);
    size_t kept = block->size < size ? block->size : size;
    struct traffic_head *moved = (struct traffic_head *)opaque(realloc(block, size));
    if (CHECK(moved != NULL)) {
        (void)traffic_check(moved, kept);
        traffic_fill(moved, size, conform_random(random));
    }
    return moved;
}

/// One step: put a new block, or a resized one, into some place, and free what was there.
static inline void traffic_step(struct traffic *traffic, uint64_t *random)
{
    struct traffic_head **place = &traffic->places[conform_random(random) % TRAFFIC_PLACES];
    uint64_t way = conform_random(random) % 8;
    struct traffic_head *fresh = NULL;
    if (way == 0) {
        fresh = __atomic_exchange_n(place, NULL, __ATOMIC_ACQ_REL);
        if (fresh != NULL) {
            fresh = traffic_resize(traffic, fresh, random);
        }
    } else if (way < 6) {
        fresh = traffic_make(traffic, random);
    }
    traffic_drop(__atomic_exchange_n(place, fresh, __ATOMIC_ACQ_REL));
}

/// A thread's whole work on a struct traffic.
static inline void *traffic_loop(void *argument)
{
    struct traffic *traffic = (struct traffic *)argument;
    uint64_t number = __atomic_fetch_add(&traffic->threads_started, 1, __ATOMIC_RELAXED);
    uint64_t random = traffic->seed + (number + 1) * 0x9e3779b97f4a7c15u;
    random = random != 0 ? random : 1;
    for (size_t step = 0; traffic->steps == 0 || step < traffic->steps; step++) {
        if (__atomic_load_n(&traffic->stop, __ATOMIC_ACQUIRE)) {
            break;
        }
        traffic_step(traffic, &random);
    }
    return NULL;
}

/// Frees what is left in the places. No other thread may use them any more.
static inline void traffic_clear(struct traffic *traffic)
{
    for (size_t i = 0; i < TRAFFIC_PLACES; i++) {
        traffic_drop(traffic->places[i]);
        traffic->places[i] = NULL;
    }
}

static inline void traffic_start(struct traffic *traffic, pthread_t *threads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!CHECK(pthread_create(&threads[i], NULL, traffic_loop, traffic) == 0)) {
            _exit(1);
        }
    }
}

/// Waits for the threads, after asking them to stop if nothing else ends them.
static inline void traffic_end(struct traffic *traffic, pthread_t *threads, size_t count)
{
    if (traffic->steps == 0) {
        __atomic_store_n(&traffic->stop, true, __ATOMIC_RELEASE);
    }
    for (size_t i = 0; i < count; i++) {
        (void)CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

#endif
