// budget_fault_test.c - a budget whose page source fails at its k-th call, for each k, under two heaps.
// SPDX-License-Identifier: MIT
#include "acre/budget.h"
#include "unit/fixture.h"

static acre_budget *budget;
static acre_account accounts[2];

static const char *sound(void)
{
    acre_budget_stats stats;
    acre_budget_get_stats(budget, &stats);
    if (stats.held_bytes != sim.committed_bytes) {
        return "the budget does not hold what the source has given";
    }
    return acre_budget_audit(budget);
}

static const char *use_heap(acre_account *account)
{
    acre_heap *heap;
    if (acre_heap_create(&account->pages, NULL, &heap) != ACRE_OK) {
        return sound();
    }
    void *blocks[24];
    const char *broken = NULL;
    for (size_t i = 0; i < 24 && broken == NULL; i++) {
        blocks[i] = acre_heap_alloc(heap, i % 3 == 0 ? 100 : i % 3 == 1 ? 30000 : 1500000);
        broken = sound();
    }
    for (size_t i = 0; i < 24 && broken == NULL; i++) {
        acre_heap_free(heap, blocks[i]);
        (void)acre_heap_trim(heap, 0);
        broken = sound();
    }
    if (broken == NULL) {
        broken = acre_heap_audit(heap);
    }
    acre_heap_destroy(heap);
    return broken;
}

static const char *live_through(bool *leaks)
{
    *leaks = false;
    if (acre_budget_open(&sim.pages, (size_t)64 << 20, &budget) != ACRE_OK) {
        return sim.reserved_bytes == 0 ? NULL : "a budget that was not opened kept its page";
    }
    for (unsigned i = 0; i < 2; i++) {
        if (acre_account_open(&accounts[i], budget, &(acre_account_options){.priority = i}) !=
            ACRE_OK) {
            return "an account cannot be opened";
        }
        const char *broken = use_heap(&accounts[i]);
        broken = broken == NULL ? sound() : broken;
        if (broken != NULL) {
            return broken;
        }
    }
    // A heap whose last release failed has forgotten its range, and so cannot give it back: then, and only
    // then, the account cannot be closed.
    *leaks = accounts[0].ranges != NULL || accounts[1].ranges != NULL;
    if (*leaks) {
        return NULL;
    }
    for (unsigned i = 0; i < 2; i++) {
        if (acre_account_close(&accounts[i]) != ACRE_OK) {
            return "an account without ranges cannot be closed";
        }
    }
    if (acre_budget_close(budget) != ACRE_OK && acre_budget_close(budget) != ACRE_OK) {
        return "the budget cannot be closed when the source serves again";
    }
    return sim.reserved_bytes == 0 ? NULL : "a range was lost";
}

static void each_call_fails_once(void)
{
    size_t k = 1;
    size_t leaked = 0;
    for (bool hit = true; hit; k++) {
        bool leaks;
        pages_sim_init(&sim, 4096, true);
        sim.fail_all_at = k;
        T_EXPECT_SOUND(live_through(&leaks));
        T_EXPECT(!leaks || (sim.failed != 0 && sim.calls[SIM_RELEASE] != 0));
        leaked += leaks ? 1 : 0;
        hit = sim.failed != 0;
    }
    t_say_number("calls", k - 2);
    T_EXPECT(k > 50 && leaked < k / 4);
}

static void a_reserve_that_fails_charges_nothing(void)
{
    for (size_t which = 0; which < 2; which++) {
        pages_sim_init(&sim, 4096, true);
        T_EXPECT(acre_budget_open(&sim.pages, (size_t)1 << 20, &budget) == ACRE_OK);
        T_EXPECT(
            acre_account_open(&accounts[0], budget, &(acre_account_options){.name = "a"}) ==
            ACRE_OK);
        acre_pages *pages = &accounts[0].pages;
        sim.failing[which == 0 ? SIM_RESERVE : SIM_COMMIT] = true;
        T_EXPECT(pages->reserve(pages, 65536, 4096) == NULL);
        T_EXPECT(accounts[0].held_bytes == 0 && sim.reserved_bytes == 4096);
        pages_sim_heal(&sim);
        sim.failing[SIM_RESERVE] = false;
        sim.failing[SIM_COMMIT] = false;
        void *range = pages->reserve(pages, 65536, 4096);
        T_EXPECT(range != NULL);
        sim.failing[SIM_COMMIT] = true;
        T_EXPECT(pages->commit(pages, range, 8192) == ACRE_NO_MEMORY);
        T_EXPECT(accounts[0].held_bytes == 4096);
        sim.failing[SIM_COMMIT] = false;
        sim.failing[SIM_RELEASE] = true;
        T_EXPECT(pages->release(pages, range, 65536) == ACRE_NO_MEMORY);
        T_EXPECT(accounts[0].held_bytes == 4096);
        T_EXPECT_SOUND(sound());
        sim.failing[SIM_RELEASE] = false;
        T_EXPECT(pages->release(pages, range, 65536) == ACRE_OK);
        T_EXPECT(acre_account_close(&accounts[0]) == ACRE_OK);
        T_EXPECT(acre_budget_close(budget) == ACRE_OK && sim.reserved_bytes == 0);
    }
}

T_MAIN(T_CASE(each_call_fails_once), T_CASE(a_reserve_that_fails_charges_nothing))
