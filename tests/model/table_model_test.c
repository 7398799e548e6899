// table_model_test.c - random operations on a table beside a model that remembers every id there ever was.
// SPDX-License-Identifier: MIT
#include "acre/table.h"
#include "unit/fixture.h"

enum { COUNT = 120, STEPS = 12000, ELEMENT_BYTES = 200, IDS = STEPS };

static _Alignas(8) unsigned char memory[ACRE_TABLE_BYTES(COUNT, ELEMENT_BYTES, 8)];

static struct model {
    acre_table table;
    uint64_t seed;
    acre_id ids[IDS]; // all there ever were
    bool live[IDS];
    size_t id_count;
    size_t live_count;
} model;

static const char *step_add(void)
{
    acre_id id;
    void *element = acre_table_add(&model.table, &id);
    if (element == NULL) {
        return model.live_count + model.table.retired_count == COUNT ? NULL
                                                                     : "no room though there is";
    }
    for (size_t i = 0; i < model.id_count; i++) {
        if (model.ids[i] == id) {
            return "an id was given out twice";
        }
    }
    if (!block_is_zero(element, ELEMENT_BYTES)) {
        return "a new element is not zero";
    }
    block_fill(element, ELEMENT_BYTES, id);
    model.ids[model.id_count] = id;
    model.live[model.id_count] = true;
    model.id_count += 1;
    model.live_count += 1;
    return NULL;
}

/// Looks at one id of all times, more often at a recent one, and removes its element half of the time.
static const char *step_look(void)
{
    if (model.id_count == 0) {
        return NULL;
    }
    size_t recent = model.id_count < 2 * COUNT ? model.id_count : 2 * COUNT;
    size_t back =
        random_below(&model.seed, random_below(&model.seed, 4) == 0 ? model.id_count : recent);
    size_t at = model.id_count - 1 - back;
    void *element = acre_table_at(&model.table, model.ids[at]);
    if ((element != NULL) != model.live[at]) {
        return "the table is mistaken about which id is valid";
    }
    if (element != NULL && (!block_holds(element, ELEMENT_BYTES, model.ids[at]) ||
                            acre_table_id(&model.table, element) != model.ids[at])) {
        return "an element is not what it was";
    }
    if (random_below(&model.seed, 2) == 0) {
        bool removed = acre_table_remove(&model.table, model.ids[at]) == ACRE_OK;
        if (removed != model.live[at]) {
            return "removing went wrong";
        }
        model.live_count -= removed ? 1 : 0;
        model.live[at] = false;
    }
    return NULL;
}

static const char *step_walk(void)
{
    size_t met = 0;
    for (acre_id id = 0; (id = acre_table_next(&model.table, id)) != 0;) {
        met += 1;
    }
    return met == model.live_count ? NULL : "a walk met not all or too many";
}

static void tables_do_what_the_model_does(void)
{
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    for (unsigned i = 0; i < 4; i++) {
        model = (struct model){.seed = seed + i};
        acre_table_options options = {
            .element_bytes = ELEMENT_BYTES,
            .align = 8,
            .count = COUNT,
            .generations = i < 2 ? 0 : 8};
        pages_sim_init(&sim, 1024, true);
        acre_status status = i % 2 == 0
                                 ? acre_table_init(&model.table, memory, sizeof(memory), &options)
                                 : acre_table_open(&model.table, &sim.pages, &options);
        T_EXPECT(status == ACRE_OK);
        for (unsigned step = 0; step < STEPS; step++) {
            size_t share = step / 400 % 2 == 0 ? 600 : 250;
            size_t choice = random_below(&model.seed, 1000);
            T_EXPECT_SOUND(choice < share ? step_add() : choice < 995 ? step_look() : step_walk());
            if (choice >= 998) {
                (void)acre_table_trim(&model.table);
            }
            if (step % 8 == 0) {
                T_EXPECT_SOUND(acre_table_audit(&model.table));
            }
        }
        t_say_number("ids", model.id_count);
        t_say_number("retired", model.table.retired_count);
        T_EXPECT(model.id_count > 800 && (i < 2 || model.table.retired_count != 0));
        T_EXPECT(acre_table_close(&model.table) == ACRE_OK && sim.reserved_bytes == 0);
    }
}

T_MAIN(T_CASE(tables_do_what_the_model_does))
