// short_threads.c - threads that come and go: whatever they call first works, and thousands of them
// leave no memory behind.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>

#include "../conform/process.h"

#define SHORT_THREADS   10000
#define WAITING_THREADS 400

static const size_t kinds[] = {1, 48, 5000, 20000, 300000, 3000000};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static pthread_attr_t small_stack;

static void run_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (CHECK(pthread_create(&thread, &small_stack, body, argument) == 0)) {
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static void *free_first(void *block)
{
    free(block);
    return NULL;
}

static void *resize_first(void *block)
{
    unsigned char *grown = opaque(realloc(block, 70000));
    (void)CHECK(grown != NULL && grown[0] == 9);
    free(grown);
    return NULL;
}

static void *measure_first(void *block)
{
    (void)CHECK(malloc_usable_size(block) > 0);
    free(block);
    return NULL;
}

static void *clear_first(void *block)
{
    unsigned char *zeros = opaque(calloc(100, 100));
    (void)CHECK(zeros != NULL && conform_all(zeros, 10000, 0));
    free(zeros);
    free(block);
    return NULL;
}

static void *align_first(void *block)
{
    void *aligned = opaque(memalign(8192, 100));
    (void)CHECK(aligned != NULL && conform_aligned(aligned, 8192));
    free(aligned);
    free(block);
    return NULL;
}

static void *trim_first(void *block)
{
    (void)malloc_trim(0);
    free(block);
    return NULL;
}

static void any_call_may_be_a_threads_first(void)
{
    static void *(*const firsts[])(void *) = {
        free_first, resize_first, measure_first, clear_first, align_first, trim_first,
    };
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
            for (size_t k = 0; k < KINDS; k++) {
                unsigned char *block = opaque(malloc(kinds[k]));
                block[0] = 9;
                run_thread(firsts[i], block);
            }
        }
    }
}

static void *allocate_a_little(void *argument)
{
    void *blocks[16];
    (void)argument;
    for (size_t i = 0; i < 16; i++) {
        blocks[i] = opaque(malloc(i * 40 + 1));
    }
    for (size_t i = 0; i < 16; i++) {
        free(blocks[i]);
    }
    return NULL;
}

static void thousands_of_threads_leave_no_memory_behind(void)
{
    size_t before = 0;
    for (unsigned i = 0; i < SHORT_THREADS; i++) {
        run_thread(allocate_a_little, NULL);
        before = i == SHORT_THREADS / 20 ? process_resident_bytes() : before;
    }
    CHECK(process_resident_bytes() < before + ((size_t)2 << 20));
}

static void *leave_a_block(void *argument)
{
    void **place = argument;
    *place = opaque(malloc(1000));
    return NULL;
}

static void blocks_of_dead_threads_are_freed_and_used_again(void)
{
    static void *blocks[1000];
    size_t before = 0;
    for (unsigned round = 0; round < 10; round++) {
        for (size_t i = 0; i < 1000; i++) {
            run_thread(leave_a_block, &blocks[i]);
        }
        for (size_t i = 0; i < 1000; i++) {
            free(blocks[i]);
        }
        before = round == 1 ? process_resident_bytes() : before;
    }
    CHECK(process_resident_bytes() < before + ((size_t)2 << 20));
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *allocate_and_wait(void *argument)
{
    (void)allocate_a_little(argument);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    (void)allocate_a_little(argument);
    return NULL;
}

/// Stack and bookkeeping of the C library take about 12 KB. Where every thread leases a slot, each
/// also holds a page for each size that it used.
static size_t idle_bytes_max(void)
{
    const char *(*binding)(void);
    bool leases =
        conform_lookup("acre_slots_binding", (void *)&binding) && strcmp(binding(), "thread") == 0;
    return leases ? 80000 : 20000;
}

static void idle_threads_hold_little_memory(void)
{
    static pthread_t threads[WAITING_THREADS];
    (void)pthread_mutex_lock(&gate);
    size_t before = process_resident_bytes();
    for (size_t i = 0; i < WAITING_THREADS; i++) {
        CHECK(pthread_create(&threads[i], &small_stack, allocate_and_wait, NULL) == 0);
    }
    process_sleep_us(100000);
    size_t held = process_resident_bytes() - before;
    (void)pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < WAITING_THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    conform_say("# %zu bytes resident for each idle thread", held / WAITING_THREADS);
    CHECK(held / WAITING_THREADS < idle_bytes_max());
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(any_call_may_be_a_threads_first),
        CONFORM_CASE(thousands_of_threads_leave_no_memory_behind),
        CONFORM_CASE(blocks_of_dead_threads_are_freed_and_used_again),
        CONFORM_CASE(idle_threads_hold_little_memory),
    };
    if (pthread_attr_init(&small_stack) != 0 ||
        pthread_attr_setstacksize(&small_stack, 128 * 1024) != 0) {
        return 1;
    }
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
