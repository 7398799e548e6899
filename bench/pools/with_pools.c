// with_pools.c - the patterns of bench/pools (work.h) on the special allocators.
//
//     with_pools one_type pool|cache|table
//     with_pools constructed cache
//     with_pools request region
//
// SPDX-License-Identifier: MIT
#include "acre/acre.h"
#include "acre/port/linux.h"
#include "work.h"

static void must(acre_status status)
{
    if (status != ACRE_OK) {
        work_failed();
    }
}

static acre_pool pool;

static uint64_t pool_add(void)
{
    return (uintptr_t)acre_pool_get(&pool);
}

static uint64_t *object_at(uint64_t name)
{
    return (uint64_t *)(uintptr_t)name;
}

static void pool_drop(uint64_t name)
{
    acre_pool_put(&pool, (void *)(uintptr_t)name);
}

static acre_cache *cache;
static acre_cache_local local;

static bool construct(void *object, void *argument)
{
    (void)argument;
    work_build(object);
    return true;
}

static uint64_t cache_add(void)
{
    return (uintptr_t)acre_cache_get(cache, &local);
}

static void cache_drop(uint64_t name)
{
    acre_cache_put(cache, &local, (void *)(uintptr_t)name);
}

static acre_table table;

static uint64_t table_add(void)
{
    acre_id id;
    return acre_table_add(&table, &id) != NULL ? id : 0;
}

static uint64_t *table_at(uint64_t name)
{
    return acre_table_at(&table, name);
}

static void table_drop(uint64_t name)
{
    must(acre_table_remove(&table, name));
}

static acre_region region;

static void *region_alloc(size_t size)
{
    return acre_region_alloc(&region, size);
}

static void region_end(void)
{
    acre_region_reset(&region, SIZE_MAX);
}

int main(int argc, char **argv)
{
    const char *which = argc == 3 ? argv[2] : "";
    if (strcmp(which, "pool") == 0) {
        acre_pool_options options = {.block_bytes = WORK_OBJECT_BYTES, .count = WORK_OBJECTS};
        must(acre_pool_open(&pool, acre_pages_mmap(), &options));
        work_one_type(which, WORK_OBJECTS, pool_add, object_at, pool_drop);
    } else if (strcmp(which, "cache") == 0) {
        acre_cache_options options = {.object_bytes = WORK_OBJECT_BYTES, .count = 2 * WORK_OBJECTS};
        bool built = strcmp(argv[1], "constructed") == 0;
        if (built) {
            options.object_bytes = WORK_BUILT_BYTES;
            options.construct = construct;
        }
        must(acre_cache_open(acre_pages_mmap(), &options, &cache));
        work_one_type(which, built ? WORK_BUILT : WORK_OBJECTS, cache_add, object_at, cache_drop);
    } else if (strcmp(which, "table") == 0) {
        acre_table_options options = {.element_bytes = WORK_OBJECT_BYTES, .count = WORK_OBJECTS};
        must(acre_table_open(&table, acre_pages_mmap(), &options));
        work_one_type(which, WORK_OBJECTS, table_add, table_at, table_drop);
    } else if (strcmp(which, "region") == 0) {
        must(acre_region_open(&region, acre_pages_mmap(), NULL));
        work_request(which, region_alloc, region_end);
    } else {
        (void)fputs(
            "usage: with_pools one_type pool|cache|table, constructed cache, or request region\n",
            stderr);
        return 2;
    }
    return 0;
}
