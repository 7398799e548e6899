// thread_memory MODE [COUNT] - what threads cost in memory, and what they keep from others.
//
//   bare, few, much  COUNT threads sleep, having used malloc not at all, for seven blocks, or for 1 MiB
//                    that they freed
//   ended            COUNT threads, one after another, use malloc and end
//   blocked          a thread fills COUNT MiB, then sleeps for ever; others free all of it, and fill as much
//   freer            a thread frees, and does nothing else, what another allocates: COUNT times 16 MiB
//
// Prints `thread_memory kib=...`, anonymous memory at the end (for `ended`, the growth after the first
// twentieth of the threads; for blocked also `freed_kib=...`, two seconds after the last free). For
// scripts/measure_threads.py.
// SPDX-License-Identifier: MIT
#include "../patterns/pattern.h"

#include <string.h>

enum { MOST_THREADS = 10000, STACK_BYTES = 64 * 1024, BLOCK_BYTES = 1000, ROUND_BYTES = 16 << 20 };

static pthread_barrier_t everyone_idle;
static pthread_attr_t attributes;
static char **blocks;
static size_t block_count;

static uint64_t anonymous_kib(void)
{
    return pattern_proc_kib("/proc/self/smaps_rollup", "\nAnonymous:");
}

static void start(pthread_t *thread, void *(*body)(void *), void *argument)
{
    if (pthread_create(thread, &attributes, body, argument) != 0) {
        pattern_fail("no thread");
    }
}

static void use_few(void)
{
    for (size_t bytes = 16; bytes <= 1024; bytes *= 2) {
        void *block = pattern_alloc(bytes);
        pattern_stamp(block, bytes);
        pattern_check(block, bytes);
        free(block);
    }
}

static void use_much(void)
{
    void **all = NULL; // a list in the blocks: a table would be more stack than others have
    for (size_t i = 0; i < 600; i++) {
        size_t bytes = 16 + i * 37 % 3500;
        void **block = (void **)pattern_alloc(bytes);
        memset(block, 1, bytes);
        *block = all;
        all = block;
    }
    while (all != NULL) {
        void **next = (void **)*all;
        free(all);
        all = next;
    }
}

/// `use` is NULL, or what the thread does before it sleeps.
static void *idle(void *use)
{
    if (use != NULL) {
        (*(void (**)(void))use)();
    }
    pthread_barrier_wait(&everyone_idle);
    pause();
    return NULL;
}

static void measure_idle(size_t count, void (**use)(void))
{
    pthread_t thread;
    pthread_barrier_init(&everyone_idle, NULL, (unsigned)count + 1);
    for (size_t i = 0; i < count; i++) {
        start(&thread, idle, use);
    }
    pthread_barrier_wait(&everyone_idle);
    printf("thread_memory kib=%llu\n", (unsigned long long)anonymous_kib());
}

static void *use_and_end(void *unused)
{
    use_few();
    return unused;
}

static void measure_ended(size_t count)
{
    uint64_t before_kib = 0;
    for (size_t i = 0; i < count; i++) {
        pthread_t thread;
        before_kib = i == count / 20 ? anonymous_kib() : before_kib;
        start(&thread, use_and_end, NULL);
        pthread_join(thread, NULL);
    }
    uint64_t after_kib = anonymous_kib();
    uint64_t grown_kib = after_kib > before_kib ? after_kib - before_kib : 0;
    printf("thread_memory kib=%llu\n", (unsigned long long)grown_kib);
}

static void fill(void)
{
    for (size_t i = 0; i < block_count; i++) {
        blocks[i] = (char *)pattern_alloc(BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
}

static void drop(void)
{
    for (size_t i = 0; i < block_count; i++) {
        free(blocks[i]);
    }
}

static void make_table(size_t bytes)
{
    block_count = bytes / BLOCK_BYTES;
    blocks = (char **)pattern_alloc(block_count * sizeof *blocks);
}

static void *fill_and_sleep(void *unused)
{
    fill();
    pthread_barrier_wait(&everyone_idle);
    pause();
    return unused;
}

static void measure_blocked(size_t mib)
{
    pthread_t thread;
    struct timespec two_seconds = {2, 0};
    make_table(mib << 20);
    pthread_barrier_init(&everyone_idle, NULL, 2);
    start(&thread, fill_and_sleep, NULL);
    pthread_barrier_wait(&everyone_idle);
    drop();
    fill();
    uint64_t kib = anonymous_kib();
    drop();
    nanosleep(&two_seconds, NULL);
    printf(
        "thread_memory kib=%llu freed_kib=%llu\n", (unsigned long long)kib,
        (unsigned long long)anonymous_kib());
}

static void *only_free(void *rounds)
{
    for (size_t i = 0; i < (size_t)(uintptr_t)rounds; i++) {
        pthread_barrier_wait(&everyone_idle);
        drop();
        pthread_barrier_wait(&everyone_idle);
    }
    return NULL;
}

static void measure_freer(size_t rounds)
{
    pthread_t thread;
    make_table(ROUND_BYTES);
    pthread_barrier_init(&everyone_idle, NULL, 2);
    start(&thread, only_free, (void *)(uintptr_t)rounds);
    for (size_t i = 0; i < rounds; i++) {
        fill();
        pthread_barrier_wait(&everyone_idle);
        pthread_barrier_wait(&everyone_idle);
    }
    printf("thread_memory kib=%llu\n", (unsigned long long)anonymous_kib());
}

int main(int argument_count, char **arguments)
{
    static void (*few)(void) = use_few;
    static void (*much)(void) = use_much;
    const char *mode = argument_count > 1 ? arguments[1] : "";
    size_t count = pattern_argument(argument_count, arguments, 2, 100, 1, 100000000);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int is_idle =
        strcmp(mode, "bare") == 0 || strcmp(mode, "few") == 0 || strcmp(mode, "much") == 0;
    if (is_idle && count <= MOST_THREADS) {
        measure_idle(count, mode[0] == 'b' ? NULL : mode[0] == 'f' ? &few : &much);
    } else if (strcmp(mode, "ended") == 0) {
        measure_ended(count);
    } else if (strcmp(mode, "blocked") == 0) {
        measure_blocked(count);
    } else if (strcmp(mode, "freer") == 0) {
        measure_freer(count);
    } else {
        fprintf(stderr, "usage: thread_memory bare|few|much|ended|blocked|freer [COUNT]\n");
        return 2;
    }
    fflush(stdout);
    _exit(0);
}
