// cancelled.c - threads that are cancelled, or end by pthread_exit, between their calls of the
// heap: nothing is lost, nothing hangs.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>

#include "../conform/process.h"

#define ROUNDS 400

struct held {
    void *blocks[64];
    uint64_t random;
};

static void free_held(void *argument)
{
    struct held *held = argument;
    for (size_t i = 0; i < 64; i++) {
        free(held->blocks[i]);
    }
    free(held);
}

static void allocate_for_ever(struct held *held)
{
    for (;;) {
        size_t i = (size_t)(conform_random(&held->random) % 64);
        size_t size = (size_t)(conform_random(&held->random) % (i == 0 ? 2000000 : 3000));
        free(held->blocks[i]);
        held->blocks[i] = NULL;
        held->blocks[i] = opaque(malloc(size));
        if (i % 8 == 0) {
            pthread_testcancel();
        }
    }
}

static void *allocate_until_cancelled(void *argument)
{
    struct held *held = opaque(calloc(1, sizeof(*held)));
    held->random = (uint64_t)(uintptr_t)argument + 1;
    pthread_cleanup_push(free_held, held);
    allocate_for_ever(held);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancelled_threads_leave_no_memory_behind(void)
{
    size_t before = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_t threads[2];
        void *result = NULL;
        for (size_t i = 0; i < 2; i++) {
            void *seed = (void *)(uintptr_t)(round * 2 + i);
            CHECK(pthread_create(&threads[i], NULL, allocate_until_cancelled, seed) == 0);
        }
        process_sleep_us(300);
        for (size_t i = 0; i < 2; i++) {
            CHECK(pthread_cancel(threads[i]) == 0);
            CHECK(pthread_join(threads[i], &result) == 0 && result == PTHREAD_CANCELED);
        }
        before = round == ROUNDS / 4 ? process_live_bytes() : before;
    }
    CHECK(process_live_bytes() < before + ((size_t)1 << 20));
}

static void *report_until_cancelled(void *argument)
{
    // malloc_info and malloc_stats print, and printing is where a cancel may take effect.
    int *sink = argument;
    FILE *stream = fdopen(*sink, "w");
    while (stream != NULL) {
        (void)malloc_info(0, stream);
        (void)fflush(stream);
        pthread_testcancel();
    }
    return NULL;
}

static void a_thread_cancelled_in_malloc_info_holds_no_lock(void)
{
    for (unsigned round = 0; round < 50; round++) {
        pthread_t thread;
        int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
        CHECK(pthread_create(&thread, NULL, report_until_cancelled, &sink) == 0);
        process_sleep_us(500);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        (void)close(sink);
        free(opaque(malloc(100000)));
        (void)mallinfo2();
    }
}

static void *leave_in_the_middle(void *argument)
{
    struct held *held = opaque(calloc(1, sizeof(*held)));
    (void)argument;
    pthread_cleanup_push(free_held, held);
    held->blocks[3] = opaque(malloc(500000));
    pthread_exit(held);
    pthread_cleanup_pop(0);
    return NULL;
}

static void threads_that_leave_by_pthread_exit_free_their_blocks(void)
{
    size_t before = process_live_bytes();
    for (unsigned round = 0; round < 100; round++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, leave_in_the_middle, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(process_live_bytes() < before + ((size_t)1 << 20));
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(cancelled_threads_leave_no_memory_behind),
        CONFORM_CASE(a_thread_cancelled_in_malloc_info_holds_no_lock),
        CONFORM_CASE(threads_that_leave_by_pthread_exit_free_their_blocks),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
