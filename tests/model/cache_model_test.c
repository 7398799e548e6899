// cache_model_test.c - random operations on an object cache through several locals, beside a model that
// knows who has which object and what it holds.
// SPDX-License-Identifier: MIT
#include "acre/cache.h"
#include "unit/fixture.h"

enum { COUNT = 300, STEPS = 30000, OBJECT_BYTES = 96, LOCALS = 3 };

static _Alignas(16) unsigned char memory[64000];

static struct model {
    acre_cache *cache;
    acre_cache_local locals[LOCALS];
    uint64_t seed;
    void *live[COUNT];
    uint64_t fills[COUNT];
    size_t live_count;
    size_t existing;
} model;

static bool construct(void *object, void *argument)
{
    (void)argument;
    block_fill(object, OBJECT_BYTES, 1);
    model.existing += 1;
    return true;
}

static void destroy(void *object, void *argument)
{
    (void)argument;
    model.existing -= block_holds(object, OBJECT_BYTES, 1) ? 1 : 1000;
}

static acre_cache_local *random_local(void)
{
    size_t at = random_below(&model.seed, LOCALS + 1);
    return at == LOCALS ? NULL : &model.locals[at];
}

static const char *step_get(void)
{
    void *object = acre_cache_get(model.cache, random_local());
    if (object == NULL) {
        size_t elsewhere = 0;
        for (size_t i = 0; i < LOCALS; i++) {
            elsewhere += model.locals[i].count;
        }
        return model.live_count + elsewhere >= COUNT ? NULL : "no object though one could be had";
    }
    for (size_t i = 0; i < model.live_count; i++) {
        if (model.live[i] == object) {
            return "a live object was handed out";
        }
    }
    if (!block_holds(object, OBJECT_BYTES, 1)) {
        return "an object is not as it was put back";
    }
    model.live[model.live_count] = object;
    model.fills[model.live_count] = random_next(&model.seed);
    block_fill(object, OBJECT_BYTES, model.fills[model.live_count]);
    model.live_count += 1;
    return NULL;
}

static const char *step_put(void)
{
    if (model.live_count == 0) {
        return NULL;
    }
    size_t at = random_below(&model.seed, model.live_count);
    if (!block_holds(model.live[at], OBJECT_BYTES, model.fills[at])) {
        return "a live object was written to";
    }
    block_fill(model.live[at], OBJECT_BYTES, 1);
    acre_cache_put(model.cache, random_local(), model.live[at]);
    model.live_count -= 1;
    model.live[at] = model.live[model.live_count];
    model.fills[at] = model.fills[model.live_count];
    return NULL;
}

static const char *step_rarely(void)
{
    if (random_below(&model.seed, 2) == 0) {
        (void)acre_cache_shrink(model.cache);
    } else {
        acre_cache_flush(model.cache, &model.locals[random_below(&model.seed, LOCALS)]);
    }
    acre_cache_stats stats;
    acre_cache_get_stats(model.cache, &stats);
    return stats.constructed_count == model.existing ? acre_cache_audit(model.cache)
                                                     : "constructions are counted wrongly";
}

static void caches_do_what_the_model_does(void)
{
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    for (unsigned i = 0; i < 4; i++) {
        model = (struct model){.seed = seed + i};
        acre_cache_options options = {
            .object_bytes = OBJECT_BYTES,
            .count = COUNT,
            .construct = construct,
            .destroy = destroy};
        pages_sim_init(&sim, 256, true);
        acre_status status = i % 2 == 0
                                 ? acre_cache_init(memory, sizeof(memory), &options, &model.cache)
                                 : acre_cache_open(&sim.pages, &options, &model.cache);
        T_EXPECT(status == ACRE_OK);
        for (unsigned step = 0; step < STEPS; step++) {
            size_t share = step / 1000 % 2 == 0 ? 600 : 380;
            size_t choice = random_below(&model.seed, 1000);
            T_EXPECT_SOUND(choice < share ? step_get() : choice < 990 ? step_put() : step_rarely());
        }
        while (model.live_count != 0) {
            T_EXPECT_SOUND(step_put());
        }
        for (size_t k = 0; k < LOCALS; k++) {
            acre_cache_flush(model.cache, &model.locals[k]);
        }
        T_EXPECT(acre_cache_close(model.cache) == ACRE_OK && model.existing == 0);
        T_EXPECT(sim.reserved_bytes == 0);
    }
}

T_MAIN(T_CASE(caches_do_what_the_model_does))
