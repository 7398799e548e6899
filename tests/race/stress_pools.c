// stress_pools.c - a shared pool, an object cache and a budget under real threads; also under ThreadSanitizer.
//
// Each thread takes, checks that nobody else has what it has, writes, and gives back; some shrink the cache
// or let the budget run short meanwhile. Plain writes to what is held are what ThreadSanitizer looks at.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "acre/acre.h"
#include "acre/port/linux.h"
#include "slots.h"

enum { THREADS = 4, HELD = 24, ROUNDS = 15000, BUDGET_ROUNDS = 60 };

struct object {
    unsigned magic;
    unsigned holder; // thread + 1; plain: whoever holds the object is alone with it
    unsigned uses;
};

static acre_pool pool;
static acre_cache *cache;
static acre_budget *budget;
static unsigned failures;

static void fail(const char *what)
{
    (void)fprintf(stderr, "FAILED %s\n", what);
    (void)__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
}

static void hold(struct object *object, unsigned self)
{
    if (object->holder != 0) {
        fail("an object is held twice");
    }
    object->holder = self;
    object->uses += 1;
}

static void let_go(struct object *object, unsigned self)
{
    if (object->holder != self) {
        fail("an object was taken from its holder");
    }
    object->holder = 0;
}

static void use_pool(unsigned self)
{
    struct object *held[HELD] = {NULL};
    for (unsigned i = 0; i < ROUNDS * HELD; i++) {
        unsigned at = i * 7 % HELD;
        if (held[at] != NULL) {
            let_go(held[at], self);
            acre_pool_put(&pool, held[at]);
        }
        held[at] = acre_pool_get(&pool); // NULL at times: there are fewer than one thread wants
        if (held[at] != NULL) {
            hold(held[at], self);
        }
    }
    for (unsigned i = 0; i < HELD; i++) {
        if (held[i] != NULL) {
            let_go(held[i], self);
            acre_pool_put(&pool, held[i]);
        }
    }
}

static bool construct(void *made, void *argument)
{
    struct object *object = made;
    (void)argument;
    if (object->magic == 77) {
        fail("an object is constructed twice");
    }
    object->magic = 77;
    object->holder = 0;
    return true;
}

static void destroy(void *gone, void *argument)
{
    struct object *object = gone;
    (void)argument;
    if (object->magic != 77 || object->holder != 0) {
        fail("an object in use is destroyed");
    }
    object->magic = 0;
}

static void use_cache(unsigned self)
{
    acre_cache_local local = {0};
    struct object *held[HELD];
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned count = round * 5 % HELD + 1;
        for (unsigned i = 0; i < count; i++) {
            held[i] = acre_cache_get(cache, i % 5 == 4 ? NULL : &local);
            if (held[i] == NULL || held[i]->magic != 77) {
                fail("no object, or one that is not constructed");
                return;
            }
            hold(held[i], self);
        }
        for (unsigned i = 0; i < count; i++) {
            let_go(held[i], self);
            acre_cache_put(cache, i % 7 == 6 ? NULL : &local, held[i]);
        }
        if (round % 50 == 10 * self) {
            acre_cache_flush(cache, &local);
            (void)acre_cache_shrink(cache);
        }
    }
    acre_cache_flush(cache, &local);
}

static void trim(acre_account *account, size_t bytes, void *heap)
{
    (void)account;
    (void)bytes;
    (void)acre_heap_trim(heap, 0);
}

static void use_budget(unsigned self)
{
    acre_account account;
    acre_heap *heap;
    acre_account_options options = {.priority = self};
    if (acre_account_open(&account, budget, &options) != ACRE_OK) {
        fail("no account");
        return;
    }
    while (acre_heap_create(&account.pages, NULL, &heap) != ACRE_OK) {
        (void)sched_yield(); // the others have it all; they give it back
    }
    for (unsigned round = 0; round < BUDGET_ROUNDS; round++) {
        void *blocks[40];
        for (unsigned i = 0; i < 40; i++) {
            blocks[i] = acre_heap_alloc(heap, 1000 + 9000 * (i % 8)); // NULL when others have it
        }
        for (unsigned i = 0; i < 40; i++) {
            acre_heap_free(heap, blocks[i]);
        }
        trim(&account, 0, heap);
    }
    acre_heap_destroy(heap);
    if (acre_account_close(&account) != ACRE_OK) {
        fail("an account could not be closed");
    }
}

static void *run(void *number)
{
    unsigned self = (unsigned)(uintptr_t)number + 1;
    use_pool(self);
    use_cache(self);
    use_budget(self);
    return NULL;
}

int main(void)
{
    // Slots by thread: what the heaps of the budget share is then all seen by ThreadSanitizer.
    if (!acre_port_slots_choose(SLOTS_THREAD)) {
        return 2;
    }
    acre_pool_options pool_options = {
        .block_bytes = sizeof(struct object), .count = 20, .flags = ACRE_POOL_SHARED};
    acre_cache_options cache_options = {
        .object_bytes = sizeof(struct object),
        .count = 100000,
        .construct = construct,
        .destroy = destroy};
    if (acre_pool_open(&pool, acre_pages_mmap(), &pool_options) != ACRE_OK ||
        acre_cache_open(acre_pages_mmap(), &cache_options, &cache) != ACRE_OK ||
        acre_budget_open(acre_pages_mmap(), (size_t)4 << 20, &budget) != ACRE_OK) {
        return 2;
    }
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, run, (void *)i) != 0) {
            return 2;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    acre_pool_stats pool_stats;
    acre_pool_get_stats(&pool, &pool_stats);
    if (pool_stats.live_count != 0 || pool_stats.failed_count == 0) {
        fail("blocks were lost, or the pool never ran short");
    }
    if (acre_cache_audit(cache) != NULL || acre_cache_close(cache) != ACRE_OK) {
        fail("the cache is not sound, or objects were lost");
    }
    if (acre_budget_audit(budget) != NULL || acre_budget_close(budget) != ACRE_OK) {
        fail("the budget is not sound, or memory was lost");
    }
    if (acre_pool_close(&pool) != ACRE_OK) {
        fail("the pool could not be closed");
    }
    printf("%u failures\n", failures);
    return failures == 0 ? 0 : 1;
}
