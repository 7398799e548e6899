// rt_pool.h - what tests of rt heaps share: a pool of any engine and width, bookkeeping and range apart.
//
// A wide engine serves large pools. Tests want it in small ones, too, where everything can be tried, so
// they give a narrow pool a wide engine and an index for it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_UNIT_RT_POOL_H
#define ACRE_UNIT_RT_POOL_H

#include <string.h>

#include "pools/rt_engine.h"
#include "t.h"

enum {
    POOL_META_BYTES = 1 << 20,
    POOL_RANGE_BYTES = 1 << 22,
    POOL_INDEX_BYTES = 1 << 16,
};

static _Alignas(64) unsigned char pool_meta[POOL_META_BYTES];
static _Alignas(4096) unsigned char pool_range[POOL_RANGE_BYTES];
static _Alignas(8) unsigned char pool_index[POOL_INDEX_BYTES];
static acre_rt *pool;

static const char *const pool_kind_names[] = {"EXACT",      "EXACT wide", "QUICK",
                                              "QUICK wide", "TIGHT",      "TIGHT wide"};

/// The least granule that a kind may have in tests: QUICK's wide links need 16 bytes.
static inline size_t pool_granule(enum rt_kind kind)
{
    return kind == RT_QUICK_WIDE ? 16 : 8;
}

/// A pool of `granules` with the engine of `kind`, whatever its size. False if there can be none.
static inline bool pool_open(enum rt_kind kind, uint32_t granules)
{
    static const struct rt_engine *const engines[] = {&rt_exact_engine, &rt_exact_wide_engine,
                                                      &rt_quick_engine, &rt_quick_wide_engine,
                                                      &rt_tight_engine, &rt_tight_wide_engine};
    const size_t granule = pool_granule(kind);
    acre_rt_options options = {
        .engine = kind_is_tight(kind)   ? ACRE_RT_TIGHT
                  : kind_has_tree(kind) ? ACRE_RT_EXACT
                                        : ACRE_RT_QUICK,
        .granule_bytes = granule};
    memset(pool_range, 0xee, granules * granule);
    if (acre_rt_init_split(
            pool_meta, sizeof(pool_meta), pool_range, granules * granule, &options, &pool) !=
        ACRE_OK) {
        return false;
    }
    if (pool->engine != engines[kind]) {
        memset(pool_index, 0, sizeof(pool_index));
        memset(pool->starts, 0, (granules / 32 + 3) * 4);
        memset(pool->edges, 0, (granules / 32 + 3) * 4);
        pool->index = pool_index;
        pool->engine = engines[kind];
        pool->engine->start(pool);
    }
    return true;
}

static inline uint32_t pool_place(const void *block)
{
    return (uint32_t)(((const unsigned char *)block - pool_range) >> pool->granule_log2);
}

#endif
