// partitions_fault_test.c - a partition set whose page source fails at its k-th call, for each k: nothing
// leaks, nothing breaks, and service returns.
// SPDX-License-Identifier: MIT
#include "acre/partitions.h"
#include "unit/fixture.h"

static const acre_partition plan[] = {{32, 50}, {600, 20}, {5000, 3}};

/// Opens a set, takes and gives back, closes. Returns what is wrong, or NULL.
static const char *live_through(void)
{
    acre_partitions *set = NULL;
    if (acre_partitions_open(&sim.pages, plan, 3, NULL, &set) != ACRE_OK) {
        return set == NULL && sim.reserved_bytes == 0 ? NULL
                                                      : "a set that was not opened kept a range";
    }
    size_t calls = sim.calls_all;
    for (unsigned round = 0; round < 2; round++) {
        void *blocks[3];
        for (size_t i = 0; i < 3; i++) {
            blocks[i] = acre_partitions_calloc(set, 1, plan[i].block_bytes);
            if (blocks[i] == NULL) {
                return "a set that was opened has no memory";
            }
        }
        const char *broken = acre_partitions_audit(set);
        if (broken != NULL) {
            return broken;
        }
        for (size_t i = 0; i < 3; i++) {
            acre_partitions_free(set, blocks[i]);
        }
    }
    if (sim.calls_all != calls) {
        return "a set that was opened asked the source again";
    }
    if (acre_partitions_close(set) != ACRE_OK) {
        if (acre_partitions_audit(set) != NULL || acre_partitions_alloc(set, 9) == NULL) {
            return "a set that could not be closed is not as it was";
        }
        if (acre_partitions_close(set) != ACRE_OK) {
            return "a set could not be closed when the source served again";
        }
    }
    return sim.reserved_bytes == 0 ? NULL : "a closed set kept a range";
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
    T_EXPECT(k == 5); // reserve, commit and release failed; then nothing
}

static void a_source_that_refuses_to_take_back_loses_no_set(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_partitions *set;
    sim.failing[SIM_COMMIT] = true;
    sim.failing[SIM_RELEASE] = true;
    T_EXPECT(acre_partitions_open(&sim.pages, plan, 3, NULL, &set) == ACRE_NO_MEMORY);
    sim.failing[SIM_COMMIT] = false;
    T_EXPECT(acre_partitions_open(&sim.pages, plan, 3, NULL, &set) == ACRE_OK);
    void *block = acre_partitions_alloc(set, 600);
    T_EXPECT(acre_partitions_close(set) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_partitions_fault(set, block) == NULL);
    sim.failing[SIM_RELEASE] = false;
    T_EXPECT(acre_partitions_close(set) == ACRE_OK);
}

T_MAIN(T_CASE(each_call_fails_once), T_CASE(a_source_that_refuses_to_take_back_loses_no_set))
