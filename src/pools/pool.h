// pool.h - what the two files of the pool share: links and live bits.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_POOL_H
#define ACRE_POOLS_POOL_H

#include "acre/pool.h"

/// Words of live bits for so many blocks.
static inline uint32_t pool_live_words(uint32_t count)
{
    return count / 32 + (count % 32 != 0);
}

/// Where the link of a block is while the block is free.
static inline uint32_t *pool_link(const acre_pool *pool, size_t index)
{
    return (uint32_t *)(void *)(pool->links + index * pool->link_stride_bytes);
}

/// What a link is combined with, so that hardly anything that a program writes is one: its top bit is set,
/// which no number of a block has, and the others are different for each block. So numbers below 2^31
/// and texts are never links; and of all others, a copy of another block's link among them, those are
/// that happen to agree in every bit above the number of blocks.
static inline uint32_t pool_mask(uint32_t number)
{
    return number * (uint32_t)0x9e3779b1 | (uint32_t)1 << 31;
}

/// The link of the free block with the number `number`, which is its index + 1: the number of the next
/// one, 0 at the end. More than there are blocks: it was overwritten.
static inline uint32_t pool_next(const acre_pool *pool, uint32_t number)
{
    return *pool_link(pool, number - 1) ^ pool_mask(number);
}

static inline void pool_set_next(const acre_pool *pool, uint32_t number, uint32_t next)
{
    *pool_link(pool, number - 1) = next ^ pool_mask(number);
}

#endif
