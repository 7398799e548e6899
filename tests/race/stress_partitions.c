// stress_partitions.c - a shared partition set that spills, under real threads; also under ThreadSanitizer.
//
// Each thread takes blocks of random sizes, resizes some, checks that nobody else writes to what it has, and
// gives back; there are fewer blocks than all want. Plain writes to what is held are what ThreadSanitizer
// looks at.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdio.h>

#include "acre/partitions.h"
#include "acre/port/linux.h"

enum { THREADS = 4, HELD = 16, ROUNDS = 40000, SIZE_MOST = 400 };

static const acre_partition plan[] = {{32, 2}, {100, 6}, {400, 16}};
static acre_partitions *set;
static unsigned failures;

struct held {
    unsigned char *at;
    size_t bytes;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "FAILED %s\n", what);
    (void)__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
}

static unsigned random_below(unsigned *state, unsigned bound)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % bound;
}

static void fill(struct held *held, size_t bytes, unsigned self)
{
    held->bytes = bytes;
    for (size_t i = 0; i < bytes; i++) {
        held->at[i] = (unsigned char)self;
    }
}

static void check(const struct held *held, size_t bytes, unsigned self)
{
    for (size_t i = 0; i < bytes; i++) {
        if (held->at[i] != self) {
            fail("somebody wrote to a block that is held");
            return;
        }
    }
}

static void give(struct held *held, unsigned self)
{
    check(held, held->bytes, self);
    if (acre_partitions_fault(set, held->at) != NULL ||
        acre_partitions_size(set, held->at) < held->bytes) {
        fail("a held block is none");
    }
    acre_partitions_free_sized(set, held->at, held->bytes);
    held->at = NULL;
}

static void change(struct held *held, size_t bytes, unsigned self)
{
    unsigned char *moved = acre_partitions_realloc(set, held->at, bytes);
    if (moved == NULL) {
        check(held, held->bytes, self);
        return;
    }
    held->at = moved;
    check(held, bytes < held->bytes ? bytes : held->bytes, self);
    fill(held, bytes, self);
}

static void *run(void *number)
{
    unsigned self = (unsigned)(uintptr_t)number + 1;
    unsigned state = self;
    struct held held[HELD] = {{NULL, 0}};
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct held *one = &held[random_below(&state, HELD)];
        size_t bytes = random_below(&state, SIZE_MOST) + 1;
        if (one->at == NULL) {
            one->at = acre_partitions_alloc(set, bytes);
            if (one->at != NULL) {
                fill(one, bytes, self);
            }
        } else if (random_below(&state, 3) == 0) {
            change(one, bytes, self);
        } else {
            give(one, self);
        }
    }
    for (unsigned i = 0; i < HELD; i++) {
        if (held[i].at != NULL) {
            give(&held[i], self);
        }
    }
    return NULL;
}

int main(void)
{
    const acre_partitions_options options = {.flags = ACRE_POOL_SHARED | ACRE_PARTITIONS_SPILL};
    if (acre_partitions_open(acre_pages_mmap(), plan, 3, &options, &set) != ACRE_OK) {
        return 2;
    }
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, run, (void *)i) != 0) {
            return 2;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    acre_partition_stats stats[3];
    for (size_t i = 0; i < 3; i++) {
        if (acre_partitions_get_stats(set, i, &stats[i]) != ACRE_OK || stats[i].live_count != 0) {
            fail("blocks were lost");
        }
    }
    if (stats[1].spilled_count == 0 || stats[2].failed_count == 0) {
        fail("the set never ran short");
    }
    if (acre_partitions_audit(set) != NULL || acre_partitions_close(set) != ACRE_OK) {
        fail("the set is not sound");
    }
    printf("%u failures\n", failures);
    return failures == 0 ? 0 : 1;
}
