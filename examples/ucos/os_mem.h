// os_mem.h - memory partitions in the words of uC/OS-III, so that programs written for it run on acre's
// pools. shim.c puts them behind it.
//
// More than there: a block that is free, that lies in another partition, or that is no block at all is
// refused by OSMemPut with OS_ERR_MEM_INVALID_P_BLK; there, only a full partition is noticed. Block sizes
// and alignments are as there. An OS_MEM has a bit for each block, so a partition has at most
// OS_CFG_MEM_BLKS_MAX of them.
// SPDX-License-Identifier: MIT
#ifndef ACRE_EXAMPLE_OS_MEM_H
#define ACRE_EXAMPLE_OS_MEM_H

#include "acre/pool.h"

#ifndef OS_CFG_MEM_BLKS_MAX
#define OS_CFG_MEM_BLKS_MAX 1024u
#endif

typedef char CPU_CHAR;
typedef uint8_t CPU_INT08U;
typedef uint32_t CPU_INT32U;
typedef uint16_t OS_MEM_QTY;
typedef uint16_t OS_MEM_SIZE;

typedef enum os_err {
    OS_ERR_NONE = 0,
    OS_ERR_MEM_FULL = 22202, // every block of the partition is free already
    OS_ERR_MEM_INVALID_P_ADDR =
        22203, // no address, or one that is not a multiple of a pointer's size
    OS_ERR_MEM_INVALID_BLKS = 22204, // fewer than two, or more than OS_CFG_MEM_BLKS_MAX
    OS_ERR_MEM_INVALID_P_BLK = 22206,
    OS_ERR_MEM_INVALID_P_MEM = 22207,
    OS_ERR_MEM_INVALID_SIZE = 22209, // too small for a pointer, or not a multiple of its size
    OS_ERR_MEM_NO_FREE_BLKS = 22210,
    OS_ERR_OBJ_TYPE = 24001, // never made by OSMemCreate
} OS_ERR;

/// A partition. The fields are the shim's own.
typedef struct os_mem {
    CPU_INT32U Type;
    const CPU_CHAR *NamePtr;
    acre_pool Pool;
    uint32_t Live[(OS_CFG_MEM_BLKS_MAX + 31) / 32];
} OS_MEM;

/// Makes a partition of `n_blks` blocks of `blk_size` bytes, which are all of the memory at `p_addr`.
/// Not from interrupts.
void OSMemCreate(
    OS_MEM *p_mem, CPU_CHAR *p_name, void *p_addr, OS_MEM_QTY n_blks, OS_MEM_SIZE blk_size,
    OS_ERR *p_err);

/// Takes a block; NULL if there is none. From tasks and interrupts.
void *OSMemGet(OS_MEM *p_mem, OS_ERR *p_err);

/// Gives a block back. From tasks and interrupts.
void OSMemPut(OS_MEM *p_mem, void *p_blk, OS_ERR *p_err);

#endif
