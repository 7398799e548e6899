// pool.c - blocks of one size: see acre/pool.h. Get and put, plain and shared.
//
// Where a block stands is its live bit and nothing else; the list of free blocks only says which one
// comes next. So a list that a write to a freed block has damaged can lead to a wrong block, but never
// to a live one: get looks at the bit first.
//
// A shared pool has no list. Its live words change by compare-and-swap only: taken with acquire, given
// back with release, so that what the last holder wrote to a block is seen by the next one.
// SPDX-License-Identifier: MIT
#include "acre/pool.h"

#include "base/atomics.h"
#include "base/check.h"
#include "pools/pool.h"
#include "pools/stride.h"

// Kept out of the paths that succeed, so that those need no frame.
#define OUT_OF_LINE __attribute__((noinline))

// The sentences of the heap, so that one word means one thing.
static const char double_put[] = "double free";
static const char invalid_put[] = "invalid free";
static const char corrupted[] = "corrupted free block";

static inline word index_of(const acre_pool *pool, const void *block)
{
    word offset = (word)block - (word)pool->base;
    return stride_index(offset, pool->inverse, pool->twos);
}

static inline void *block_at(const acre_pool *pool, size_t index)
{
    return pool->base + index * pool->stride_bytes;
}

OUT_OF_LINE static _Noreturn void die(const acre_pool *pool, const char *what, const void *block)
{
    acre_port_fatal(what, block, what == invalid_put ? 0 : pool->stride_bytes);
}

// ---- shared --------------------------------------------------------------------------------------

static void *get_shared(acre_pool *pool)
{
    uint32_t words = pool_live_words(pool->count);
    uint32_t at = load_relaxed(&pool->hint);
    for (uint32_t looked = 0; looked < words; looked++) {
        uint32_t *live = &pool->live[at];
        uint32_t seen = load_relaxed(live);
        while (seen != UINT32_MAX) {
            uint32_t bit = ~seen & (seen + 1); // the lowest that is 0
            // Pairs with cas_release in put_otherwise.
            if (cas_acquire(live, &seen, seen | bit)) {
                return block_at(pool, (size_t)at * 32 + lowest_bit(bit));
            }
        }
        at = at + 1 == words ? 0 : at + 1;
    }
    (void)add_relaxed(&pool->failed_count, 1);
    return NULL;
}

/// The block is none of those that were made one by one: none of a shared pool are.
OUT_OF_LINE static void put_otherwise(acre_pool *pool, void *block)
{
    word index = index_of(pool, block);
    if (block == NULL) {
        return;
    }
    if (pool->shared == 0 || index >= pool->count) {
        die(pool, invalid_put, block);
    }
    uint32_t *live = &pool->live[index / 32];
    uint32_t bit = (uint32_t)1 << index % 32;
    uint32_t seen = load_relaxed(live);
    do {
        if (unlikely((seen & bit) == 0)) {
            die(pool, double_put, block);
        }
        // Pairs with cas_acquire in get_shared.
    } while (!cas_release(live, &seen, seen & ~bit));
    store_relaxed(&pool->hint, (uint32_t)(index / 32));
}

// ---- plain ---------------------------------------------------------------------------------------

/// Commits memory up to `end_bytes`. False: the source has none.
static bool commit_to(acre_pool *pool, size_t end_bytes)
{
    size_t end = round_up(end_bytes, pool->pages->page_bytes);
    size_t more = end - pool->committed_bytes;
    if (pool->pages->commit(pool->pages, pool->base + pool->committed_bytes, more) != ACRE_OK) {
        return false;
    }
    pool->committed_bytes = end;
    return true;
}

/// The list is empty, as that of a shared pool always is: hands out a block that never was.
OUT_OF_LINE static void *get_otherwise(acre_pool *pool)
{
    if (pool->shared != 0) {
        return get_shared(pool);
    }
    uint32_t index = pool->made;
    size_t offset = (size_t)index * pool->stride_bytes;
    size_t end_bytes = offset + pool->stride_bytes;
    if (index == pool->count ||
        (end_bytes > pool->committed_bytes && !commit_to(pool, end_bytes))) {
        pool->failed_count += 1;
        return NULL;
    }
    pool->made = index + 1;
    pool->live[index / 32] |= (uint32_t)1 << index % 32;
    pool->live_count += 1;
    return pool->base + offset;
}

void *acre_pool_get(acre_pool *pool)
{
    if (unlikely(pool->head == 0)) {
        return get_otherwise(pool);
    }
    uint32_t index = pool->head - 1;
    uint32_t next = pool_next(pool, pool->head);
    uint32_t *live = &pool->live[index / 32];
    uint32_t bit = (uint32_t)1 << index % 32;
    if (unlikely(next > pool->made || (*live & bit) != 0)) {
        die(pool, corrupted, block_at(pool, index));
    }
    *live |= bit;
    pool->head = next;
    pool->live_count += 1;
    return block_at(pool, index);
}

void *acre_pool_get_zeroed(acre_pool *pool)
{
    void *block = acre_pool_get(pool);
    if (block != NULL) {
        __builtin_memset(block, 0, pool->stride_bytes);
    }
    return block;
}

void acre_pool_put(acre_pool *pool, void *block)
{
    word index = index_of(pool, block);
    if (unlikely(index >= pool->made)) {
        put_otherwise(pool, block);
        return;
    }
    uint32_t *live = &pool->live[index / 32];
    uint32_t bit = (uint32_t)1 << index % 32;
    if (unlikely((*live & bit) == 0)) {
        die(pool, double_put, block);
    }
    *live &= ~bit;
    uint32_t number = (uint32_t)index + 1;
    pool_set_next(pool, number, pool->head);
    pool->head = number;
    // The most that were ever live were so when one of them was put back, or are so now.
    if (pool->live_count > pool->live_peak) {
        pool->live_peak = pool->live_count;
    }
    pool->live_count -= 1;
}

const char *acre_pool_fault(const acre_pool *pool, const void *block)
{
    word index = index_of(pool, block);
    if (block == NULL || index >= (pool->shared != 0 ? pool->count : pool->made)) {
        return invalid_put;
    }
    return (load_relaxed(&pool->live[index / 32]) >> index % 32 & 1) == 0 ? double_put : NULL;
}

size_t acre_pool_index(const acre_pool *pool, const void *block)
{
    word index = index_of(pool, block);
    return index < pool->count ? index : SIZE_MAX;
}

void *acre_pool_at(const acre_pool *pool, size_t index)
{
    return index < pool->count ? block_at(pool, index) : NULL;
}
