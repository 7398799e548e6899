// shim.c - acre's pools behind CMSIS-RTOS2's memory pools. Shared pools, so that interrupts may allocate and
// free without a critical section.
// SPDX-License-Identifier: MIT
#include "memory_pool.h"

enum { KERNEL_CONTROL = 1, KERNEL_MEMORY = 2 };

struct control {
    acre_pool pool;
    const char *name;
    void *memory;
    uint32_t magic;
    uint32_t block_size;
    uint32_t from_kernel; // KERNEL_*
};

_Static_assert(sizeof(struct control) <= osMemoryPoolCbSize, "what programs reserve is enough");

static const uint32_t pool_magic = 0x4c4f4f50;

/// The pool behind an id; NULL if there is none, or not any longer.
static struct control *control_of(osMemoryPoolId_t mp_id)
{
    struct control *control = mp_id;
    bool whole = control != NULL && (uintptr_t)control % sizeof(void *) == 0;
    return whole && control->magic == pool_magic ? control : NULL;
}

/// The caller's memory if it is large enough, or the kernel's if there is none. NULL: neither.
static void *place(void *memory, uint32_t given, size_t needed, uint32_t flag, uint32_t *flags)
{
    if (memory != NULL) {
        bool fits = given >= needed && (uintptr_t)memory % sizeof(void *) == 0;
        return fits ? memory : NULL;
    }
    *flags |= flag;
    return given == 0 && needed <= UINT32_MAX ? osMemoryPoolKernelAlloc((uint32_t)needed) : NULL;
}

static void give_back(struct control *control, void *memory, uint32_t flags)
{
    if ((flags & KERNEL_MEMORY) != 0 && memory != NULL) {
        osMemoryPoolKernelFree(memory);
    }
    if ((flags & KERNEL_CONTROL) != 0 && control != NULL) {
        osMemoryPoolKernelFree(control);
    }
}

osMemoryPoolId_t osMemoryPoolNew(
    uint32_t block_count, uint32_t block_size, const osMemoryPoolAttr_t *attr)
{
    static const osMemoryPoolAttr_t no_attributes;
    const acre_pool_options options = {
        .block_bytes = block_size, .count = block_count, .flags = ACRE_POOL_SHARED};
    uint64_t bytes = (uint64_t)block_count * ((uint64_t)block_size + sizeof(void *));
    if (block_count == 0 || block_size == 0 || bytes > PTRDIFF_MAX) {
        return NULL;
    }
    attr = attr != NULL ? attr : &no_attributes;
    uint32_t flags = 0;
    size_t needed = osMemoryPoolMemSize(block_count, block_size);
    struct control *control =
        place(attr->cb_mem, attr->cb_size, sizeof(*control), KERNEL_CONTROL, &flags);
    void *memory = place(attr->mp_mem, attr->mp_size, needed, KERNEL_MEMORY, &flags);
    acre_pool pool;
    if (control == NULL || memory == NULL ||
        acre_pool_init(&pool, memory, needed, &options) != ACRE_OK) {
        give_back(control, memory, flags);
        return NULL;
    }
    *control = (struct control){
        .pool = pool,
        .name = attr->name,
        .memory = memory,
        .magic = pool_magic,
        .block_size = block_size,
        .from_kernel = flags,
    };
    return control;
}

const char *osMemoryPoolGetName(osMemoryPoolId_t mp_id)
{
    const struct control *control = control_of(mp_id);
    return control != NULL ? control->name : NULL;
}

void *osMemoryPoolAlloc(osMemoryPoolId_t mp_id, uint32_t timeout)
{
    struct control *control = control_of(mp_id);
    if (control == NULL) {
        return NULL;
    }
    void *block = acre_pool_get(&control->pool);
    while (block == NULL && timeout != 0 && osMemoryPoolKernelWait(mp_id, &timeout)) {
        block = acre_pool_get(&control->pool);
    }
    return block;
}

osStatus_t osMemoryPoolFree(osMemoryPoolId_t mp_id, void *block)
{
    struct control *control = control_of(mp_id);
    if (control == NULL || acre_pool_fault(&control->pool, block) != NULL) {
        return osErrorParameter;
    }
    acre_pool_put(&control->pool, block);
    return osOK;
}

static acre_pool_stats stats_of(osMemoryPoolId_t mp_id)
{
    const struct control *control = control_of(mp_id);
    acre_pool_stats stats = {0};
    if (control != NULL) {
        acre_pool_get_stats(&control->pool, &stats);
    }
    return stats;
}

uint32_t osMemoryPoolGetCapacity(osMemoryPoolId_t mp_id)
{
    const struct control *control = control_of(mp_id);
    return control != NULL ? control->pool.count : 0;
}

uint32_t osMemoryPoolGetBlockSize(osMemoryPoolId_t mp_id)
{
    const struct control *control = control_of(mp_id);
    return control != NULL ? control->block_size : 0;
}

uint32_t osMemoryPoolGetCount(osMemoryPoolId_t mp_id)
{
    return (uint32_t)stats_of(mp_id).live_count;
}

uint32_t osMemoryPoolGetSpace(osMemoryPoolId_t mp_id)
{
    const acre_pool_stats stats = stats_of(mp_id);
    return (uint32_t)(stats.count - stats.live_count);
}

osStatus_t osMemoryPoolDelete(osMemoryPoolId_t mp_id)
{
    struct control *control = control_of(mp_id);
    if (control == NULL) {
        return osErrorParameter;
    }
    control->magic = 0;
    give_back(control, control->memory, control->from_kernel);
    return osOK;
}
