// shim.c - acre's pools behind OSMemCreate, OSMemGet and OSMemPut.
//
// The memory of a partition is all blocks, so the bits are in the OS_MEM. The pool is shared: a
// compare-and-swap takes the place of the critical section. (On a Cortex-M0, which has none, calls must be made
// with interrupts masked.)
// SPDX-License-Identifier: MIT
#include "os_mem.h"

static const CPU_INT32U mem_type = 0x204d454d; // "MEM "

static OS_ERR check_plan(const void *p_addr, OS_MEM_QTY n_blks, OS_MEM_SIZE blk_size)
{
    const size_t pointer_bytes = sizeof(void *);
    if (p_addr == NULL || (uintptr_t)p_addr % pointer_bytes != 0) {
        return OS_ERR_MEM_INVALID_P_ADDR;
    }
    if (n_blks < 2 || n_blks > OS_CFG_MEM_BLKS_MAX) {
        return OS_ERR_MEM_INVALID_BLKS;
    }
    return blk_size < pointer_bytes || blk_size % pointer_bytes != 0 ? OS_ERR_MEM_INVALID_SIZE
                                                                     : OS_ERR_NONE;
}

void OSMemCreate(
    OS_MEM *p_mem, CPU_CHAR *p_name, void *p_addr, OS_MEM_QTY n_blks, OS_MEM_SIZE blk_size,
    OS_ERR *p_err)
{
    const acre_pool_options options = {
        .block_bytes = blk_size, .count = n_blks, .flags = ACRE_POOL_SHARED};
    *p_err = p_mem == NULL ? OS_ERR_MEM_INVALID_P_MEM : check_plan(p_addr, n_blks, blk_size);
    if (*p_err != OS_ERR_NONE) {
        return;
    }
    if (acre_pool_init_split(&p_mem->Pool, p_addr, p_mem->Live, sizeof(p_mem->Live), &options) !=
        ACRE_OK) {
        *p_err = OS_ERR_MEM_INVALID_SIZE;
        return;
    }
    p_mem->NamePtr = p_name;
    p_mem->Type = mem_type;
}

static OS_ERR check_partition(const OS_MEM *p_mem)
{
    if (p_mem == NULL) {
        return OS_ERR_MEM_INVALID_P_MEM;
    }
    return p_mem->Type == mem_type ? OS_ERR_NONE : OS_ERR_OBJ_TYPE;
}

void *OSMemGet(OS_MEM *p_mem, OS_ERR *p_err)
{
    *p_err = check_partition(p_mem);
    if (*p_err != OS_ERR_NONE) {
        return NULL;
    }
    void *p_blk = acre_pool_get(&p_mem->Pool);
    *p_err = p_blk == NULL ? OS_ERR_MEM_NO_FREE_BLKS : OS_ERR_NONE;
    return p_blk;
}

void OSMemPut(OS_MEM *p_mem, void *p_blk, OS_ERR *p_err)
{
    *p_err = check_partition(p_mem);
    if (*p_err != OS_ERR_NONE) {
        return;
    }
    if (acre_pool_fault(&p_mem->Pool, p_blk) == NULL) {
        acre_pool_put(&p_mem->Pool, p_blk);
        return;
    }
    acre_pool_stats stats;
    acre_pool_get_stats(&p_mem->Pool, &stats);
    bool full = p_blk != NULL && stats.live_count == 0;
    *p_err = full ? OS_ERR_MEM_FULL : OS_ERR_MEM_INVALID_P_BLK;
}
