// server THREADS - sessions are served by whichever thread is free; threads come and go.
//
// Stresses blocks that outlive the thread that allocated them: a session owns 3 000 blocks of 16 to
// 8 192 bytes (most below 256); a thread takes a session from the rack, replaces 1 000 of its
// blocks at random, and puts it back for any other thread. After a while all threads end and new
// ones start, with the sessions alive. Real programs: application and mail servers, memcached,
// thread pools of a JVM or .NET host, browsers.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <pthread.h>

enum { MOST_THREADS = 64, SPARE_SESSIONS = 2, MOST_SESSIONS = MOST_THREADS + SPARE_SESSIONS };
enum { BLOCKS = 3000, TURN_PAIRS = 1000, GENERATIONS = 20, TURNS = 6400 };

typedef struct session {
    void *blocks[BLOCKS];
    uint32_t sizes[BLOCKS];
} session;

static session sessions[MOST_SESSIONS];

// The rack: a ring of sessions that nobody serves now. `rack_lock` guards all of it.
static pthread_mutex_t rack_lock = PTHREAD_MUTEX_INITIALIZER;
static session *rack[MOST_SESSIONS];
static size_t rack_first;
static size_t rack_count;
static size_t session_count;

static size_t turns_per_thread;

static session *rack_take(void)
{
    pthread_mutex_lock(&rack_lock);
    session *taken = rack[rack_first];
    rack_first = (rack_first + 1) % session_count;
    rack_count--;
    pthread_mutex_unlock(&rack_lock);
    return taken;
}

static void rack_put(session *put)
{
    pthread_mutex_lock(&rack_lock);
    rack[(rack_first + rack_count) % session_count] = put;
    rack_count++;
    pthread_mutex_unlock(&rack_lock);
}

/// Four of five blocks are small, one of fifty is a buffer.
static size_t server_size(pattern_random *random)
{
    size_t kind = pattern_random_below(random, 50);
    if (kind < 40) {
        return pattern_random_size(random, 16, 256);
    }
    return kind < 49 ? pattern_random_size(random, 256, 1024)
                     : pattern_random_size(random, 1024, 8192);
}

static size_t session_fill(session *filled, size_t idx, pattern_random *random)
{
    size_t bytes = server_size(random);
    filled->blocks[idx] = pattern_alloc(bytes);
    filled->sizes[idx] = (uint32_t)bytes;
    pattern_stamp(filled->blocks[idx], bytes);
    return bytes;
}

static void session_drop(session *dropped, size_t idx)
{
    pattern_check(dropped->blocks[idx], dropped->sizes[idx]);
    free(dropped->blocks[idx]);
}

static void *serve(void *seed)
{
    pattern_random random = pattern_random_seed((uintptr_t)seed);
    uint64_t sum = 0;
    for (size_t turn = 0; turn < turns_per_thread; turn++) {
        session *served = rack_take();
        for (size_t i = 0; i < TURN_PAIRS; i++) {
            size_t victim = pattern_random_below(&random, BLOCKS);
            session_drop(served, victim);
            sum += victim ^ session_fill(served, victim, &random);
        }
        rack_put(served);
    }
    pattern_checksum_add(sum);
    return NULL;
}

static void run_generation(size_t generation, size_t thread_count)
{
    pthread_t threads[MOST_THREADS];
    for (size_t i = 0; i < thread_count; i++) {
        uintptr_t seed = 100 + generation * MOST_THREADS + i;
        pattern_thread_start(&threads[i], serve, (void *)seed);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int argument_count, char **arguments)
{
    size_t thread_count = pattern_argument(argument_count, arguments, 1, 2, 1, MOST_THREADS);
    session_count = thread_count + SPARE_SESSIONS;
    turns_per_thread = pattern_work(TURNS / GENERATIONS / thread_count);
    pattern_random random = pattern_random_seed(5);
    for (size_t i = 0; i < session_count; i++) {
        for (size_t idx = 0; idx < BLOCKS; idx++) {
            (void)session_fill(&sessions[i], idx, &random);
        }
        rack_put(&sessions[i]);
    }
    uint64_t start_ns = pattern_now_ns();
    for (size_t generation = 0; generation < GENERATIONS; generation++) {
        run_generation(generation, thread_count);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    for (size_t i = 0; i < session_count; i++) {
        for (size_t idx = 0; idx < BLOCKS; idx++) {
            session_drop(&sessions[i], idx);
        }
    }
    char name[32];
    snprintf(name, sizeof name, "server_%zu", thread_count);
    uint64_t pairs = (uint64_t)GENERATIONS * thread_count * turns_per_thread * TURN_PAIRS;
    return pattern_report(name, pairs, elapsed_ns);
}
