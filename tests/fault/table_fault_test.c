// table_fault_test.c - a table whose page source fails at its k-th call, for each k.
// SPDX-License-Identifier: MIT
#include "acre/table.h"
#include "unit/fixture.h"

static acre_table table;

static const char *live_through(void)
{
    acre_table_options options = {.element_bytes = 300, .align = 4, .count = 600};
    static acre_id ids[600];
    if (acre_table_open(&table, &sim.pages, &options) != ACRE_OK) {
        return sim.reserved_bytes == 0 ? NULL : "a table that was not opened kept a range";
    }
    for (unsigned round = 0; round < 2; round++) {
        size_t got = 0;
        for (size_t tries = 0; tries < 602 && got < 600; tries++) {
            uint32_t live = table.live_count;
            void *element = acre_table_add(&table, &ids[got]);
            if (element == NULL && table.live_count != live) {
                return "a failed add changed the table";
            }
            if (element != NULL) {
                block_fill(element, 300, ids[got]);
                got += 1;
            }
        }
        if (got != 600) {
            return "one failure cost more than one element";
        }
        for (size_t i = 0; i < 600; i++) {
            if (!block_holds(acre_table_at(&table, ids[i]), 300, ids[i])) {
                return "an element changed";
            }
            if (i % 60 != 7 && acre_table_remove(&table, ids[i]) != ACRE_OK) {
                return "a live element could not be removed";
            }
        }
        (void)acre_table_trim(&table);
        const char *broken = acre_table_audit(&table);
        if (broken != NULL) {
            return broken;
        }
        for (size_t i = 7; i < 600; i += 60) {
            if (!block_holds(acre_table_at(&table, ids[i]), 300, ids[i]) ||
                acre_table_remove(&table, ids[i]) != ACRE_OK) {
                return "a trim took memory of a live element";
            }
        }
    }
    acre_table_stats stats;
    acre_table_get_stats(&table, &stats);
    if (stats.committed_bytes != sim.committed_bytes) {
        return "the table counts its memory wrongly";
    }
    if (acre_table_close(&table) != ACRE_OK && acre_table_close(&table) != ACRE_OK) {
        return "a table could not be closed when the source served again";
    }
    return sim.reserved_bytes == 0 ? NULL : "a closed table kept a range";
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
    T_EXPECT(k > 60);
}

static void an_add_without_memory_changes_nothing(void)
{
    // The first commit that fails is that of a word, the second that of an element.
    for (size_t which = 1; which <= 2; which++) {
        pages_sim_init(&sim, 4096, true);
        acre_table_options options = {.element_bytes = 300, .count = 600};
        T_EXPECT(acre_table_open(&table, &sim.pages, &options) == ACRE_OK);
        pages_sim_heal(&sim);
        sim.fail_at[SIM_COMMIT] = which;
        acre_id id = 77;
        T_EXPECT(acre_table_add(&table, &id) == NULL && id == 77);
        T_EXPECT(table.made == 0 && table.live_count == 0 && table.held_pages == 0);
        T_EXPECT(table.words_bytes == (which == 1 ? 0u : 4096u));
        T_EXPECT(acre_table_add(&table, &id) != NULL);
        T_EXPECT_SOUND(acre_table_audit(&table));
        T_EXPECT(acre_table_close(&table) == ACRE_OK);
    }
}

T_MAIN(T_CASE(each_call_fails_once), T_CASE(an_add_without_memory_changes_nothing))
