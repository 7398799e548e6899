// shim.c - acre's pools behind ThreadX's block pools.
//
// Created pools are on a ring, as in ThreadX: tx_block_release, which is told no pool, asks each whether the
// block is one of its own. Blocks are aligned as a ULONG of the target, 4 bytes on Cortex-M.
// SPDX-License-Identifier: MIT
#include "tx_block_pool.h"

bool (*tx_block_pool_wait)(TX_BLOCK_POOL *pool_ptr, ULONG *ticks);

static const ULONG pool_id = 0x424c4f43; // "BLOC"
static TX_BLOCK_POOL *created;           // any pool of the ring; NULL: there is none

static bool is_created(const TX_BLOCK_POOL *pool_ptr)
{
    return pool_ptr != NULL && pool_ptr->tx_block_pool_id == pool_id;
}

static void join_ring(TX_BLOCK_POOL *pool_ptr)
{
    TX_BLOCK_POOL *next = created != NULL ? created : pool_ptr;
    TX_BLOCK_POOL *previous = created != NULL ? created->tx_block_pool_created_previous : pool_ptr;
    pool_ptr->tx_block_pool_created_next = next;
    pool_ptr->tx_block_pool_created_previous = previous;
    previous->tx_block_pool_created_next = pool_ptr;
    next->tx_block_pool_created_previous = pool_ptr;
    created = next;
}

static void leave_ring(TX_BLOCK_POOL *pool_ptr)
{
    TX_BLOCK_POOL *next = pool_ptr->tx_block_pool_created_next;
    next->tx_block_pool_created_previous = pool_ptr->tx_block_pool_created_previous;
    pool_ptr->tx_block_pool_created_previous->tx_block_pool_created_next = next;
    created = next == pool_ptr ? NULL : next;
}

UINT tx_block_pool_create(
    TX_BLOCK_POOL *pool_ptr, CHAR *name_ptr, ULONG block_size, VOID *pool_start, ULONG pool_size)
{
    if (pool_ptr == NULL || is_created(pool_ptr)) {
        return TX_POOL_ERROR;
    }
    if (pool_start == NULL || (uintptr_t)pool_start % sizeof(ULONG) != 0) {
        return TX_PTR_ERROR;
    }
    if (block_size == 0 || block_size > pool_size) {
        return TX_SIZE_ERROR;
    }
    ULONG rounded = (block_size + sizeof(ULONG) - 1) / sizeof(ULONG) * sizeof(ULONG);
    const acre_pool_options options = {
        .block_bytes = rounded,
        .align = sizeof(ULONG),
        .count = pool_size / (rounded + sizeof(void *)),
        .flags = ACRE_POOL_SHARED,
    };
    if (options.count == 0 ||
        acre_pool_init(&pool_ptr->tx_block_pool_blocks, pool_start, pool_size, &options) !=
            ACRE_OK) {
        return TX_SIZE_ERROR;
    }
    pool_ptr->tx_block_pool_name = name_ptr;
    join_ring(pool_ptr);
    pool_ptr->tx_block_pool_id = pool_id;
    return TX_SUCCESS;
}

UINT tx_block_pool_delete(TX_BLOCK_POOL *pool_ptr)
{
    if (!is_created(pool_ptr)) {
        return TX_POOL_ERROR;
    }
    pool_ptr->tx_block_pool_id = 0;
    leave_ring(pool_ptr);
    return TX_SUCCESS;
}

UINT tx_block_allocate(TX_BLOCK_POOL *pool_ptr, VOID **block_ptr, ULONG wait_option)
{
    if (!is_created(pool_ptr)) {
        return TX_POOL_ERROR;
    }
    if (block_ptr == NULL) {
        return TX_PTR_ERROR;
    }
    if (wait_option != TX_NO_WAIT && tx_block_pool_wait == NULL) {
        return TX_WAIT_ERROR;
    }
    void *block = acre_pool_get(&pool_ptr->tx_block_pool_blocks);
    while (block == NULL && wait_option != TX_NO_WAIT &&
           tx_block_pool_wait(pool_ptr, &wait_option)) {
        block = acre_pool_get(&pool_ptr->tx_block_pool_blocks);
    }
    *block_ptr = block;
    return block != NULL ? TX_SUCCESS : TX_NO_MEMORY;
}

UINT tx_block_release(VOID *block_ptr)
{
    TX_BLOCK_POOL *pool_ptr = created;
    if (block_ptr == NULL || pool_ptr == NULL) {
        return TX_PTR_ERROR;
    }
    do {
        acre_pool *blocks = &pool_ptr->tx_block_pool_blocks;
        if (acre_pool_fault(blocks, block_ptr) == NULL) {
            acre_pool_put(blocks, block_ptr);
            return TX_SUCCESS;
        }
        pool_ptr = pool_ptr->tx_block_pool_created_next;
    } while (pool_ptr != created);
    return TX_PTR_ERROR;
}

UINT tx_block_pool_info_get(
    TX_BLOCK_POOL *pool_ptr, CHAR **name, ULONG *available_blocks, ULONG *total_blocks,
    TX_THREAD **first_suspended, ULONG *suspended_count, TX_BLOCK_POOL **next_pool)
{
    CHAR *no_name;
    ULONG no_number;
    TX_THREAD *no_thread;
    TX_BLOCK_POOL *no_pool;
    acre_pool_stats stats;
    if (!is_created(pool_ptr)) {
        return TX_POOL_ERROR;
    }
    acre_pool_get_stats(&pool_ptr->tx_block_pool_blocks, &stats);
    *(name != NULL ? name : &no_name) = pool_ptr->tx_block_pool_name;
    *(available_blocks != NULL ? available_blocks : &no_number) =
        (ULONG)(stats.count - stats.live_count);
    *(total_blocks != NULL ? total_blocks : &no_number) = (ULONG)stats.count;
    *(first_suspended != NULL ? first_suspended : &no_thread) = NULL;
    *(suspended_count != NULL ? suspended_count : &no_number) = 0;
    *(next_pool != NULL ? next_pool : &no_pool) = pool_ptr->tx_block_pool_created_next;
    return TX_SUCCESS;
}
