// thread_end.c - the heap serves a thread to its very end: in the destructors of thread-specific
// data of every round, whether their keys are older or younger than the allocator's own.
// SPDX-License-Identifier: MIT
#include <limits.h>
#include <pthread.h>

#include "../conform/process.h"

#define KEYS    60 // more than 32, so that the C library itself allocates a second level of data
#define ROUNDS  PTHREAD_DESTRUCTOR_ITERATIONS
#define THREADS 200

static pthread_key_t early_keys[4];
static pthread_key_t late_keys[KEYS];
static unsigned destructor_calls;

/// What a thread leaves behind: its destructor runs in as many rounds as `rounds` says.
struct legacy {
    pthread_key_t key;
    unsigned rounds;
    unsigned char *block;
    size_t size;
};

static struct legacy *make_legacy(pthread_key_t key, unsigned rounds, size_t size)
{
    struct legacy *legacy = opaque(malloc(sizeof(*legacy)));
    legacy->key = key;
    legacy->rounds = rounds;
    legacy->size = size;
    legacy->block = opaque(malloc(size));
    conform_fill(legacy->block, size < 5000 ? size : 5000, size);
    return legacy;
}

static void run_down(void *value)
{
    struct legacy *legacy = value;
    (void)__atomic_add_fetch(&destructor_calls, 1, __ATOMIC_RELAXED);
    (void)CHECK(
        conform_filled(legacy->block, legacy->size < 5000 ? legacy->size : 5000, legacy->size));
    if (legacy->rounds > 1) {
        struct legacy *next =
            make_legacy(legacy->key, legacy->rounds - 1, legacy->size * 7 % 400000 + 1);
        (void)CHECK(pthread_setspecific(legacy->key, next) == 0);
    }
    legacy->block = opaque(realloc(legacy->block, legacy->size + 4000));
    free(legacy->block);
    free(opaque(calloc(3, legacy->size)));
    free(legacy);
}

/// Makes keys before any library's constructor has run, the allocator's included.
static void make_early_keys(int count, char **values, char **environment)
{
    (void)count;
    (void)values;
    (void)environment;
    for (size_t i = 0; i < sizeof(early_keys) / sizeof(early_keys[0]); i++) {
        if (pthread_key_create(&early_keys[i], run_down) != 0) {
            abort();
        }
    }
}

__attribute__((section(".preinit_array"), used)) static void (*const before_constructors)(
    int, char **, char **) = make_early_keys;

static void *leave_a_legacy(void *argument)
{
    unsigned rounds = (unsigned)(uintptr_t)argument;
    for (size_t i = 0; i < sizeof(early_keys) / sizeof(early_keys[0]); i++) {
        (void)CHECK(
            pthread_setspecific(early_keys[i], make_legacy(early_keys[i], rounds, 48)) == 0);
    }
    for (size_t i = 0; i < KEYS; i++) {
        size_t size = i == 7 ? 300000 : i == 8 ? 3000000 : i * 31 + 1;
        (void)CHECK(
            pthread_setspecific(late_keys[i], make_legacy(late_keys[i], rounds, size)) == 0);
    }
    return NULL;
}

static void run_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (CHECK(pthread_create(&thread, NULL, body, argument) == 0)) {
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static void destructors_of_every_round_may_allocate(void)
{
    size_t keys = KEYS + sizeof(early_keys) / sizeof(early_keys[0]);
    for (size_t i = 0; i < KEYS; i++) {
        CHECK(pthread_key_create(&late_keys[i], run_down) == 0);
    }
    for (unsigned rounds = 1; rounds <= ROUNDS; rounds++) {
        destructor_calls = 0;
        run_thread(leave_a_legacy, (void *)(uintptr_t)rounds);
        CHECK_AT(destructor_calls == keys * rounds, rounds);
    }
}

static void threads_that_end_so_leave_nothing_behind(void)
{
    size_t before = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        run_thread(leave_a_legacy, (void *)(uintptr_t)ROUNDS);
        before = i == THREADS / 4 ? process_resident_bytes() : before;
    }
    CHECK(process_resident_bytes() < before + ((size_t)6 << 20));
    // The last round of each thread may leave values that nobody destroys; these do not.
    CHECK(process_live_bytes() < (size_t)4 << 20);
}

static void *use_only_in_the_destructor(void *argument)
{
    // No call of the heap by the thread itself: the first one comes from its destructor.
    (void)CHECK(pthread_setspecific(early_keys[0], argument) == 0);
    return NULL;
}

static void a_destructor_may_make_the_first_call(void)
{
    for (unsigned i = 0; i < 50; i++) {
        run_thread(use_only_in_the_destructor, make_legacy(early_keys[0], ROUNDS, 48));
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(destructors_of_every_round_may_allocate),
        CONFORM_CASE(threads_that_end_so_leave_nothing_behind),
        CONFORM_CASE(a_destructor_may_make_the_first_call),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
