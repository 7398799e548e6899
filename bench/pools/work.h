// work.h - the patterns of bench/pools, over whatever allocates: malloc (with_malloc.c) or one of the
// special allocators (with_pools.c).
//
//   one_type   100 000 live objects of 64 bytes, replaced at random: nodes of a tree, connections, events.
//              The object that goes is looked at first, the one that comes is written to.
//   constructed  2000 live objects of 1 KiB, replaced in the same way, each with a buffer that must be set
//              up before its first use: what an object cache is for.
//   request    200 blocks of 16 to 256 bytes that live until the request ends: parsers, servers, frames.
//
// Seeds are fixed. One line is printed: NAME ns=… peak_rss_kib=…, where ns is for one object or block.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BENCH_POOLS_WORK_H
#define ACRE_BENCH_POOLS_WORK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WORK_OBJECTS = 100000,
    WORK_OBJECT_BYTES = 64,
    WORK_BUILT = 2000,
    WORK_BUILT_BYTES = 1024,
    WORK_REPLACEMENTS = 3000000,
    WORK_REQUESTS = 20000,
    WORK_BLOCKS = 200,
};

// The work is compiled anew for each allocator, so that none pays for a call through a pointer.
#define WORK static inline __attribute__((always_inline))

WORK uint32_t work_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

WORK double work_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

WORK void work_report(const char *name, double ns)
{
    // Not getrusage: its maximum is inherited from whoever started this program.
    char line[256];
    long peak_rss_kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            peak_rss_kib = strtol(line + 6, NULL, 10);
        }
    }
    printf("%s ns=%.2f peak_rss_kib=%ld\n", name, ns, peak_rss_kib);
}

_Noreturn static inline void work_failed(void)
{
    (void)fputs("no memory\n", stderr);
    exit(2);
}

/// What setting up an object costs: its buffer is filled.
WORK void work_build(void *object)
{
    memset(object, 0x5a, WORK_BUILT_BYTES);
}

/// `add` returns a name for a new object, 0 on failure; `at` returns the object.
WORK void work_one_type(
    const char *name, uint32_t objects, uint64_t (*add)(void), uint64_t *(*at)(uint64_t),
    void (*drop)(uint64_t))
{
    static uint64_t names[WORK_OBJECTS];
    uint64_t seed = 1;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < objects; i++) {
        names[i] = add();
        if (names[i] == 0) {
            work_failed();
        }
        *at(names[i]) = i;
    }
    double start_ns = work_now_ns();
    for (uint32_t i = 0; i < WORK_REPLACEMENTS; i++) {
        uint32_t which = work_random(&seed) % objects;
        sum += *at(names[which]);
        drop(names[which]);
        names[which] = add();
        if (names[which] == 0) {
            work_failed();
        }
        *at(names[which]) = i;
    }
    double ns = (work_now_ns() - start_ns) / WORK_REPLACEMENTS;
    if (sum == 1) {
        work_failed(); // never: it is used, so it is computed
    }
    work_report(name, ns);
}

WORK void work_request(const char *name, void *(*alloc)(size_t), void (*end)(void))
{
    uint64_t seed = 1;
    double start_ns = work_now_ns();
    for (uint32_t request = 0; request < WORK_REQUESTS; request++) {
        for (uint32_t i = 0; i < WORK_BLOCKS; i++) {
            size_t size = 16 + work_random(&seed) % 241;
            void *block = alloc(size);
            if (block == NULL) {
                work_failed();
            }
            memset(block, (int)i, 16);
        }
        end();
    }
    work_report(name, (work_now_ns() - start_ns) / WORK_REQUESTS / WORK_BLOCKS);
}

#endif
