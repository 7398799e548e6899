// atfork.c - fork handlers of the program allocate, whether they were registered before the
// allocator's own or after them, and whether or not they take a lock that allocating threads hold.
//
// Handlers registered before the allocator's run their first part after its own: at that point the
// allocator has stopped its heap. glibc's malloc stops last of all, so programs rely on this.
// SPDX-License-Identifier: MIT
#include "../conform/process.h"
#include "traffic.h"

#define THREADS 4
#define FORKS   60

static struct traffic traffic;
static pthread_t threads[THREADS];
static pthread_mutex_t early_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned calls[2];
static void *early_block;
static void *late_block;

static void use_heap(void **kept, unsigned *count)
{
    static const size_t sizes[] = {48, 3000, 40000, 300000, 2000000};
    ++*count;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *block = opaque(malloc(sizes[i]));
        memset(block, 1, 48);
        free(*kept);
        *kept = opaque(realloc(block, sizes[i] / 2));
    }
}

static void early_prepare(void)
{
    (void)pthread_mutex_lock(&early_lock);
    use_heap(&early_block, &calls[0]);
}

static void early_after(void)
{
    use_heap(&early_block, &calls[0]);
    (void)pthread_mutex_unlock(&early_lock);
}

static void late_handler(void)
{
    use_heap(&late_block, &calls[1]);
}

/// Registers handlers before any library's constructor has run, the allocator's included.
static void register_early(int count, char **values, char **environment)
{
    (void)count;
    (void)values;
    (void)environment;
    if (pthread_atfork(early_prepare, early_after, early_after) != 0) {
        abort();
    }
}

__attribute__((section(".preinit_array"), used)) static void (*const before_constructors)(
    int, char **, char **) = register_early;

static void child(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < 200; i++) {
        free(opaque(malloc(i * 700)));
    }
}

static void fork_often(void)
{
    for (unsigned i = 0; i < FORKS; i++) {
        if (!CHECK_AT(process_exited(process_run(child, NULL, 20), 0), i)) {
            return;
        }
    }
}

static void handlers_of_both_ages_allocate(void)
{
    CHECK(pthread_atfork(late_handler, late_handler, late_handler) == 0);
    calls[0] = 0;
    calls[1] = 0;
    fork_often();
    CHECK(calls[0] == 2 * FORKS && calls[1] == 2 * FORKS);
}

static void handlers_allocate_while_threads_do(void)
{
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 20;
    traffic.seed = conform_seed();
    traffic_start(&traffic, threads, THREADS);
    fork_often();
    traffic_end(&traffic, threads, THREADS);
    traffic_clear(&traffic);
}

static void *allocate_under_the_lock(void *argument)
{
    uint64_t random = traffic.seed;
    (void)argument;
    while (!__atomic_load_n(&traffic.stop, __ATOMIC_ACQUIRE)) {
        (void)pthread_mutex_lock(&early_lock);
        traffic_step(&traffic, &random);
        (void)pthread_mutex_unlock(&early_lock);
    }
    return NULL;
}

static void handlers_take_a_lock_that_is_held_while_allocating(void)
{
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 20;
    traffic.seed = conform_seed();
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, allocate_under_the_lock, NULL) == 0);
    }
    fork_often();
    traffic_end(&traffic, threads, THREADS);
    traffic_clear(&traffic);
}

/// Ends the test with a message when a fork itself hangs, which no deadline of a child can show.
static void give_up(int number)
{
    static const char message[] = "# atfork: fork hangs\n";
    (void)number;
    (void)!write(STDOUT_FILENO, message, sizeof(message) - 1);
    _exit(1);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(handlers_of_both_ages_allocate),
        CONFORM_CASE(handlers_allocate_while_threads_do),
        CONFORM_CASE(handlers_take_a_lock_that_is_held_while_allocating),
    };
    (void)signal(SIGALRM, give_up);
    (void)alarm(75); // on a machine with eight others at each processor forks are slow
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
