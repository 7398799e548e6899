// program.c - a program written for CMSIS-RTOS2's memory pools: one in static memory and one in the
// kernel's, a wait with a timeout, the numbers, and misuse. What the kernel would do stands first.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_pool.h"

typedef struct {
    uint32_t id;
    uint8_t data[25];
} mail_t;

enum { MAILS = 40 };

static uint8_t mail_memory[osMemoryPoolMemSize(MAILS, sizeof(mail_t))]
    __attribute__((aligned(sizeof(void *))));
static uint64_t mail_control[osMemoryPoolCbSize / 8 + 1];
static unsigned failed;
static int kernel_blocks;
static bool kernel_is_full;
static void *freed_in_wait;
static unsigned ticks;

void *osMemoryPoolKernelAlloc(uint32_t bytes)
{
    void *memory = kernel_is_full ? NULL : malloc(bytes);
    kernel_blocks += memory != NULL;
    return memory;
}

void osMemoryPoolKernelFree(void *memory)
{
    kernel_blocks -= 1;
    free(memory);
}

bool osMemoryPoolKernelWait(osMemoryPoolId_t mp_id, uint32_t *timeout)
{
    ticks += 1;
    if (freed_in_wait != NULL && ticks % 4 == 0) { // another thread runs
        (void)osMemoryPoolFree(mp_id, freed_in_wait);
        freed_in_wait = NULL;
    }
    if (*timeout != osWaitForever) {
        *timeout -= 1;
    }
    return *timeout != 0;
}

static void expect(const char *what, long found, long expected)
{
    if (found != expected) {
        printf("%s: %ld, not %ld\n", what, found, expected);
        failed += 1;
    }
}

static void use(osMemoryPoolId_t pool)
{
    static mail_t *mails[MAILS];
    expect("capacity", osMemoryPoolGetCapacity(pool), MAILS);
    expect("block size", osMemoryPoolGetBlockSize(pool), (long)sizeof(mail_t));
    for (uint32_t i = 0; i < MAILS; i++) {
        mails[i] = osMemoryPoolAlloc(pool, 0);
        if (mails[i] == NULL) {
            failed += 1;
            return;
        }
        *mails[i] = (mail_t){.id = i};
        memset(mails[i]->data, (int)i, sizeof(mails[i]->data));
        expect("in use", osMemoryPoolGetCount(pool), (long)i + 1);
    }
    expect("no space", osMemoryPoolGetSpace(pool), 0);
    expect("none without a wait", osMemoryPoolAlloc(pool, 0) == NULL, 1);
    ticks = 0;
    expect("none in three ticks", osMemoryPoolAlloc(pool, 3) == NULL && ticks == 3, 1);
    freed_in_wait = mails[9];
    expect("the one freed meanwhile", osMemoryPoolAlloc(pool, osWaitForever) == mails[9], 1);
    *mails[9] = (mail_t){.id = 9};
    for (uint32_t i = 0; i < MAILS; i++) {
        expect("its contents", mails[i]->id, (long)i);
        expect("a free", osMemoryPoolFree(pool, mails[i]), osOK);
        expect("a second free", osMemoryPoolFree(pool, mails[i]), osErrorParameter);
    }
    expect("space", osMemoryPoolGetSpace(pool), MAILS);
    expect("none in use", osMemoryPoolGetCount(pool), 0);
}

static void misuse(osMemoryPoolId_t pool)
{
    uint8_t *block = osMemoryPoolAlloc(pool, 0);
    expect("the middle", osMemoryPoolFree(pool, block + 8), osErrorParameter);
    expect("NULL", osMemoryPoolFree(pool, NULL), osErrorParameter);
    expect("elsewhere", osMemoryPoolFree(pool, &failed), osErrorParameter);
    expect("no pool", osMemoryPoolFree(NULL, block), osErrorParameter);
    expect("nothing of no pool", osMemoryPoolAlloc(NULL, osWaitForever) == NULL, 1);
    expect("no pool has no space", osMemoryPoolGetSpace(NULL), 0);
    expect("the block", osMemoryPoolFree(pool, block), osOK);
    expect("no end", osMemoryPoolDelete(NULL), osErrorParameter);
    osMemoryPoolAttr_t small = {.mp_mem = mail_memory, .mp_size = 100};
    expect("too small", osMemoryPoolNew(MAILS, 50, &small) == NULL, 1);
    expect("no blocks", osMemoryPoolNew(0, 50, NULL) == NULL, 1);
    expect("no size", osMemoryPoolNew(5, 0, NULL) == NULL, 1);
    expect("too much", osMemoryPoolNew(UINT32_MAX, UINT32_MAX, NULL) == NULL, 1);
    kernel_is_full = true;
    expect("no memory", osMemoryPoolNew(5, 50, NULL) == NULL, 1);
    kernel_is_full = false;
}

int main(void)
{
    const osMemoryPoolAttr_t attributes = {
        .name = "mails",
        .cb_mem = mail_control,
        .cb_size = sizeof(mail_control),
        .mp_mem = mail_memory,
        .mp_size = sizeof(mail_memory),
    };
    osMemoryPoolId_t fixed = osMemoryPoolNew(MAILS, sizeof(mail_t), &attributes);
    osMemoryPoolId_t kernels = osMemoryPoolNew(MAILS, sizeof(mail_t), NULL);
    if (fixed == NULL || kernels == NULL) {
        puts("no pools");
        return 1;
    }
    expect("its name", strcmp(osMemoryPoolGetName(fixed), "mails"), 0);
    expect("no name", osMemoryPoolGetName(kernels) == NULL, 1);
    expect("the kernel's blocks", kernel_blocks, 2);
    use(fixed);
    use(kernels);
    misuse(fixed);
    expect("an end", osMemoryPoolDelete(kernels), osOK);
    expect("an end", osMemoryPoolDelete(fixed), osOK);
    expect("a second end", osMemoryPoolDelete(fixed), osErrorParameter);
    expect("the kernel has its memory", kernel_blocks, 0);
    printf("%u wrong\n", failed);
    return failed == 0 ? 0 : 1;
}
