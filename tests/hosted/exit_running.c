// exit_running.c - a process that ends while its threads allocate ends with its own status: exit,
// quick_exit, return from main by the last thread, with handlers that free and allocate late.
// SPDX-License-Identifier: MIT
#include "../conform/process.h"
#include "traffic.h"

#define THREADS 4
#define ROUNDS  100

static struct traffic traffic;
static void *late_blocks[100];

static void use_heap_late(void)
{
    uint64_t random = 7;
    for (size_t i = 0; i < 100; i++) {
        free(late_blocks[i]);
        late_blocks[i] = opaque(malloc(i * 300 + 1));
        traffic_step(&traffic, &random);
    }
}

__attribute__((destructor)) static void free_in_a_destructor(void)
{
    for (size_t i = 0; i < 100; i++) {
        free(late_blocks[i]);
        late_blocks[i] = NULL;
    }
    free(opaque(malloc(3000000)));
}

static void start_threads(void)
{
    pthread_t threads[THREADS];
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 21;
    traffic.seed = 4711;
    for (size_t i = 0; i < 100; i++) {
        late_blocks[i] = opaque(malloc(i * 200 + 1));
    }
    traffic_start(&traffic, threads, THREADS);
    process_sleep_us(1000);
}

static void end_by_exit(void)
{
    (void)atexit(use_heap_late);
    start_threads();
    exit(42);
}

static void end_by_quick_exit(void)
{
    (void)at_quick_exit(use_heap_late);
    start_threads();
    quick_exit(42);
}

static void end_by_plain_exit(void)
{
    start_threads();
    _exit(42);
}

static void *exit_in_a_thread(void *argument)
{
    (void)argument;
    free(opaque(malloc(100)));
    exit(42);
}

static void end_by_exit_in_a_thread(void)
{
    pthread_t thread;
    (void)atexit(use_heap_late);
    start_threads();
    (void)pthread_create(&thread, NULL, exit_in_a_thread, NULL);
    (void)pthread_join(thread, NULL);
}

static void *end_last(void *argument)
{
    (void)argument;
    process_sleep_us(1000);
    exit(42);
}

static void end_after_main_has_gone(void)
{
    pthread_t thread;
    (void)atexit(use_heap_late);
    start_threads();
    (void)pthread_create(&thread, NULL, end_last, NULL);
    pthread_exit(NULL);
}

/// Forks often, ends each child in the given way, and wants to see status 42.
static void all_end_with_their_status(void (*end)(void))
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        pid_t child = fork();
        if (child == 0) {
            end();
            _exit(1);
        }
        int status = process_wait(child, 20);
        CHECK_AT(status != PROCESS_HUNG, i);
        if (!CHECK_AT(process_exited(status, 42), i)) {
            return;
        }
    }
}

static void exit_ends_a_busy_process(void)
{
    all_end_with_their_status(end_by_exit);
}

static void quick_exit_ends_a_busy_process(void)
{
    all_end_with_their_status(end_by_quick_exit);
}

static void underscore_exit_ends_a_busy_process(void)
{
    all_end_with_their_status(end_by_plain_exit);
}

static void exit_in_a_thread_ends_a_busy_process(void)
{
    all_end_with_their_status(end_by_exit_in_a_thread);
}

static void a_process_outlives_its_main_thread(void)
{
    all_end_with_their_status(end_after_main_has_gone);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(exit_ends_a_busy_process),
        CONFORM_CASE(quick_exit_ends_a_busy_process),
        CONFORM_CASE(underscore_exit_ends_a_busy_process),
        CONFORM_CASE(exit_in_a_thread_ends_a_busy_process),
        CONFORM_CASE(a_process_outlives_its_main_thread),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
