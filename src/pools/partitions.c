// partitions.c - alloc and free of a partition set: see acre/partitions.h.
//
// Which partition a size or an address belongs to is found by halving a row of keys four times, whatever
// the number of partitions: the row is filled up with keys that nothing is above. All else, the proof of a pointer above all, is the pool's: an address that lies
// in no block goes to the nearest partition below it, and that pool refuses it.
//
// A request has one home. Counting there what failed and what spilled, not where it went, says which
// number of the plan is too small.
// SPDX-License-Identifier: MIT
#include "pools/partitions.h"
#include "base/atomics.h"
#include "base/bits.h"
#include "base/check.h"

// Kept out of the paths that succeed, so that those need no frame.
#define OUT_OF_LINE __attribute__((noinline))

/// How many of the keys, which ascend, are below `key`: fifteen keys take four looks.
static inline size_t keys_below(const word *keys, word key)
{
    const word *at = keys;
    at = key > at[7] ? at + 8 : at;
    at = key > at[3] ? at + 4 : at;
    at = key > at[1] ? at + 2 : at;
    at = key > at[0] ? at + 1 : at;
    return (size_t)(at - keys);
}

_Static_assert(PARTITION_KEYS == 15, "as keys_below has it");

/// The partition with the smallest blocks of at least `bytes`; the last one if there is none.
static inline struct partition *home_of(acre_partitions *set, size_t bytes)
{
    return &set->partition[keys_below(set->sizes, bytes)];
}

/// The only partition that `block` can be a block of.
static inline const struct partition *place_of(const acre_partitions *set, const void *block)
{
    return &set->partition[keys_below(set->places, (word)block)];
}

/// The home has no block, or none that is large enough: a larger one, if the set spills, or NULL.
OUT_OF_LINE static void *alloc_otherwise(acre_partitions *set, struct partition *home, size_t bytes)
{
    const struct partition *end = set->partition + set->count;
    if (set->spill != 0 && bytes <= home->pool.stride_bytes) {
        for (struct partition *larger = home + 1; larger < end; larger++) {
            void *block = acre_pool_get(&larger->pool);
            if (block != NULL) {
                (void)add_relaxed(&home->spilled_count, 1);
                return block;
            }
        }
    }
    (void)add_relaxed(&home->failed_count, 1);
    return NULL;
}

/// Of two threads that have a larger request at once, one may be forgotten: it is for people to read.
static inline void note_request(struct partition *home, size_t bytes)
{
    if (bytes > load_relaxed(&home->largest_bytes)) {
        store_relaxed(&home->largest_bytes, bytes);
    }
}

void *acre_partitions_alloc(acre_partitions *set, size_t bytes)
{
    struct partition *home = home_of(set, bytes);
    note_request(home, bytes);
    if (likely(bytes <= home->pool.stride_bytes)) {
        void *block = acre_pool_get(&home->pool);
        if (likely(block != NULL)) {
            return block;
        }
    }
    return alloc_otherwise(set, home, bytes);
}

void *acre_partitions_calloc(acre_partitions *set, size_t count, size_t bytes)
{
    size_t all;
    if (!mul_size(count, bytes, &all)) {
        all = SIZE_MAX; // fails, and is counted
    }
    void *block = acre_partitions_alloc(set, all);
    if (block != NULL) {
        __builtin_memset(block, 0, all);
    }
    return block;
}

void acre_partitions_free(acre_partitions *set, void *block)
{
    struct partition *place = (struct partition *)place_of(set, block);
    acre_pool_put(&place->pool, block);
}

void acre_partitions_free_sized(acre_partitions *set, void *block, size_t bytes)
{
    struct partition *place = (struct partition *)place_of(set, block);
    size_t block_bytes = place->pool.stride_bytes;
    // What is no live block at all is for the pool to report.
    if (unlikely(bytes > block_bytes) && acre_pool_fault(&place->pool, block) == NULL) {
        acre_port_fatal("wrong size on free", block, block_bytes);
    }
    acre_pool_put(&place->pool, block);
}

OUT_OF_LINE static _Noreturn void refuse_realloc(const struct partition *place, const void *block)
{
    const acre_pool *pool = &place->pool;
    size_t ever_live = pool->shared != 0 ? pool->count : pool->made;
    bool freed = acre_pool_index(pool, block) < ever_live;
    acre_port_fatal(
        freed ? "realloc of a freed block" : "invalid realloc", block,
        freed ? pool->stride_bytes : 0);
}

void *acre_partitions_realloc(acre_partitions *set, void *block, size_t bytes)
{
    if (block == NULL) {
        return acre_partitions_alloc(set, bytes);
    }
    struct partition *place = (struct partition *)place_of(set, block);
    size_t block_bytes = place->pool.stride_bytes;
    if (unlikely(acre_pool_fault(&place->pool, block) != NULL)) {
        refuse_realloc(place, block);
    }
    struct partition *home = home_of(set, bytes);
    note_request(home, bytes);
    bool large_enough = bytes <= block_bytes;
    if (home == place && large_enough) {
        return block;
    }
    void *moved = bytes <= home->pool.stride_bytes ? acre_pool_get(&home->pool) : NULL;
    if (moved == NULL && large_enough) {
        return block;
    }
    if (moved == NULL) {
        moved = alloc_otherwise(set, home, bytes);
    }
    if (moved != NULL) {
        __builtin_memcpy(moved, block, large_enough ? bytes : block_bytes);
        acre_pool_put(&place->pool, block);
    }
    return moved;
}

const char *acre_partitions_fault(const acre_partitions *set, const void *block)
{
    return acre_pool_fault(&place_of(set, block)->pool, block);
}

size_t acre_partitions_size(const acre_partitions *set, const void *block)
{
    const struct partition *place = place_of(set, block);
    return acre_pool_fault(&place->pool, block) == NULL ? place->pool.stride_bytes : 0;
}
