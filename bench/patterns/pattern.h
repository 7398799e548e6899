// bench/patterns/pattern.h - what pattern programs share: clock, random numbers, stamps, report.
//
// A pattern program uses memory in one way that real programs have. It takes few arguments, does
// the same work on every run (fixed seeds), checks its blocks where that costs next to nothing,
// prints one line `NAME ns_per_pair=... pairs=... ...` and exits with 0. A pair is one malloc and
// one free. Nothing here allocates before the report, so that only the pattern itself is measured.
//
// Two variables of the environment change the work, for every allocator alike: ACRE_BENCH_PERCENT
// (1 to 1000, 100 unless set) scales how often things are done, not how much is live at once;
// ACRE_BENCH_SEED (0 unless set) gives other random numbers. The report's `checksum` depends on
// these two alone: another allocator that yields another sum has broken the program.
//
// It is C that is C++ too, for the pattern about new and delete.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BENCH_PATTERN_H
#define ACRE_BENCH_PATTERN_H

#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PATTERN_PAGE_BYTES 4096u

typedef struct pattern_random {
    uint64_t state; // never 0
} pattern_random;

/// Ends the program: a pattern whose blocks are wrong has no time worth printing.
static inline __attribute__((noreturn)) void pattern_fail(const char *what)
{
    fprintf(stderr, "pattern: %s\n", what);
    exit(1);
}

/// What the report says beside times. Threads add to it by pattern_checksum_add.
static struct pattern_result {
    uint64_t checksum;
    uint64_t live_bytes;
    uint64_t peak_live_bytes; // 0: the pattern does not know
} pattern_result;

/// A number of the environment, or `standard`; anything that is not `low` to `high` ends the
/// program.
static inline uint64_t pattern_setting(
    const char *name, uint64_t standard, uint64_t low, uint64_t high)
{
    const char *text = getenv(name);
    if (text == NULL) {
        return standard;
    }
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end != '\0' || end == text || value < low || value > high) {
        fprintf(stderr, "pattern: %s=%s is no number that can be used\n", name, text);
        exit(2);
    }
    return value;
}

/// How often something that is done `count` times is to be done in this run: at least once.
static inline size_t pattern_work(size_t count)
{
    size_t work = (size_t)(count * pattern_setting("ACRE_BENCH_PERCENT", 100, 1, 1000) / 100);
    return work == 0 ? 1 : work;
}

static inline pattern_random pattern_random_seed(uint64_t seed)
{
    uint64_t given = pattern_setting("ACRE_BENCH_SEED", 0, 0, UINT32_MAX);
    uint64_t state = (seed + 1 + (given << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    pattern_random random = {state == 0 ? 1 : state};
    return random;
}

/// Adds to the checksum; sums do not depend on the order in which threads come.
static inline void pattern_checksum_add(uint64_t value)
{
    __atomic_fetch_add(&pattern_result.checksum, value, __ATOMIC_RELAXED);
}

/// Counts live bytes, for patterns with one thread.
static inline void pattern_live_add(size_t bytes)
{
    pattern_result.live_bytes += bytes;
    if (pattern_result.live_bytes > pattern_result.peak_live_bytes) {
        pattern_result.peak_live_bytes = pattern_result.live_bytes;
    }
}

static inline void pattern_live_subtract(size_t bytes)
{
    pattern_result.live_bytes -= bytes;
}

/// Xorshift: a nanosecond a number, so that the allocator and not the generator is measured.
static inline uint64_t pattern_random_next(pattern_random *random)
{
    uint64_t state = random->state;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    random->state = state;
    return state;
}

/// A number of 0 to `limit` - 1, without a division; `limit` is below 2^32.
static inline size_t pattern_random_below(pattern_random *random, size_t limit)
{
    return (size_t)(((pattern_random_next(random) >> 32) * limit) >> 32);
}

/// A size of `low` to `high` - 1 bytes.
static inline size_t pattern_random_size(pattern_random *random, size_t low, size_t high)
{
    return low + pattern_random_below(random, high - low);
}

static inline uint64_t pattern_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/// Makes the compiler believe that `block` is used elsewhere, so that it drops no malloc and no
/// store.
static inline void pattern_keep(void *block)
{
    __asm__ volatile("" : : "r"(block) : "memory");
}

static inline void *pattern_alloc(size_t bytes)
{
    void *block = malloc(bytes);
    if (block == NULL) {
        pattern_fail("malloc returned NULL");
    }
    pattern_keep(block);
    return block;
}

/// What a stamped block holds: its own address and size, so that two blocks that overlap disagree.
static inline uint64_t pattern_stamp_value(const void *block, size_t bytes)
{
    return (uint64_t)(uintptr_t)block * UINT64_C(0x9e3779b97f4a7c15) + bytes;
}

/// Writes the first word, a word of each page and the last word. A block has at least 8 bytes.
static inline void pattern_stamp(void *block, size_t bytes)
{
    uint64_t value = pattern_stamp_value(block, bytes);
    char *start = (char *)block;
    for (size_t offset = PATTERN_PAGE_BYTES; offset + 16 <= bytes; offset += PATTERN_PAGE_BYTES) {
        memcpy(start + offset, &value, sizeof value);
    }
    if (bytes >= 16) {
        memcpy(start + bytes - sizeof value, &value, sizeof value);
    }
    memcpy(start, &value, sizeof value);
}

/// Ends the program unless the first and the last word are as pattern_stamp left them.
static inline void pattern_check(const void *block, size_t bytes)
{
    uint64_t first;
    uint64_t last;
    const char *start = (const char *)block;
    memcpy(&first, start, sizeof first);
    memcpy(&last, bytes >= 16 ? start + bytes - sizeof last : start, sizeof last);
    uint64_t value = pattern_stamp_value(block, bytes);
    if (first != value || last != value) {
        pattern_fail("a block's content changed while it was live");
    }
}

/// Number after `field` in a file of /proc that has lines `field: number kB`; 0 when there is none.
static inline uint64_t pattern_proc_kib(const char *file, const char *field)
{
    static char text[8192];
    int handle = open(file, O_RDONLY | O_CLOEXEC);
    if (handle < 0) {
        return 0;
    }
    ssize_t text_bytes = read(handle, text, sizeof text - 1);
    close(handle);
    text[text_bytes > 0 ? text_bytes : 0] = '\0';
    const char *line = strstr(text, field);
    return line == NULL ? 0 : strtoull(line + strlen(field), NULL, 10);
}

/// Resident memory now, counted page by page: exact, and about a microsecond for each MiB.
static inline uint64_t pattern_rss_kib(void)
{
    return pattern_proc_kib("/proc/self/smaps_rollup", "\nRss:");
}

/// Most resident memory since exec. getrusage's ru_maxrss will not do: it counts, for a process
/// that was started by vfork, the memory of the parent too.
static inline uint64_t pattern_peak_rss_kib(void)
{
    return pattern_proc_kib("/proc/self/status", "\nVmHWM:");
}

static inline double pattern_seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

/// Starts a thread, or ends the program.
static inline void pattern_thread_start(pthread_t *thread, void *(*work)(void *), void *argument)
{
    if (pthread_create(thread, NULL, work, argument) != 0) {
        pattern_fail("no thread");
    }
}

/// Prints the line, without its end: a pattern may have more to say. The sum has a few digits only,
/// so that a reader of numbers as doubles does not lose the last ones.
static inline void pattern_report_start(const char *name, uint64_t pairs, uint64_t elapsed_ns)
{
    uint64_t peak_kib = pattern_peak_rss_kib();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu_ms = (pattern_seconds(usage.ru_utime) + pattern_seconds(usage.ru_stime)) * 1e3;
    printf(
        "%s ns_per_pair=%.3f pairs=%llu wall_ms=%.1f cpu_ms=%.1f peak_rss_kib=%llu faults=%ld "
        "checksum=%llu",
        name, (double)elapsed_ns / (double)pairs, (unsigned long long)pairs,
        (double)elapsed_ns * 1e-6, cpu_ms, (unsigned long long)peak_kib, usage.ru_minflt,
        (unsigned long long)(pattern_result.checksum % UINT64_C(1000000007)));
    if (pattern_result.peak_live_bytes != 0) {
        printf(" peak_live_bytes=%llu", (unsigned long long)pattern_result.peak_live_bytes);
    }
}

static inline int pattern_report(const char *name, uint64_t pairs, uint64_t elapsed_ns)
{
    pattern_report_start(name, pairs, elapsed_ns);
    putchar('\n');
    return 0;
}

/// Argument `idx` as a number of `low` to `high`, or `standard` when it is not given.
static inline size_t pattern_argument(
    int count, char **arguments, int idx, size_t standard, size_t low, size_t high)
{
    if (idx >= count) {
        return standard;
    }
    char *end;
    unsigned long long value = strtoull(arguments[idx], &end, 10);
    if (*end != '\0' || end == arguments[idx] || value < low || value > high) {
        fprintf(stderr, "%s: bad argument '%s'\n", arguments[0], arguments[idx]);
        exit(2);
    }
    return (size_t)value;
}

#endif
