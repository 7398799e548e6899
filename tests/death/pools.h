// pools.h - what the death tests of the special allocators share: one of each to misuse.
// SPDX-License-Identifier: MIT
#ifndef ACRE_DEATH_POOLS_H
#define ACRE_DEATH_POOLS_H

#include "acre/acre.h"
#include "acre/port/linux.h"
#include "death.h"

/// A pool of a hundred blocks of 40 bytes.
static inline acre_pool *death_pool(void)
{
    static acre_pool pool;
    acre_pool_options options = {.block_bytes = 40, .count = 100};
    if (acre_pool_open(&pool, acre_pages_mmap(), &options) != ACRE_OK) {
        _exit(DEATH_UNPREPARED);
    }
    return &pool;
}

/// A partition set with blocks of 48, 144 and 800 bytes.
static inline acre_partitions *death_partitions(void)
{
    static const acre_partition plan[] = {{48, 100}, {144, 50}, {800, 10}};
    acre_partitions *set;
    if (acre_partitions_open(acre_pages_mmap(), plan, 3, NULL, &set) != ACRE_OK) {
        _exit(DEATH_UNPREPARED);
    }
    return set;
}

/// A cache of a hundred objects of 104 bytes.
static inline acre_cache *death_cache(void)
{
    acre_cache *cache;
    acre_cache_options options = {.object_bytes = 100, .count = 100};
    if (acre_cache_open(acre_pages_mmap(), &options, &cache) != ACRE_OK) {
        _exit(DEATH_UNPREPARED);
    }
    return cache;
}

#endif
