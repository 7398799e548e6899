// memp.h - memory pools in the words of lwIP, from the list in lwippools.h: memp_malloc and memp_free on
// acre's pools, mem_malloc and mem_free (lwIP's MEM_USE_POOLS) on a partition set. shim.c puts them behind it.
//
// More than there: a free that is wrong ends the program, and says how, in every build. mem_malloc needs no
// header in front of each block to know its pool. As with MEM_USE_POOLS_TRY_BIGGER_POOL, an empty pool's
// requests are served by the next larger one.
// SPDX-License-Identifier: MIT
#ifndef ACRE_EXAMPLE_MEMP_H
#define ACRE_EXAMPLE_MEMP_H

#include "acre/partitions.h"

typedef enum {
#define LWIP_MEMPOOL(name, number, size, words) MEMP_##name,
#define LWIP_MALLOC_MEMPOOL(number, size)
#include "lwippools.h"
    MEMP_MAX
} memp_t;

typedef uint16_t mem_size_t;

/// Makes all pools. Before anything else, once.
void memp_init(void);

/// Takes a block of a pool of the list; NULL if there is none. Also from interrupts.
void *memp_malloc(memp_t type);

/// Gives a block back to its pool. NULL is ignored. Also from interrupts.
void memp_free(memp_t type, void *mem);

/// What a pool of the list is called in messages.
const char *memp_words(memp_t type);

/// Takes at least `size` bytes from the pools for that; NULL if there are none. Also from interrupts.
void *mem_malloc(mem_size_t size);

/// Gives back what mem_malloc returned. NULL is ignored. Also from interrupts.
void mem_free(void *mem);

/// A pool of a program's own: LWIP_MEMPOOL_DECLARE(name, number, size, words) at file level, then these.
#define LWIP_MEMPOOL_DECLARE(name, number, size, words)                                            \
    static unsigned char name##_memory[ACRE_POOL_BYTES(number, size, sizeof(void *))]              \
        __attribute__((aligned(sizeof(void *))));                                                  \
    static acre_pool name##_pool;                                                                  \
    static void name##_init(void)                                                                  \
    {                                                                                              \
        memp_init_pool(&name##_pool, name##_memory, sizeof(name##_memory), number, size);          \
    }
#define LWIP_MEMPOOL_INIT(name)      name##_init()
#define LWIP_MEMPOOL_ALLOC(name)     acre_pool_get(&name##_pool)
#define LWIP_MEMPOOL_FREE(name, mem) acre_pool_put(&name##_pool, mem)

/// What LWIP_MEMPOOL_INIT calls.
void memp_init_pool(acre_pool *pool, void *memory, size_t bytes, size_t number, size_t size);

#endif
