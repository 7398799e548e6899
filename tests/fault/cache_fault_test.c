// cache_fault_test.c - an object cache whose page source fails at its k-th call, for each k, and whose
// constructor fails.
// SPDX-License-Identifier: MIT
#include "acre/cache.h"
#include "unit/fixture.h"

static acre_cache *cache;
static size_t constructed;
static size_t construct_fail_at;

static bool construct(void *object, void *argument)
{
    (void)argument;
    if (construct_fail_at != 0) {
        construct_fail_at -= 1;
        if (construct_fail_at == 0) {
            return false;
        }
    }
    *(size_t *)object = 77;
    constructed += 1;
    return true;
}

static void destroy(void *object, void *argument)
{
    (void)argument;
    constructed -= *(size_t *)object == 77 ? 1 : 1000;
}

static const char *use_and_give_back(void)
{
    static void *objects[500];
    acre_cache_local local = {0};
    size_t got = 0;
    for (unsigned tries = 0; tries < 502 && got < 500; tries++) {
        objects[got] = acre_cache_get(cache, &local);
        got += objects[got] != NULL ? 1 : 0;
    }
    if (got != 500) {
        return "one failure cost more than one object";
    }
    for (size_t i = 0; i < got; i++) {
        acre_cache_put(cache, &local, objects[i]);
    }
    acre_cache_flush(cache, &local);
    (void)acre_cache_shrink(cache);
    acre_cache_stats stats;
    acre_cache_get_stats(cache, &stats);
    if (constructed != 0 || stats.constructed_count != 0 ||
        stats.committed_bytes != sim.committed_bytes) {
        return "a shrink left something behind";
    }
    return acre_cache_audit(cache);
}

static const char *live_through(void)
{
    acre_cache_options options = {
        .object_bytes = 500, .count = 500, .construct = construct, .destroy = destroy};
    constructed = 0;
    if (acre_cache_open(&sim.pages, &options, &cache) != ACRE_OK) {
        return sim.reserved_bytes == 0 ? NULL : "a cache that was not opened kept a range";
    }
    for (unsigned round = 0; round < 2; round++) {
        const char *broken = use_and_give_back();
        if (broken != NULL) {
            return broken;
        }
    }
    if (acre_cache_close(cache) != ACRE_OK && acre_cache_close(cache) != ACRE_OK) {
        return "a cache could not be closed when the source served again";
    }
    return sim.reserved_bytes == 0 ? NULL : "a closed cache kept a range";
}

static void each_call_fails_once(void)
{
    size_t k = 1;
    for (bool hit = true; hit; k++) {
        pages_sim_init(&sim, 4096, true);
        sim.fail_all_at = k;
        T_EXPECT_SOUND(live_through());
        hit = sim.failed != 0;
    }
    T_EXPECT(k > 15);
}

static void each_construction_fails_once(void)
{
    for (size_t k = 1; k < 40; k++) {
        pages_sim_init(&sim, 4096, true);
        construct_fail_at = k;
        T_EXPECT_SOUND(live_through());
        T_EXPECT(construct_fail_at == 0);
    }
}

T_MAIN(T_CASE(each_call_fails_once), T_CASE(each_construction_fails_once))
