// latency THREADS SECONDS - how long single calls of malloc and free take while memory comes and goes.
//
// Each thread fills 128 MiB with blocks of 16 bytes to 2 KiB, one of 50 of them up to 256 KiB, frees
// nine of ten at random and begins again; in between it replaces blocks at random. The clock is read around
// every call: the wall's, and the thread's own, which does not run while others have the processor.
//
// Prints `latency calls=... malloc_p50_ns=... malloc_p9999_ns=... malloc_max_ns=... malloc_own_max_ns=...`
// and the same for free. For scripts/measure_latency.py.
// SPDX-License-Identifier: MIT
#include "../patterns/pattern.h"

enum { MOST_THREADS = 16, PLACES = 1 << 18, BUCKETS = 64 * 16, KEPT_PERCENT = 10, SWAPS = 60000 };
#define FILL_BYTES ((size_t)128 << 20)

/// Times in buckets: sixteen for each doubling.
typedef struct times {
    uint64_t counts[BUCKETS];
    uint64_t own_counts[BUCKETS];
    uint64_t max_ns;
    uint64_t own_max_ns;
} times;

typedef struct worker {
    times malloc_times;
    times free_times;
    uint64_t seed;
    uint64_t end_ns;
    char *blocks[PLACES];
    uint32_t sizes[PLACES];
    size_t count;
    size_t bytes;
} worker;

static unsigned bucket_of(uint64_t ns)
{
    if (ns < 16) {
        return (unsigned)ns;
    }
    unsigned doubling = 63 - (unsigned)__builtin_clzll(ns);
    return (doubling - 3) * 16 + (unsigned)(ns >> (doubling - 4)) % 16;
}

static uint64_t bucket_end_ns(unsigned bucket)
{
    return bucket < 16 ? bucket : (uint64_t)(bucket % 16 + 17) << (bucket / 16 - 1);
}

static uint64_t own_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void note(times *noted, uint64_t ns, uint64_t own)
{
    noted->counts[bucket_of(ns)]++;
    noted->own_counts[bucket_of(own)]++;
    noted->max_ns = ns > noted->max_ns ? ns : noted->max_ns;
    noted->own_max_ns = own > noted->own_max_ns ? own : noted->own_max_ns;
}

static char *timed_malloc(worker *self, size_t bytes)
{
    uint64_t own = own_ns();
    uint64_t start_ns = pattern_now_ns();
    char *block = (char *)malloc(bytes);
    uint64_t ns = pattern_now_ns() - start_ns;
    note(&self->malloc_times, ns, own_ns() - own);
    if (block == NULL) {
        pattern_fail("malloc returned NULL");
    }
    return block;
}

static void timed_free(worker *self, char *block)
{
    uint64_t own = own_ns();
    uint64_t start_ns = pattern_now_ns();
    free(block);
    uint64_t ns = pattern_now_ns() - start_ns;
    note(&self->free_times, ns, own_ns() - own);
}

static void put(worker *self, size_t i, pattern_random *random)
{
    size_t bytes = pattern_random_below(random, 50) == 0 ? pattern_random_size(random, 2048, 262144)
                                                         : pattern_random_size(random, 16, 2048);
    self->blocks[i] = timed_malloc(self, bytes);
    memset(self->blocks[i], 1, bytes);
    self->sizes[i] = (uint32_t)bytes;
    self->bytes += bytes;
}

static void take(worker *self, size_t i)
{
    timed_free(self, self->blocks[i]);
    self->bytes -= self->sizes[i];
}

static void go_round(worker *self, pattern_random *random)
{
    while (self->bytes < FILL_BYTES && self->count < PLACES) {
        put(self, self->count++, random);
    }
    for (size_t n = 0; n < SWAPS; n++) {
        size_t i = pattern_random_below(random, self->count);
        take(self, i);
        put(self, i, random);
    }
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (pattern_random_below(random, 100) < KEPT_PERCENT) {
            self->blocks[kept] = self->blocks[i];
            self->sizes[kept++] = self->sizes[i];
        } else {
            take(self, i);
        }
    }
    self->count = kept;
}

static void *work(void *argument)
{
    worker *self = (worker *)argument;
    pattern_random random = pattern_random_seed(self->seed);
    while (pattern_now_ns() < self->end_ns) {
        go_round(self, &random);
    }
    return NULL;
}

static void add(times *sum, const times *part)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        sum->counts[i] += part->counts[i];
        sum->own_counts[i] += part->own_counts[i];
    }
    sum->max_ns = part->max_ns > sum->max_ns ? part->max_ns : sum->max_ns;
    sum->own_max_ns = part->own_max_ns > sum->own_max_ns ? part->own_max_ns : sum->own_max_ns;
}

/// The end of the bucket in which the share lies.
static uint64_t share_ns(const uint64_t counts[BUCKETS], double share)
{
    uint64_t all = 0;
    uint64_t seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        all += counts[i];
    }
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += counts[i];
        if ((double)seen >= share * (double)all) {
            return bucket_end_ns(i);
        }
    }
    return 0;
}

static void print_times(const char *name, const times *sum)
{
    printf(
        " %s_p50_ns=%llu %s_p9999_ns=%llu %s_own_p9999_ns=%llu %s_max_ns=%llu %s_own_max_ns=%llu",
        name, (unsigned long long)share_ns(sum->counts, 0.5), name,
        (unsigned long long)share_ns(sum->counts, 0.9999), name,
        (unsigned long long)share_ns(sum->own_counts, 0.9999), name,
        (unsigned long long)sum->max_ns, name, (unsigned long long)sum->own_max_ns);
}

int main(int argument_count, char **arguments)
{
    static worker workers[MOST_THREADS];
    static times malloc_times;
    static times free_times;
    pthread_t threads[MOST_THREADS];
    size_t count = pattern_argument(argument_count, arguments, 1, 2, 1, MOST_THREADS);
    size_t seconds = pattern_argument(argument_count, arguments, 2, 5, 1, 3600);
    uint64_t end_ns = pattern_now_ns() + seconds * UINT64_C(1000000000);
    uint64_t calls = 0;
    for (size_t i = 0; i < count; i++) {
        workers[i].seed = i + 1;
        workers[i].end_ns = end_ns;
        pattern_thread_start(&threads[i], work, &workers[i]);
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        add(&malloc_times, &workers[i].malloc_times);
        add(&free_times, &workers[i].free_times);
    }
    for (unsigned i = 0; i < BUCKETS; i++) {
        calls += malloc_times.counts[i] + free_times.counts[i];
    }
    printf("latency calls=%llu", (unsigned long long)calls);
    print_times("malloc", &malloc_times);
    print_times("free", &free_times);
    printf("\n");
    return 0;
}
