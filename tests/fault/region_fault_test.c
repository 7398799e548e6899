// region_fault_test.c - a region whose page source fails at its k-th call, for each k.
// SPDX-License-Identifier: MIT
#include "acre/region.h"
#include "unit/fixture.h"

static acre_region region;
static unsigned cleanups;

static void count_call(void *argument)
{
    (void)argument;
    cleanups += 1;
}

/// One life of a region: blocks with contents, marks, a child, a growing object. NULL, or what broke.
static const char *live_through(const acre_region_options *options)
{
    void *blocks[30];
    acre_region child;
    unsigned deferred = 0;
    cleanups = 0;
    if (acre_region_open(&region, &sim.pages, options) != ACRE_OK) {
        return "opening takes nothing, yet fails";
    }
    acre_mark mark;
    bool marked = false;
    for (size_t i = 0; i < 30; i++) {
        unsigned char *at = region.at;
        size_t held = region.held_bytes;
        blocks[i] = acre_region_alloc(&region, 1500);
        if (blocks[i] == NULL && (region.at != at || region.held_bytes != held)) {
            return "a failed allocation changed the region";
        }
        if (blocks[i] != NULL) {
            block_fill(blocks[i], 1500, i);
        }
        if (i == 10) {
            marked = acre_region_mark(&region, &mark) == ACRE_OK;
            deferred += acre_region_defer(&region, count_call, NULL, NULL) == ACRE_OK ? 1 : 0;
            bool opened = acre_region_open_child(&region, &child, NULL) == ACRE_OK;
            if (opened && acre_region_alloc(&child, 10) == NULL && sim.failed == 0) {
                return "the child has no memory although nothing failed";
            }
        }
    }
    acre_grow grow;
    acre_grow_begin(&grow, &region);
    for (unsigned i = 0; i < 300; i++) {
        size_t before = grow.bytes;
        if (acre_grow_append(&grow, "0123456789012345678901234567890", 31) != ACRE_OK &&
            grow.bytes != before) {
            return "a failed append changed the object";
        }
    }
    const char *broken = acre_region_audit(&region);
    for (size_t i = 0; i < 30 && broken == NULL; i++) {
        broken = blocks[i] != NULL && !block_holds(blocks[i], 1500, i) ? "a block changed" : NULL;
    }
    if (broken == NULL && marked && acre_region_rewind(&region, mark) != ACRE_OK) {
        broken = "a good mark was refused";
    }
    if (broken == NULL) {
        broken = acre_region_audit(&region);
    }
    if (broken == NULL && acre_region_alloc(&region, 100) == NULL &&
        acre_region_alloc(&region, 100) == NULL) {
        broken = "service does not return";
    }
    acre_region_close(&region);
    if (broken == NULL && cleanups != deferred) {
        broken = "a deferred call was lost or made twice";
    }
    if (sim.reserved_bytes != 0) { // a release that failed is made up for by the next
        acre_region_close(&region);
        acre_region_close(&child);
    }
    return broken == NULL && sim.reserved_bytes != 0 ? "memory was lost" : broken;
}

static void each_call_fails_once(void)
{
    static const acre_region_options options[] = {
        {.chunk_bytes = 4096},
        {.chunk_bytes = 4096, .reserve_bytes = 65536},
        {.chunk_bytes = 16384, .limit_bytes = 1 << 20},
    };
    for (size_t i = 0; i < 3; i++) {
        size_t k = 1;
        for (bool hit = true; hit; k++) {
            pages_sim_init(&sim, 4096, true);
            sim.fail_all_at = k;
            T_EXPECT_SOUND(live_through(&options[i]));
            hit = sim.failed != 0;
        }
        T_EXPECT(k > 12);
    }
}

static void a_chunk_that_cannot_be_committed_is_released(void)
{
    pages_sim_init(&sim, 4096, true);
    T_EXPECT(acre_region_open(&region, &sim.pages, NULL) == ACRE_OK);
    sim.failing[SIM_COMMIT] = true;
    T_EXPECT(acre_region_alloc(&region, 1) == NULL);
    T_EXPECT(sim.calls[SIM_RELEASE] == 1 && sim.reserved_bytes == 0 && region.held_bytes == 0);
    sim.failing[SIM_COMMIT] = false;
    T_EXPECT(acre_region_alloc(&region, 1) != NULL);
    acre_region_close(&region);
}

static void a_chunk_that_cannot_be_released_is_used_again(void)
{
    pages_sim_init(&sim, 4096, true);
    T_EXPECT(acre_region_open(&region, &sim.pages, NULL) == ACRE_OK);
    void *block = acre_region_alloc(&region, 1);
    sim.failing[SIM_RELEASE] = true;
    acre_region_reset(&region, 0);
    T_EXPECT_SOUND(acre_region_audit(&region));
    T_EXPECT(region.spare_bytes == region.held_bytes && region.held_bytes != 0);
    T_EXPECT(acre_region_alloc(&region, 1) == block);
    sim.failing[SIM_RELEASE] = false;
    acre_region_close(&region);
    T_EXPECT(sim.reserved_bytes == 0);
}

static void a_child_without_an_event_is_not_opened(void)
{
    static _Alignas(16) unsigned char memory[32];
    acre_region child = {.limit_bytes = 77};
    pages_sim_init(&sim, 4096, true);
    T_EXPECT(acre_region_open(&region, &sim.pages, NULL) == ACRE_OK);
    sim.failing[SIM_RESERVE] = true;
    T_EXPECT(acre_region_open_child(&region, &child, NULL) == ACRE_NO_MEMORY);
    T_EXPECT(child.limit_bytes == 77 && region.events == NULL);
    T_EXPECT(acre_region_defer(&region, count_call, NULL, NULL) == ACRE_NO_MEMORY);
    acre_mark mark = {.serial = 5};
    T_EXPECT(acre_region_mark(&region, &mark) == ACRE_NO_MEMORY && mark.serial == 5);
    sim.failing[SIM_RESERVE] = false;
    T_EXPECT(acre_region_open_child(&region, &child, NULL) == ACRE_OK);
    acre_region full;
    T_EXPECT(acre_region_init(&full, memory, sizeof(memory)) == ACRE_OK);
    T_EXPECT(acre_region_move(&child, &full) == ACRE_NO_MEMORY && child.parent == &region);
    T_EXPECT_SOUND(acre_region_audit(&region));
    acre_region_close(&region);
    T_EXPECT(child.parent == NULL && sim.reserved_bytes == 0);
}

T_MAIN(
    T_CASE(each_call_fails_once), T_CASE(a_chunk_that_cannot_be_committed_is_released),
    T_CASE(a_chunk_that_cannot_be_released_is_used_again),
    T_CASE(a_child_without_an_event_is_not_opened))
