// pool_fault_test.c - a pool whose page source fails at its k-th call, for each k: nothing leaks,
// nothing breaks, and service returns.
// SPDX-License-Identifier: MIT
#include "acre/pool.h"
#include "unit/fixture.h"

static acre_pool pool;

/// Opens a pool, takes and gives back, trims, closes. Returns what is wrong, or NULL.
static const char *live_through(unsigned flags)
{
    acre_pool_options options = {.block_bytes = 600, .count = 40, .flags = flags};
    if (acre_pool_open(&pool, &sim.pages, &options) != ACRE_OK) {
        return sim.reserved_bytes == 0 ? NULL : "a pool that was not opened kept a range";
    }
    for (unsigned round = 0; round < 2; round++) {
        size_t got = 0;
        for (unsigned tries = 0; tries < 42; tries++) {
            got += acre_pool_get(&pool) != NULL ? 1 : 0;
        }
        if (got + (sim.failed != 0 ? 1 : 0) < 40) {
            return "one failure cost more than one block";
        }
        for (size_t i = 40; i-- > 0;) {
            void *block = acre_pool_at(&pool, i);
            if (acre_pool_fault(&pool, block) == NULL) {
                acre_pool_put(&pool, block);
            }
        }
        (void)acre_pool_trim(&pool);
        const char *broken = acre_pool_audit(&pool);
        if (broken != NULL) {
            return broken;
        }
    }
    if (acre_pool_close(&pool) != ACRE_OK && acre_pool_close(&pool) != ACRE_OK) {
        return "a pool could not be closed when the source served again";
    }
    return sim.reserved_bytes == 0 ? NULL : "a closed pool kept a range";
}

static void each_call_fails_once(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    for (size_t i = 0; i < 3; i++) {
        size_t k = 1;
        bool hit = true;
        for (; hit; k++) {
            pages_sim_init(&sim, 4096, true);
            sim.fail_all_at = k;
            T_EXPECT_SOUND(live_through(flags[i]));
            hit = sim.failed != 0;
        }
        T_EXPECT(k > (flags[i] == ACRE_POOL_SHARED ? 4 : 15)); // or the test has lost its calls
    }
}

static void a_get_without_memory_changes_nothing(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_pool_options options = {.block_bytes = 4096, .count = 3};
    T_EXPECT(acre_pool_open(&pool, &sim.pages, &options) == ACRE_OK);
    sim.failing[SIM_COMMIT] = true;
    T_EXPECT(acre_pool_get(&pool) == NULL && acre_pool_get_zeroed(&pool) == NULL);
    T_EXPECT(pool.made == 0 && pool.live_count == 0 && pool.committed_bytes == 0);
    T_EXPECT(pool.failed_count == 2);
    sim.failing[SIM_COMMIT] = false;
    T_EXPECT(acre_pool_get(&pool) == acre_pool_at(&pool, 0));
    T_EXPECT(acre_pool_close(&pool) == ACRE_OK);
}

static void a_trim_that_is_refused_keeps_the_memory(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_pool_options options = {.block_bytes = 4096, .count = 3};
    T_EXPECT(acre_pool_open(&pool, &sim.pages, &options) == ACRE_OK);
    acre_pool_put(&pool, acre_pool_get(&pool));
    sim.failing[SIM_DECOMMIT] = true;
    T_EXPECT(acre_pool_trim(&pool) == 0 && pool.committed_bytes == 4096);
    size_t commits = sim.calls[SIM_COMMIT];
    T_EXPECT(acre_pool_get(&pool) != NULL && sim.calls[SIM_COMMIT] == commits);
    sim.failing[SIM_DECOMMIT] = false;
    T_EXPECT(acre_pool_close(&pool) == ACRE_OK && sim.reserved_bytes == 0);
}

T_MAIN(
    T_CASE(each_call_fails_once), T_CASE(a_get_without_memory_changes_nothing),
    T_CASE(a_trim_that_is_refused_keeps_the_memory))
