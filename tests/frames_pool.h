// frames_pool.h - pools for tests, in memory that costs only what is written of it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_POOL_H
#define ACRE_FRAMES_POOL_H

#include <stdlib.h>
#include <sys/mman.h>

#include "acre/frames.h"

enum { TREE_BYTES = 1 << 24 };

/// A pool from `low` to `high`, in bytes, in which all is taken. pool_end frees it.
static inline acre_frames *pool_make(uint64_t low, uint64_t high, unsigned slots, bool use_isa_dma)
{
    acre_frames_options options = {
        .low = {low},
        .high = {high},
        .slots = slots,
        .use_isa_dma = use_isa_dma,
        .meta_is_zero = true,
    };
    void *meta = mmap(
        NULL, (size_t)acre_frames_bytes(&options), PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (meta == MAP_FAILED) {
        abort();
    }
    return acre_frames_create(meta, &options);
}

/// The same, all given.
static inline acre_frames *pool_make_given(
    uint64_t low, uint64_t high, unsigned slots, bool use_isa_dma)
{
    acre_frames *pool = pool_make(low, high, slots, use_isa_dma);
    acre_frame first;
    uint64_t count;
    acre_frames_get_span(pool, &first, &count);
    if (acre_frames_give(pool, first, count) != ACRE_OK) {
        abort();
    }
    return pool;
}

static inline void pool_end(acre_frames *pool)
{
    acre_frames_stats stats;
    acre_frames_get_stats(pool, &stats);
    (void)munmap(pool, (size_t)stats.meta_bytes);
}

#endif
