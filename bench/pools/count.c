// count.c - runs one operation of a special allocator N times, for callgrind to count what it executes:
// scripts/measure_pools.py does that.
//
//     count OPERATION N
//
// Operations that are inline in the header have a function here whose count, its return included, is the
// operation's.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acre/acre.h"
#include "acre/port/linux.h"

#define NOINLINE __attribute__((noinline, noclone))

enum { OBJECTS = 100, OBJECT_BYTES = 48 };

static void *objects[OBJECTS];
static volatile uintptr_t sink;

static void must(bool cond)
{
    if (!cond) {
        (void)fprintf(stderr, "count: could not be prepared\n");
        exit(2);
    }
}

static void run_pool(unsigned flags, unsigned long count)
{
    acre_pool pool;
    acre_pool_options options = {.block_bytes = OBJECT_BYTES, .count = OBJECTS, .flags = flags};
    must(acre_pool_open(&pool, acre_pages_mmap(), &options) == ACRE_OK);
    for (unsigned long done = 0; done < count; done += OBJECTS) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            objects[i] = acre_pool_get(&pool);
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            acre_pool_put(&pool, objects[i]);
        }
    }
    must(acre_pool_close(&pool) == ACRE_OK);
}

static void run_pool_plain(unsigned long count)
{
    run_pool(0, count);
}

static void run_pool_keep(unsigned long count)
{
    run_pool(ACRE_POOL_KEEP, count);
}

static void run_pool_shared(unsigned long count)
{
    run_pool(ACRE_POOL_SHARED, count);
}

NOINLINE static void *count_region_alloc(acre_region *region, size_t size)
{
    return acre_region_alloc(region, size);
}

static void run_region(unsigned long count)
{
    acre_region region;
    must(acre_region_open(&region, acre_pages_mmap(), NULL) == ACRE_OK);
    for (unsigned long done = 0; done < count; done += OBJECTS) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            sink += (uintptr_t)count_region_alloc(&region, OBJECT_BYTES);
        }
        acre_region_reset(&region, SIZE_MAX);
        sink += (uintptr_t)acre_region_copy(&region, "", 1); // the next hundred find a chunk
    }
    acre_region_close(&region);
}

NOINLINE static void *count_table_at(const acre_table *table, acre_id id)
{
    return acre_table_at(table, id);
}

static void run_table(unsigned long count)
{
    static acre_id ids[OBJECTS];
    acre_table table;
    acre_table_options options = {.element_bytes = OBJECT_BYTES, .count = OBJECTS};
    must(acre_table_open(&table, acre_pages_mmap(), &options) == ACRE_OK);
    for (unsigned i = 0; i < OBJECTS; i++) {
        must(acre_table_add(&table, &ids[i]) != NULL);
    }
    for (unsigned long done = 0; done < count; done += OBJECTS) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            sink += (uintptr_t)count_table_at(&table, ids[i]);
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            must(acre_table_remove(&table, ids[i]) == ACRE_OK);
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            must(acre_table_add(&table, &ids[i]) != NULL);
        }
    }
    must(acre_table_close(&table) == ACRE_OK);
}

static void run_partitions(unsigned long count)
{
    // Six, as a plan may have them, and sizes that meet each.
    static const acre_partition plan[] = {{32, 20},  {48, 20},  {96, 20},
                                          {144, 20}, {400, 20}, {800, 20}};
    static const size_t sizes[] = {20, 48, 90, 100, 400, 500};
    acre_partitions *set;
    must(acre_partitions_open(acre_pages_mmap(), plan, 6, NULL, &set) == ACRE_OK);
    for (unsigned long done = 0; done < count; done += OBJECTS) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            objects[i] = acre_partitions_alloc(set, sizes[i % 6]);
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            acre_partitions_free(set, objects[i]);
        }
    }
    must(acre_partitions_close(set) == ACRE_OK);
}

static void run_cache(unsigned long count)
{
    acre_cache *cache;
    acre_cache_local local = {0};
    acre_cache_options options = {.object_bytes = OBJECT_BYTES, .count = OBJECTS};
    must(acre_cache_open(acre_pages_mmap(), &options, &cache) == ACRE_OK);
    for (unsigned long done = 0; done < count; done += 2) { // two at a time: all hits but the first
        objects[0] = acre_cache_get(cache, &local);
        objects[1] = acre_cache_get(cache, &local);
        acre_cache_put(cache, &local, objects[0]);
        acre_cache_put(cache, &local, objects[1]);
    }
    acre_cache_flush(cache, &local);
    must(acre_cache_close(cache) == ACRE_OK);
}

static const struct {
    const char *name;
    void (*run)(unsigned long count);
} operations[] = {
    {"pool", run_pool_plain},       {"pool_keep", run_pool_keep}, {"pool_shared", run_pool_shared},
    {"cache", run_cache},           {"region", run_region},       {"table", run_table},
    {"partitions", run_partitions},
};

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: count OPERATION N\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(argv[1], operations[i].name) == 0) {
            operations[i].run(strtoul(argv[2], NULL, 10));
            return sink == 1 ? 3 : 0;
        }
    }
    (void)fprintf(stderr, "count: no operation %s\n", argv[1]);
    return 2;
}
