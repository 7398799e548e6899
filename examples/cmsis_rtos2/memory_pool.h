// memory_pool.h - memory pools in the words of CMSIS-RTOS2, so that programs written for it run on acre's
// pools. shim.c puts them behind it.
//
// Memory and control block may be the caller's, as the attributes say; else they come from
// osMemoryPoolKernelAlloc, which the system supplies. As with other implementations, memory for blocks has a
// size of its own: osMemoryPoolMemSize. More than the interface promises: osMemoryPoolFree refuses what is
// not a live block of the pool with osErrorParameter.
// SPDX-License-Identifier: MIT
#ifndef ACRE_EXAMPLE_MEMORY_POOL_H
#define ACRE_EXAMPLE_MEMORY_POOL_H

#include "acre/pool.h"

typedef enum {
    osOK = 0,
    osError = -1,
    osErrorTimeout = -2,
    osErrorResource = -3,
    osErrorParameter = -4,
    osErrorNoMemory = -5,
    osErrorISR = -6,
} osStatus_t;

typedef void *osMemoryPoolId_t;

typedef struct {
    const char *name;
    uint32_t attr_bits; // none are defined
    void *cb_mem;       // control block, osMemoryPoolCbSize bytes; NULL: from the kernel
    uint32_t cb_size;
    void *mp_mem; // blocks, osMemoryPoolMemSize bytes; NULL: from the kernel
    uint32_t mp_size;
} osMemoryPoolAttr_t;

#define osWaitForever 0xffffffffu

/// Bytes of a control block, and of the memory for so many blocks of so many bytes: four bytes more for
/// each 32 blocks than the blocks have.
#define osMemoryPoolCbSize (sizeof(acre_pool) + 2 * sizeof(void *) + 16)
#define osMemoryPoolMemSize(block_count, block_size)                                               \
    (ACRE_POOL_BYTES(block_count, block_size, sizeof(void *)))

/// Supplied by the system. Memory for a pool, aligned for anything, or NULL; and its way back.
void *osMemoryPoolKernelAlloc(uint32_t bytes);
void osMemoryPoolKernelFree(void *memory);

/// Supplied by the system. Lets the calling thread wait until a block may have been freed, and takes the
/// time from *timeout unless it is osWaitForever. False: the time is over, or nobody can wait here.
bool osMemoryPoolKernelWait(osMemoryPoolId_t mp_id, uint32_t *timeout);

/// Makes a pool; NULL if the arguments are wrong or there is no memory. Not from interrupts.
osMemoryPoolId_t osMemoryPoolNew(
    uint32_t block_count, uint32_t block_size, const osMemoryPoolAttr_t *attr);

/// Its name, or NULL.
const char *osMemoryPoolGetName(osMemoryPoolId_t mp_id);

/// Takes a block, or NULL if there is none in time. From interrupts with a timeout of 0.
void *osMemoryPoolAlloc(osMemoryPoolId_t mp_id, uint32_t timeout);

/// Gives a block back. Also from interrupts.
osStatus_t osMemoryPoolFree(osMemoryPoolId_t mp_id, void *block);

/// Numbers of a pool, 0 if it is none: blocks, bytes of one as asked for, blocks in use, blocks free.
uint32_t osMemoryPoolGetCapacity(osMemoryPoolId_t mp_id);
uint32_t osMemoryPoolGetBlockSize(osMemoryPoolId_t mp_id);
uint32_t osMemoryPoolGetCount(osMemoryPoolId_t mp_id);
uint32_t osMemoryPoolGetSpace(osMemoryPoolId_t mp_id);

/// Ends a pool and gives the kernel's memory back to it. Not from interrupts.
osStatus_t osMemoryPoolDelete(osMemoryPoolId_t mp_id);

#endif
