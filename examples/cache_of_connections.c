// cache_of_connections.c - connections whose buffers and locks are expensive to set up: a cache keeps them
// set up between uses, for all threads, and gives them back when the crowd has gone.
//
//     cc cache_of_connections.c -lacre_pools -lacre -lpthread && ./a.out
//
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "acre/acre.h"
#include "acre/port/linux.h"

enum { THREADS = 4, ROUNDS = 2000, AT_ONCE = 40, BUFFER_BYTES = 4096 };

struct connection {
    pthread_mutex_t lock;
    char *buffer;
    unsigned uses;
};
ACRE_CACHE_DEFINE(connection, struct connection)

static acre_cache *connections;

static bool connection_construct(void *object, void *argument)
{
    struct connection *connection = object;
    (void)argument;
    connection->buffer = malloc(BUFFER_BYTES);
    connection->uses = 0;
    return connection->buffer != NULL && pthread_mutex_init(&connection->lock, NULL) == 0;
}

static void connection_destroy(void *object, void *argument)
{
    struct connection *connection = object;
    (void)argument;
    (void)pthread_mutex_destroy(&connection->lock);
    free(connection->buffer);
}

static void *serve(void *failed)
{
    static _Thread_local acre_cache_local own; // this thread's free connections: no lock to get one
    struct connection *open[AT_ONCE];
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned count = round % AT_ONCE + 1;
        for (unsigned i = 0; i < count; i++) {
            open[i] = connection_get(connections, &own);
            if (open[i] == NULL) {
                *(bool *)failed = true;
                return NULL;
            }
            open[i]->buffer[0] = (char)i;
            open[i]->uses += 1;
        }
        for (unsigned i = 0; i < count; i++) {
            connection_put(connections, &own, open[i]);
        }
    }
    acre_cache_flush(connections, &own); // before the thread ends
    return NULL;
}

int main(void)
{
    acre_cache_options options = {
        .object_bytes = sizeof(struct connection),
        .count = 10000,
        .construct = connection_construct,
        .destroy = connection_destroy};
    if (acre_cache_open(acre_pages_mmap(), &options, &connections) != ACRE_OK) {
        return 1;
    }
    pthread_t threads[THREADS];
    bool failed[THREADS] = {false};
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, serve, &failed[i]) != 0) {
            return 1;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        if (failed[i]) {
            return 1;
        }
    }
    acre_cache_stats stats;
    acre_cache_get_stats(connections, &stats);
    printf(
        "%u uses of %zu connections, each set up once\n", THREADS * ROUNDS / 2 * (AT_ONCE + 1),
        stats.constructions);
    printf("%zu KiB given back\n", acre_cache_shrink(connections) / 1024);
    bool few = stats.constructions <= THREADS * (AT_ONCE + ACRE_CACHE_BATCH * 2);
    return few && acre_cache_close(connections) == ACRE_OK ? 0 : 1;
}
