// cache_test.c - object caches: what acre/cache.h promises.
// SPDX-License-Identifier: MIT
#include "acre/cache.h"

#include <string.h>

#include "acre/heap_pages.h"
#include "fixture.h"

static _Alignas(64) unsigned char memory[16384];
static acre_cache *cache;
static acre_cache_local local;

struct thing {
    uint64_t magic; // set by the constructor, cleared by the destructor
    uint64_t uses;  // kept while it is free
    char rest[50];
};

static const uint64_t magic = 0x7468696e67;
static size_t refuse_after;

static bool construct_thing(void *object, void *argument)
{
    struct thing *thing = object;
    int *count = argument;
    if (refuse_after == 0) {
        return false;
    }
    refuse_after -= 1;
    thing->magic = magic;
    thing->uses = 0;
    *count += 1;
    return true;
}

static void destroy_thing(void *object, void *argument)
{
    struct thing *thing = object;
    int *count = argument;
    *count -= thing->magic == magic ? 1 : 1000;
    thing->magic = 0;
}

static int constructed;

static acre_cache_options thing_options(size_t count)
{
    constructed = 0;
    refuse_after = SIZE_MAX;
    local = (acre_cache_local){0};
    return (acre_cache_options){
        .object_bytes = sizeof(struct thing),
        .count = count,
        .construct = construct_thing,
        .destroy = destroy_thing,
        .argument = &constructed};
}

static acre_cache_stats stats_now(void)
{
    acre_cache_stats stats;
    acre_cache_get_stats(cache, &stats);
    return stats;
}

static void put_in_cache(void *object)
{
    acre_cache_put(cache, &local, object);
}

static bool dies(void *object, const char *what)
{
    struct sim_end end = sim_catch(put_in_cache, object);
    return end.how == SIM_FATAL && strcmp(end.what, what) == 0;
}

static void an_object_is_constructed_once_and_used_often(void)
{
    acre_cache_options options = thing_options(0);
    T_EXPECT(acre_cache_init(memory, sizeof(memory), &options, &cache) == ACRE_OK);
    for (unsigned i = 0; i < 100; i++) {
        struct thing *thing = acre_cache_get(cache, &local);
        T_EXPECT(thing != NULL && thing->magic == magic && thing->uses == i);
        thing->uses += 1;
        acre_cache_put(cache, &local, thing);
    }
    T_EXPECT(constructed == 1 && stats_now().constructions == 1);
    T_EXPECT(acre_cache_close(cache) == ACRE_BAD_ARGUMENT); // it is in the local
    acre_cache_flush(cache, &local);
    T_EXPECT(stats_now().depot_count == 1);
    T_EXPECT(acre_cache_shrink(cache) == 0 && constructed == 0);
    T_EXPECT_SOUND(acre_cache_audit(cache));
    T_EXPECT(acre_cache_close(cache) == ACRE_OK);
}

static void a_cache_in_an_array_uses_all_of_it(void)
{
    for (size_t bytes = 1; bytes < 300; bytes += 13) {
        for (size_t align = 0; align <= 128; align = align == 0 ? 16 : align * 8) {
            memset(memory, 0xa5, sizeof(memory));
            acre_cache_options options = {.object_bytes = bytes, .align = align};
            T_EXPECT(acre_cache_init(memory + 4, 8000, &options, &cache) == ACRE_OK);
            size_t got = 0;
            for (unsigned char *object; (object = acre_cache_get(cache, NULL)) != NULL; got++) {
                T_EXPECT(object > memory && object + bytes <= memory + 8004);
                T_EXPECT(((uintptr_t)object & ((align == 0 ? sizeof(void *) : align) - 1)) == 0);
                memset(object, 0xff, bytes);
            }
            acre_cache_stats stats = stats_now();
            T_EXPECT(got == stats.count && stats.failed_count == 1);
            T_EXPECT((got + 1) * (stats.object_bytes + 12) + sizeof(acre_cache *) > 8000 - 512);
            T_EXPECT(memory[8004] == 0xa5 && memory[3] == 0xa5);
            T_EXPECT_SOUND(acre_cache_audit(cache));
        }
    }
}

static void what_makes_no_sense_is_refused(void)
{
    pages_sim_init(&sim, 4096, true);
    static const acre_cache_options bad[] = {
        {.object_bytes = 0, .count = 5},
        {.object_bytes = 8, .count = 5, .align = 24},
        {.object_bytes = 8, .count = 5, .align = 8192},
        {.object_bytes = SIZE_MAX - 3, .count = 5},
        {.object_bytes = PTRDIFF_MAX, .count = 5},
        {.object_bytes = PTRDIFF_MAX / 128, .count = 1000},
        {.object_bytes = 8, .count = (size_t)INT32_MAX + 1},
    };
    acre_cache *before = cache;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        T_EXPECT(acre_cache_open(&sim.pages, &bad[i], &cache) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_cache_init(memory, 4096, &bad[i], &cache) != ACRE_OK);
    }
    acre_cache_options options = {.object_bytes = 8};
    T_EXPECT(acre_cache_open(&sim.pages, &options, &cache) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_cache_open(NULL, &options, &cache) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_cache_init(NULL, 4096, &options, &cache) == ACRE_BAD_ARGUMENT);
    for (size_t bytes = 0; bytes < 100; bytes++) {
        T_EXPECT(acre_cache_init(memory, bytes, &options, &cache) == ACRE_NO_MEMORY);
    }
    options.count = 500;
    T_EXPECT(acre_cache_init(memory, 4096, &options, &cache) == ACRE_NO_MEMORY);
    T_EXPECT(cache == before && sim.reserved_bytes == 0);
}

static void misuse_is_found_by_any_local(void)
{
    acre_cache_options options = thing_options(0);
    T_EXPECT(acre_cache_init(memory, sizeof(memory), &options, &cache) == ACRE_OK);
    acre_cache_local other = {0};
    unsigned char *a = acre_cache_get(cache, &local);
    for (size_t i = 1; i < 64; i++) {
        T_EXPECT(dies(a + i, "invalid free"));
    }
    T_EXPECT(dies(memory, "invalid free") && dies(memory + sizeof(memory) - 8, "invalid free"));
    T_EXPECT(dies(&local, "invalid free"));
    acre_cache_put(cache, &other, a);
    T_EXPECT(dies(a, "double free")); // in another local
    acre_cache_flush(cache, &other);
    T_EXPECT(dies(a, "double free")); // in the depot
    (void)acre_cache_shrink(cache);
    T_EXPECT(dies(a, "double free"));                            // raw
    T_EXPECT(dies(a + stats_now().object_bytes, "double free")); // never had
    acre_cache_put(cache, &local, NULL);
    T_EXPECT_SOUND(acre_cache_audit(cache));
    pages_sim_init(&sim, 4096, true);
    options = thing_options(5000);
    T_EXPECT(acre_cache_open(&sim.pages, &options, &cache) == ACRE_OK);
    unsigned char *first = acre_cache_get(cache, &local);
    T_EXPECT(dies(first + 65536, "invalid free")); // a chunk that is not there
    acre_cache_put(cache, &local, first);
    acre_cache_flush(cache, &local);
    T_EXPECT(acre_cache_close(cache) == ACRE_OK);
}

static void the_limit_holds_and_every_object_can_be_had(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_cache_options options = thing_options(3000);
    T_EXPECT(acre_cache_open(&sim.pages, &options, &cache) == ACRE_OK);
    static struct thing *things[3000];
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3000; i++) {
            things[i] = acre_cache_get(cache, &local);
            T_EXPECT(things[i] != NULL && things[i]->magic == magic);
            T_EXPECT(things[i]->uses == round); // the same objects, as they were left
            things[i]->uses += 1;
        }
        T_EXPECT(acre_cache_get(cache, &local) == NULL && constructed == 3000);
        acre_cache_stats stats = stats_now();
        T_EXPECT(stats.committed_bytes == sim.committed_bytes && stats.failed_count == round + 1);
        for (size_t i = 0; i < 3000; i++) {
            acre_cache_put(cache, i % 2 == 0 ? &local : NULL, things[i]);
        }
        T_EXPECT_SOUND(acre_cache_audit(cache));
    }
    T_EXPECT(acre_cache_close(cache) == ACRE_BAD_ARGUMENT);
    acre_cache_flush(cache, &local);
    T_EXPECT(acre_cache_close(cache) == ACRE_OK && constructed == 0 && sim.reserved_bytes == 0);
}

static void a_shrink_gives_back_chunks_without_objects(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_cache_options options = thing_options(5000);
    T_EXPECT(acre_cache_open(&sim.pages, &options, &cache) == ACRE_OK);
    size_t before = sim.committed_bytes;
    static struct thing *things[5000];
    for (size_t i = 0; i < 5000; i++) {
        things[i] = acre_cache_get(cache, NULL);
    }
    size_t full = sim.committed_bytes;
    for (size_t i = 0; i < 5000; i++) {
        if (i != 2500) {
            acre_cache_put(cache, NULL, things[i]);
        }
    }
    struct thing *stays = things[2500];
    size_t given = acre_cache_shrink(cache);
    T_EXPECT(given == full - before - 65536 && sim.committed_bytes == before + 65536);
    T_EXPECT(constructed == 1 && stays->magic == magic);
    T_EXPECT(stats_now().committed_bytes == sim.committed_bytes);
    T_EXPECT_SOUND(acre_cache_audit(cache));
    T_EXPECT(acre_cache_shrink(cache) == 0);
    for (size_t i = 0; i < 4999; i++) {
        things[i] = acre_cache_get(cache, &local);
        T_EXPECT(things[i] != NULL && things[i]->magic == magic);
    }
    T_EXPECT(acre_cache_get(cache, &local) == NULL && constructed == 5000);
    T_EXPECT_SOUND(acre_cache_audit(cache));
    acre_cache_local end = {0};
    acre_cache_put(cache, &end, things[0]);
    T_EXPECT(acre_cache_get(cache, &local) == NULL); // it is in another local
    acre_cache_flush(cache, &end);
    T_EXPECT(acre_cache_get(cache, &local) == things[0]);
    for (size_t i = 0; i < 5000; i++) {
        acre_cache_put(cache, NULL, i == 4999 ? stays : things[i]);
    }
    T_EXPECT(acre_cache_close(cache) == ACRE_OK && constructed == 0 && sim.reserved_bytes == 0);
}

static void a_constructor_may_refuse(void)
{
    acre_cache_options options = thing_options(0);
    T_EXPECT(acre_cache_init(memory, sizeof(memory), &options, &cache) == ACRE_OK);
    refuse_after = 1;
    void *thing = acre_cache_get(cache, &local);
    T_EXPECT(thing != NULL);
    T_EXPECT(acre_cache_get(cache, &local) == NULL && acre_cache_get(cache, NULL) == NULL);
    T_EXPECT(stats_now().constructed_count == 1 && stats_now().failed_count == 2);
    T_EXPECT_SOUND(acre_cache_audit(cache));
    acre_cache_put(cache, &local, thing);
    T_EXPECT(acre_cache_get(cache, &local) == thing);
    refuse_after = 1;
    T_EXPECT(acre_cache_get(cache, &local) != NULL);
}

static void a_cache_can_live_in_a_heap(void)
{
    heap_open();
    acre_heap_pages source;
    acre_heap_pages_init(&source, subject);
    acre_cache_options options = thing_options(200);
    T_EXPECT(acre_cache_open(&source.pages, &options, &cache) == ACRE_OK);
    void *things[200];
    for (size_t i = 0; i < 200; i++) {
        things[i] = acre_cache_get(cache, &local);
        T_EXPECT(things[i] != NULL);
    }
    for (size_t i = 0; i < 200; i++) {
        acre_cache_put(cache, &local, things[i]);
    }
    acre_cache_flush(cache, &local);
    T_EXPECT(acre_cache_shrink(cache) == 0 && constructed == 0); // the heap keeps the memory
    T_EXPECT_SOUND(acre_cache_audit(cache));
    T_EXPECT(acre_cache_close(cache) == ACRE_OK);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(an_object_is_constructed_once_and_used_often),
    T_CASE(a_cache_in_an_array_uses_all_of_it), T_CASE(what_makes_no_sense_is_refused),
    T_CASE(misuse_is_found_by_any_local), T_CASE(the_limit_holds_and_every_object_can_be_had),
    T_CASE(a_shrink_gives_back_chunks_without_objects), T_CASE(a_constructor_may_refuse),
    T_CASE(a_cache_can_live_in_a_heap))
