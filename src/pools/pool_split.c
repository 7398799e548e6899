// pool_split.c - a pool whose bits, and links if it has some, lie apart from its blocks. See acre/pool.h.
//
//     memory   | block 0 | block 1 | ... | block count-1 |
//     beside   | links, if KEEP | live bits |
//
// From here on it is a pool as any other: where the bits are is a pointer in each.
// SPDX-License-Identifier: MIT
#include "base/bits.h"
#include "pools/pool.h"
#include "pools/stride.h"

acre_status acre_pool_init_split(
    acre_pool *pool, void *memory, void *beside, size_t beside_bytes,
    const acre_pool_options *options)
{
    const unsigned known = ACRE_POOL_KEEP | ACRE_POOL_SHARED;
    size_t align = options->align == 0 ? sizeof(void *) : ACRE_POOL_ALIGN(options->align);
    bool keep = (options->flags & ACRE_POOL_KEEP) != 0;
    size_t stride;
    size_t bytes;
    if (memory == NULL || beside == NULL || options->block_bytes == 0 ||
        (options->align & (options->align - 1)) != 0 || options->count == 0 ||
        options->count > INT32_MAX || (options->flags & ~known) != 0 ||
        !align_up(options->block_bytes, align, &stride) ||
        !mul_size(options->count, stride, &bytes) || bytes > PTRDIFF_MAX ||
        ((word)memory & (align - 1)) != 0 || ((word)beside & 3) != 0) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t links_bytes;
    if (!mul_size(options->count, keep ? 4 : 0, &links_bytes) || links_bytes > beside_bytes ||
        (size_t)pool_live_words((uint32_t)options->count) * 4 > beside_bytes - links_bytes) {
        return ACRE_NO_MEMORY;
    }
    unsigned char *links = beside;
    *pool = (acre_pool){
        .base = memory,
        .stride_bytes = stride,
        .count = (uint32_t)options->count,
        .keep = options->flags & ACRE_POOL_KEEP,
        .shared = options->flags & ACRE_POOL_SHARED,
        .links = keep ? links : memory,
        .link_stride_bytes = keep ? 4 : stride,
        .live = (uint32_t *)(void *)(links + links_bytes),
        .committed_bytes = bytes,
    };
    unsigned twos;
    pool->inverse = stride_inverse(stride, &twos);
    pool->twos = twos;
    acre_pool_reset(pool);
    return ACRE_OK;
}
