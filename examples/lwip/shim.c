// shim.c - acre's pools and partition sets behind lwIP's memp and mem. The list of pools is read once for each
// array that is made of it.
// SPDX-License-Identifier: MIT
#include "memp.h"

// Memory of each pool of the list.
#define LWIP_MEMPOOL(name, number, size, words)                                                    \
    static unsigned char memory_##name[ACRE_POOL_BYTES(number, size, sizeof(void *))]              \
        __attribute__((aligned(sizeof(void *))));
#define LWIP_MALLOC_MEMPOOL(number, size)
#include "lwippools.h"

static const struct {
    const char *words;
    void *memory;
    size_t bytes;
    size_t number;
    size_t size;
} list[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, number, size, words)                                                    \
    [MEMP_##name] = {words, memory_##name, sizeof(memory_##name), number, size},
#define LWIP_MALLOC_MEMPOOL(number, size)
#include "lwippools.h"
};

static const acre_partition plan[] = {
#define LWIP_MEMPOOL(name, number, size, words)
#define LWIP_MALLOC_MEMPOOL(number, size) {size, number},
#include "lwippools.h"
};

enum { PARTITIONS = sizeof(plan) / sizeof(plan[0]) };

// ACRE_PARTITIONS_BYTES wants a plan in one macro; lwIP's list is a file, so the sum is made here.
static unsigned char set_memory
    [ACRE_PARTITIONS_SET_BYTES + ACRE_PARTITIONS_ALIGN
#define LWIP_MEMPOOL(name, number, size, words)
#define LWIP_MALLOC_MEMPOOL(number, size)                                                          \
    ACRE_PARTITIONS_ADD_EACH(size, number) ACRE_PARTITIONS_ADD_BLOCKS(size, number)
#include "lwippools.h"
] __attribute__((aligned(ACRE_PARTITIONS_ALIGN)));

static acre_pool pools[MEMP_MAX];
static acre_partitions *set;

void memp_init_pool(acre_pool *pool, void *memory, size_t bytes, size_t number, size_t size)
{
    const acre_pool_options options = {
        .block_bytes = size, .count = number, .flags = ACRE_POOL_SHARED};
    if (acre_pool_init(pool, memory, bytes, &options) != ACRE_OK) {
        __builtin_trap(); // the list makes no sense
    }
}

void memp_init(void)
{
    const acre_partitions_options options = {.flags = ACRE_POOL_SHARED | ACRE_PARTITIONS_SPILL};
    for (size_t i = 0; i < MEMP_MAX; i++) {
        memp_init_pool(&pools[i], list[i].memory, list[i].bytes, list[i].number, list[i].size);
    }
    if (acre_partitions_init(set_memory, sizeof(set_memory), plan, PARTITIONS, &options, &set) !=
        ACRE_OK) {
        __builtin_trap();
    }
}

void *memp_malloc(memp_t type)
{
    return type < MEMP_MAX ? acre_pool_get(&pools[type]) : NULL;
}

void memp_free(memp_t type, void *mem)
{
    if (type < MEMP_MAX) {
        acre_pool_put(&pools[type], mem);
    }
}

const char *memp_words(memp_t type)
{
    return type < MEMP_MAX ? list[type].words : "";
}

void *mem_malloc(mem_size_t size)
{
    return acre_partitions_alloc(set, size);
}

void mem_free(void *mem)
{
    acre_partitions_free(set, mem);
}
