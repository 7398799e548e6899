// fork_threads.c - fork while other threads allocate: the child allocates, frees the parent's
// blocks, starts threads and forks again; nobody hangs.
// SPDX-License-Identifier: MIT
#include "../conform/process.h"
#include "traffic.h"

#define THREADS       8
#define FORKS         200
#define CHILD_SECONDS 20

static struct traffic traffic;
static pthread_t threads[THREADS];
static struct traffic_head *kept[200];

static void *some_traffic(void *argument)
{
    struct traffic *own = argument;
    own->steps = 500;
    return traffic_loop(own);
}

/// What every child does, its own children included.
static void work(unsigned depth)
{
    static struct traffic own;
    pthread_t thread;
    uint64_t random = traffic.seed + depth + 1;
    // The blocks that the parent made before the fork are the child's now.
    for (size_t i = depth; i < sizeof(kept) / sizeof(kept[0]); i += 3) {
        traffic_drop(kept[i]);
        kept[i] = NULL;
    }
    memset(&own, 0, sizeof(own));
    own.size_log2_max = 21;
    own.seed = random;
    for (unsigned i = 0; i < 500; i++) {
        traffic_step(&own, &random);
    }
    own.threads_started = 1;
    if (CHECK(pthread_create(&thread, NULL, some_traffic, &own) == 0)) {
        CHECK(pthread_join(thread, NULL) == 0);
    }
    traffic_clear(&own);
    (void)malloc_trim(0);
}

static void grandchild(void *argument)
{
    (void)argument;
    work(1);
}

static void child(void *argument)
{
    (void)argument;
    work(0);
    CHECK(process_exited(process_run(grandchild, NULL, CHILD_SECONDS), 0));
}

static void make_kept(void)
{
    uint64_t random = traffic.seed + 99;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        kept[i] = traffic_make(&traffic, &random);
    }
}

static void children_of_a_busy_process_work(void)
{
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 21;
    traffic.seed = conform_seed();
    make_kept();
    traffic_start(&traffic, threads, THREADS);
    for (unsigned i = 0; i < FORKS; i++) {
        int status = process_run(child, NULL, CHILD_SECONDS * 2);
        CHECK_AT(status != PROCESS_HUNG, i);
        if (!CHECK_AT(process_exited(status, 0), i)) {
            break;
        }
    }
    traffic_end(&traffic, threads, THREADS);
    traffic_clear(&traffic);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        traffic_drop(kept[i]);
    }
}

static void *fork_often(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 40; i++) {
        int status = process_run(grandchild, NULL, CHILD_SECONDS);
        CHECK_AT(process_exited(status, 0), i);
    }
    return NULL;
}

static void two_threads_that_fork_do_not_hang(void)
{
    pthread_t forkers[2];
    memset(&traffic, 0, sizeof(traffic));
    memset(kept, 0, sizeof(kept));
    traffic.size_log2_max = 14;
    traffic.seed = conform_seed();
    traffic_start(&traffic, threads, 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_create(&forkers[i], NULL, fork_often, NULL) == 0);
    }
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_join(forkers[i], NULL) == 0);
    }
    traffic_end(&traffic, threads, 2);
    traffic_clear(&traffic);
}

static void forking_keeps_no_memory_from_the_child(void)
{
    // A child that forks a child and so on: each generation frees and allocates as much.
    static void *blocks[1000];
    pid_t generation = 0;
    unsigned depth = 0;
    for (size_t i = 0; i < 1000; i++) {
        blocks[i] = opaque(malloc(4000));
    }
    size_t before = process_live_bytes();
    do {
        generation = fork();
        if (generation != 0) {
            break;
        }
        for (size_t i = 0; i < 1000; i++) {
            free(blocks[i]);
            blocks[i] = opaque(malloc(4000));
        }
        depth++;
    } while (depth < 20);
    size_t after = process_live_bytes();
    CHECK(after < before + 1000000 && before < after + 1000000);
    if (generation > 0) {
        CHECK(process_exited(process_wait(generation, CHILD_SECONDS), 0));
    }
    if (depth > 0) {
        _exit(conform_failures == 0 ? 0 : 1);
    }
    for (size_t i = 0; i < 1000; i++) {
        free(blocks[i]);
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(children_of_a_busy_process_work),
        CONFORM_CASE(two_threads_that_fork_do_not_hang),
        CONFORM_CASE(forking_keeps_no_memory_from_the_child),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
