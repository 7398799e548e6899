// operations.c - frames allocated and freed in the ways that scripts/measure_frames.py counts.
//
//     operations MODE ORDER COUNT      a pool of 1 GiB above 4 GiB, one slot
//
//   bulk     COUNT allocated, then freed in the same order
//   random   the same, freed in random order
//   pair     one allocated and freed, COUNT times
//   meta     only prints the bytes of the books for a pool of ORDER GiB with 8 slots
//
// Prints the nanoseconds of an allocation and of a free (of a pair: of both together).
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "acre/frames.h"

static acre_frame *held;

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static acre_frames *make_pool(void)
{
    const uint64_t low = (uint64_t)4 << 30;
    acre_frames_options options = {.low = {low}, .high = {low + ((uint64_t)1 << 30)}, .slots = 1};
    size_t bytes = (size_t)acre_frames_bytes(&options);
    void *meta = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (meta == MAP_FAILED) {
        exit(1);
    }
    acre_frames *pool = acre_frames_create(meta, &options);
    acre_frame first;
    uint64_t count;
    acre_frames_get_span(pool, &first, &count);
    if (acre_frames_give(pool, first, count) != ACRE_OK) {
        exit(1);
    }
    return pool;
}

static void allocate(acre_frames *pool, unsigned order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        held[i] = acre_frames_alloc(pool, 0, order);
    }
}

static void free_all(acre_frames *pool, unsigned order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (acre_frames_free(pool, 0, held[i], order) != ACRE_OK) {
            exit(1);
        }
    }
}

static void shuffle(size_t count)
{
    uint64_t noise = 0x2545f4914f6cdd1d;
    for (size_t i = count - 1; i > 0; i--) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        size_t j = (size_t)(noise % (i + 1));
        acre_frame other = held[i];
        held[i] = held[j];
        held[j] = other;
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s bulk|random|pair|meta ORDER COUNT\n", argv[0]);
        return 2;
    }
    unsigned order = (unsigned)strtoul(argv[2], NULL, 10);
    size_t count = strtoul(argv[3], NULL, 10);
    if (strcmp(argv[1], "meta") == 0) {
        acre_frames_options options = {.high = {(uint64_t)order << 30}, .slots = 8};
        (void)printf("%llu\n", (unsigned long long)acre_frames_bytes(&options));
        return 0;
    }
    held = calloc(count, sizeof(*held));
    if (held == NULL) {
        return 1;
    }
    acre_frames *pool = make_pool();
    double start = now_ns();
    if (strcmp(argv[1], "pair") == 0) {
        for (size_t i = 0; i < count; i++) {
            held[0] = acre_frames_alloc(pool, 0, order);
            free_all(pool, order, 1);
        }
        (void)printf("pair %.1f ns\n", (now_ns() - start) / (double)count);
        return 0;
    }
    allocate(pool, order, count);
    double allocated = now_ns();
    if (acre_frame_is_none(held[count - 1])) {
        return 1;
    }
    if (strcmp(argv[1], "random") == 0) {
        shuffle(count);
    }
    double shuffled = now_ns();
    free_all(pool, order, count);
    (void)printf(
        "alloc %.1f ns, free %.1f ns\n", (allocated - start) / (double)count,
        (now_ns() - shuffled) / (double)count);
    return 0;
}
