// pool.h - what the two files of the pool share: where links and live bits are.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_POOL_H
#define ACRE_POOLS_POOL_H

#include "acre/pool.h"

/// Words of live bits for so many blocks.
static inline uint32_t pool_live_words(uint32_t count)
{
    return count / 32 + (count % 32 != 0);
}

/// The link of a block that is free: index + 1 of the next one, 0 at the end.
static inline uint32_t *pool_link(const acre_pool *pool, size_t index)
{
    return (uint32_t *)(void *)(pool->links + index * pool->link_stride_bytes);
}

#endif
