// give_back MODE [MIB] - memory is filled and nearly all freed; then nobody calls malloc again.
//
//   newest, oldest   95 % are freed: those that were allocated last, or first
//   small            the newest 95 %, of blocks of 16 to 128 bytes
//   large            the newest 95 %, of blocks of 100 KiB to 8 MiB
//   scattered        99 %, chosen at random
//   threads          four threads fill; another frees 95 % of what each has filled; all sleep
//   cycle            64 MiB are filled and freed again and again for 3 seconds
//
// Prints `give_back peak_kib=... live_bytes=... kib_500=... ...`: resident memory so many milliseconds after
// the last free; for cycle `give_back rounds=... faults=... kib_2000=...`, of the page faults those after the first
// round. For scripts/measure_giveback.py.
// SPDX-License-Identifier: MIT
#include "../patterns/pattern.h"

enum { KEPT_PERCENT = 5, FILLERS = 4, CYCLE_MIB = 64, CYCLE_SECONDS = 3 };
#define MOST_BLOCKS ((size_t)24 << 20)

typedef struct way {
    const char *name;
    size_t low_bytes;
    size_t high_bytes;
} way;

static const way modes[] = {
    {"newest", 16, 2048},    {"oldest", 16, 2048},  {"small", 16, 128},  {"large", 102400, 8388608},
    {"scattered", 16, 2048}, {"threads", 16, 2048}, {"cycle", 16, 2048},
};

static char *blocks[MOST_BLOCKS];
static uint32_t sizes[MOST_BLOCKS];
static uint64_t live_bytes;
static uint64_t table_bytes; // of the two above, as far as they were written

/// One filler's part of the table.
typedef struct part {
    const way *mode;
    size_t first;
    size_t count;
    size_t bytes;
    size_t most; // blocks
} part;

static size_t size_for(const way *mode, pattern_random *random)
{
    int is_mixed = mode->low_bytes == 16 && mode->high_bytes == 2048;
    return is_mixed && pattern_random_below(random, 50) == 0
               ? pattern_random_size(random, 2048, 262144)
               : pattern_random_size(random, mode->low_bytes, mode->high_bytes);
}

static void fill(part *filled)
{
    pattern_random random = pattern_random_seed(filled->first);
    uint64_t sum_bytes = 0;
    filled->count = 0;
    while (sum_bytes < filled->bytes && filled->count < filled->most) {
        size_t bytes = size_for(filled->mode, &random);
        size_t i = filled->first + filled->count;
        blocks[i] = (char *)pattern_alloc(bytes);
        memset(blocks[i], 1, bytes);
        sizes[i] = (uint32_t)bytes;
        sum_bytes += bytes;
        filled->count++;
    }
    __atomic_fetch_add(&live_bytes, sum_bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(
        &table_bytes, filled->count * (sizeof *blocks + sizeof *sizes), __ATOMIC_RELAXED);
}

static void drop(const part *filled, size_t from, size_t to, int keep_one_of_100)
{
    pattern_random random = pattern_random_seed(1);
    for (size_t i = filled->first + from; i < filled->first + to; i++) {
        if (keep_one_of_100 && pattern_random_below(&random, 100) == 0) {
            continue;
        }
        free(blocks[i]);
        live_bytes -= sizes[i];
    }
}

static pthread_barrier_t all_filled;

static void *fill_and_sleep(void *argument)
{
    fill((part *)argument);
    pthread_barrier_wait(&all_filled);
    pause();
    return NULL;
}

static void fill_by_threads(const way *mode, size_t bytes)
{
    static part parts[FILLERS];
    pthread_barrier_init(&all_filled, NULL, FILLERS + 1);
    for (size_t i = 0; i < FILLERS; i++) {
        pthread_t thread;
        parts[i] =
            (part){mode, i * (MOST_BLOCKS / FILLERS), 0, bytes / FILLERS, MOST_BLOCKS / FILLERS};
        if (pthread_create(&thread, NULL, fill_and_sleep, &parts[i]) != 0) {
            pattern_fail("no thread");
        }
    }
    pthread_barrier_wait(&all_filled);
    printf("give_back peak_kib=%llu", (unsigned long long)pattern_rss_kib());
    for (size_t i = 0; i < FILLERS; i++) {
        drop(&parts[i], parts[i].count * KEPT_PERCENT / 100, parts[i].count, 0);
    }
}

static uint64_t faults_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_minflt;
}

static void go_round(const way *mode)
{
    part filled = {mode, 0, 0, (size_t)CYCLE_MIB << 20, MOST_BLOCKS};
    uint64_t end_ns = pattern_now_ns() + (uint64_t)CYCLE_SECONDS * 1000000000u;
    uint64_t rounds = 0;
    uint64_t faults = 0;
    do {
        fill(&filled);
        drop(&filled, 0, filled.count, 0);
        faults = rounds++ == 0 ? faults_now() : faults;
    } while (pattern_now_ns() < end_ns);
    printf(
        "give_back rounds=%llu faults=%llu", (unsigned long long)rounds,
        (unsigned long long)(faults_now() - faults));
}

static void fill_and_drop(const way *mode, size_t bytes)
{
    part filled = {mode, 0, 0, bytes, MOST_BLOCKS};
    int is_oldest = strcmp(mode->name, "oldest") == 0;
    int is_scattered = strcmp(mode->name, "scattered") == 0;
    fill(&filled);
    size_t kept = is_scattered ? 0 : filled.count * KEPT_PERCENT / 100;
    printf("give_back peak_kib=%llu", (unsigned long long)pattern_rss_kib());
    drop(
        &filled, is_oldest ? 0 : kept, is_oldest ? filled.count - kept : filled.count,
        is_scattered);
}

static void watch(void)
{
    uint64_t start_ns = pattern_now_ns();
    fflush(stdout);
    for (unsigned ms = 500; ms <= 3000; ms += 500) {
        while (pattern_now_ns() - start_ns < ms * UINT64_C(1000000)) {
            struct timespec wait = {0, 2000000};
            nanosleep(&wait, NULL);
        }
        printf(" kib_%u=%llu", ms, (unsigned long long)pattern_rss_kib());
    }
    printf(
        " live_bytes=%llu table_bytes=%llu\n", (unsigned long long)live_bytes,
        (unsigned long long)table_bytes);
}

int main(int argument_count, char **arguments)
{
    const char *name = argument_count > 1 ? arguments[1] : "";
    size_t mib = pattern_argument(argument_count, arguments, 2, 1024, 1, 1 << 20);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(name, modes[i].name) != 0) {
            continue;
        }
        if (strcmp(name, "threads") == 0) {
            fill_by_threads(&modes[i], mib << 20);
        } else if (strcmp(name, "cycle") == 0) {
            go_round(&modes[i]);
        } else {
            fill_and_drop(&modes[i], mib << 20);
        }
        watch();
        return 0;
    }
    fprintf(stderr, "usage: give_back newest|oldest|small|large|scattered|threads|cycle [MIB]\n");
    return 2;
}
