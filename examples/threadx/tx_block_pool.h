// tx_block_pool.h - block pools in the words of ThreadX, so that programs written for it run on acre's
// pools. shim.c puts them behind it.
//
// As there, a pool of `pool_size` bytes has pool_size / (block_size + sizeof(void *)) blocks; what the
// pointer before each block takes there holds the bits here. More than there: tx_block_release refuses
// what is no live block of any pool with TX_PTR_ERROR, where ThreadX follows a pointer in front of it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_EXAMPLE_TX_BLOCK_POOL_H
#define ACRE_EXAMPLE_TX_BLOCK_POOL_H

#include "acre/pool.h"

#define VOID void
typedef char CHAR;
typedef unsigned int UINT;
typedef unsigned long ULONG;

#define TX_SUCCESS      ((UINT)0x00)
#define TX_POOL_ERROR   ((UINT)0x02) // no pool, or one that was made already
#define TX_PTR_ERROR    ((UINT)0x03)
#define TX_WAIT_ERROR   ((UINT)0x04) // a wait where nobody can wait
#define TX_SIZE_ERROR   ((UINT)0x05) // not room for a block
#define TX_NO_MEMORY    ((UINT)0x10)
#define TX_NO_WAIT      ((ULONG)0)
#define TX_WAIT_FOREVER ((ULONG)0xffffffff)

typedef struct tx_thread TX_THREAD; // a thread: none of the shim's business

/// A pool. The fields are the shim's own.
typedef struct tx_block_pool {
    ULONG tx_block_pool_id;
    CHAR *tx_block_pool_name;
    acre_pool tx_block_pool_blocks;
    struct tx_block_pool *tx_block_pool_created_next;
    struct tx_block_pool *tx_block_pool_created_previous;
} TX_BLOCK_POOL;

/// Lets the calling thread wait until a block may have been released, and takes the time from *ticks
/// unless it is TX_WAIT_FOREVER. False: the time is over. Supplied by the system; NULL where there are no
/// threads, so that every wait is TX_WAIT_ERROR.
extern bool (*tx_block_pool_wait)(TX_BLOCK_POOL *pool_ptr, ULONG *ticks);

/// Makes a pool. From initialisation and threads, one at a time.
UINT tx_block_pool_create(
    TX_BLOCK_POOL *pool_ptr, CHAR *name_ptr, ULONG block_size, VOID *pool_start, ULONG pool_size);

/// Ends a pool: the memory is the caller's again. From threads, one at a time.
UINT tx_block_pool_delete(TX_BLOCK_POOL *pool_ptr);

/// Takes a block. From threads; with TX_NO_WAIT from anywhere.
UINT tx_block_allocate(TX_BLOCK_POOL *pool_ptr, VOID **block_ptr, ULONG wait_option);

/// Gives a block back to its pool. From anywhere. Takes a step for each pool.
UINT tx_block_release(VOID *block_ptr);

/// Tells of a pool; each place for an answer may be NULL. Suspended threads are not known here: 0.
UINT tx_block_pool_info_get(
    TX_BLOCK_POOL *pool_ptr, CHAR **name, ULONG *available_blocks, ULONG *total_blocks,
    TX_THREAD **first_suspended, ULONG *suspended_count, TX_BLOCK_POOL **next_pool);

#endif
