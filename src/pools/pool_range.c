// pool_range.c - a pool's memory: making and ending it, giving memory back, and looking at all of it.
// See acre/pool.h.
//
//     base                                     (page)                  reserved_bytes
//      | block 0 | block 1 | ... | block count-1 |  | links, if KEEP | live bits |
//      |<- committed_bytes ->|                      |<- committed from the start ->|
//
// In memory of the caller the same without pages, and all of it counts as committed.
// SPDX-License-Identifier: MIT
#include "base/atomics.h"
#include "base/check.h"
#include "pools/pool.h"
#include "pools/stride.h"

static const uint32_t count_max = INT32_MAX;

/// Checks the options and fills in what follows from them alone.
static acre_status pool_prepare(acre_pool *pool, const acre_pool_options *options)
{
    size_t align = options->align == 0 ? sizeof(void *) : ACRE_POOL_ALIGN(options->align);
    size_t stride;
    if (options->block_bytes == 0 || (options->align & (options->align - 1)) != 0 ||
        options->count > count_max ||
        (options->flags & ~(ACRE_POOL_KEEP | ACRE_POOL_SHARED)) != 0 ||
        !align_up(options->block_bytes, align, &stride) || stride > PTRDIFF_MAX) {
        return ACRE_BAD_ARGUMENT;
    }
    *pool = (acre_pool){
        .stride_bytes = stride,
        .count = (uint32_t)options->count,
        .keep = options->flags & ACRE_POOL_KEEP,
        .shared = options->flags & ACRE_POOL_SHARED,
    };
    unsigned twos;
    pool->inverse = stride_inverse(stride, &twos);
    pool->twos = twos;
    return ACRE_OK;
}

/// Bytes of links and live bits.
static size_t beside_bytes(const acre_pool *pool)
{
    size_t links = pool->keep != 0 ? (size_t)pool->count * 4 : 0;
    return links + (size_t)pool_live_words(pool->count) * 4;
}

/// Sets where links and live bits are, and makes every block free.
static void pool_start(acre_pool *pool, unsigned char *base, unsigned char *beside)
{
    pool->base = base;
    pool->links = pool->keep != 0 ? beside : base;
    pool->link_stride_bytes = pool->keep != 0 ? 4 : pool->stride_bytes;
    pool->live = (uint32_t *)(void *)(pool->keep != 0 ? beside + (size_t)pool->count * 4 : beside);
    acre_pool_reset(pool);
}

void acre_pool_reset(acre_pool *pool)
{
    uint32_t words = pool_live_words(pool->count);
    __builtin_memset(pool->live, 0, (size_t)words * 4);
    if (pool->shared != 0 && pool->count % 32 != 0) {
        pool->live[words - 1] = ~(uint32_t)0
                                << pool->count % 32; // bits of no block: never to be had
    }
    pool->made = 0;
    pool->head = 0;
    pool->hint = 0;
    if (pool->live_count > pool->live_peak) {
        pool->live_peak = pool->live_count;
    }
    pool->live_count = 0;
}

/// How many blocks fit in `bytes` with what stands beside them.
static uint32_t count_that_fits(acre_pool *pool, size_t bytes)
{
    size_t each = pool->stride_bytes + (pool->keep != 0 ? 4 : 0);
    size_t count = stride_quotient(bytes, each);
    count = count > count_max ? count_max : count;
    while (count > 0) {
        pool->count = (uint32_t)count;
        size_t need = count * pool->stride_bytes + beside_bytes(pool);
        if (need <= bytes) {
            break;
        }
        // Never too far: a block less frees at most its own bytes, its link and one word of bits.
        count -= stride_quotient(need - bytes + each + 3, each + 4);
    }
    return (uint32_t)count;
}

acre_status acre_pool_init(
    acre_pool *pool, void *memory, size_t bytes, const acre_pool_options *options)
{
    acre_pool made;
    acre_status status = pool_prepare(&made, options);
    if (status != ACRE_OK || memory == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t align = options->align == 0 ? sizeof(void *) : ACRE_POOL_ALIGN(options->align);
    size_t skip = (size_t)(0 - (word)memory) & (align - 1);
    if (skip > bytes || bytes - skip > PTRDIFF_MAX) {
        return skip > bytes ? ACRE_NO_MEMORY : ACRE_BAD_ARGUMENT;
    }
    uint32_t fits = count_that_fits(&made, bytes - skip);
    if (fits == 0 || fits < options->count) {
        return ACRE_NO_MEMORY;
    }
    made.count = options->count == 0 ? fits : (uint32_t)options->count;
    made.committed_bytes = bytes;
    unsigned char *base = (unsigned char *)memory + skip;
    pool_start(&made, base, base + (size_t)made.count * made.stride_bytes);
    *pool = made;
    return ACRE_OK;
}

acre_status acre_pool_open(acre_pool *pool, acre_pages *pages, const acre_pool_options *options)
{
    acre_pool made;
    if (pages == NULL || options->count == 0 || pool_prepare(&made, options) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t page = pages->page_bytes;
    size_t blocks;
    size_t beside;
    size_t all;
    if (!mul_size(made.count, made.stride_bytes, &blocks) || !align_up(blocks, page, &blocks) ||
        !align_up(beside_bytes(&made), page, &beside) || !add_size(blocks, beside, &all) ||
        all > PTRDIFF_MAX) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t align = options->align > page ? options->align : page;
    unsigned char *base = pages->reserve(pages, all, align);
    if (base == NULL) {
        return ACRE_NO_MEMORY;
    }
    // A shared pool has nobody who could commit later, so its blocks are committed as well.
    size_t from = made.shared != 0 ? 0 : blocks;
    if (pages->commit(pages, base + from, all - from) != ACRE_OK) {
        (void)pages->release(pages, base, all);
        return ACRE_NO_MEMORY;
    }
    made.pages = pages;
    made.committed_bytes = made.shared != 0 ? blocks : 0;
    made.reserved_bytes = all;
    pool_start(&made, base, base + blocks);
    *pool = made;
    return ACRE_OK;
}

acre_status acre_pool_close(acre_pool *pool)
{
    if (pool->pages == NULL) {
        acre_pool_reset(pool);
        return ACRE_OK;
    }
    if (pool->pages->release(pool->pages, pool->base, pool->reserved_bytes) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    *pool = (acre_pool){.stride_bytes = pool->stride_bytes};
    return ACRE_OK;
}

static bool is_live(const acre_pool *pool, size_t index)
{
    return (load_relaxed(&pool->live[index / 32]) >> index % 32 & 1) != 0;
}

size_t acre_pool_trim(acre_pool *pool)
{
    if (pool->pages == NULL || pool->shared != 0) {
        return 0;
    }
    while (pool->made > 0 && !is_live(pool, pool->made - 1)) {
        pool->made -= 1;
    }
    pool->head = 0;
    for (uint32_t index = pool->made; index-- > 0;) {
        if (!is_live(pool, index)) {
            pool_set_next(pool, index + 1, pool->head);
            pool->head = index + 1;
        }
    }
    size_t keep = round_up((size_t)pool->made * pool->stride_bytes, pool->pages->page_bytes);
    size_t gone = pool->committed_bytes - keep;
    if (gone == 0 || pool->pages->decommit(pool->pages, pool->base + keep, gone) != ACRE_OK) {
        return 0;
    }
    pool->committed_bytes = keep;
    return gone;
}

static size_t count_live_bits(const acre_pool *pool)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < pool_live_words(pool->count); i++) {
        sum += count_bits(load_relaxed(&pool->live[i]));
    }
    bool surplus = pool->shared != 0 && pool->count % 32 != 0;
    return surplus ? sum - (32 - pool->count % 32) : sum;
}

void acre_pool_get_stats(const acre_pool *pool, acre_pool_stats *out)
{
    size_t page = pool->pages != NULL ? pool->pages->page_bytes : 1;
    *out = (acre_pool_stats){
        .block_bytes = pool->stride_bytes,
        .count = pool->count,
        .live_count = pool->shared != 0 ? count_live_bits(pool) : pool->live_count,
        .live_peak = pool->live_peak > pool->live_count ? pool->live_peak : pool->live_count,
        .failed_count = load_relaxed(&pool->failed_count),
        .committed_bytes = pool->committed_bytes,
    };
    if (pool->pages != NULL) {
        out->committed_bytes += round_up(beside_bytes(pool), page);
    }
}

bool acre_pool_walk(acre_pool *pool, acre_pool_visitor *visit, void *context)
{
    for (uint32_t at = 0; at < pool_live_words(pool->count); at++) {
        uint32_t rest = load_relaxed(&pool->live[at]);
        for (; rest != 0; rest &= rest - 1) {
            size_t index = (size_t)at * 32 + lowest_bit(rest);
            if (index < pool->count && !visit(context, pool->base + index * pool->stride_bytes)) {
                return false;
            }
        }
    }
    return true;
}

const char *acre_pool_audit(const acre_pool *pool)
{
    if (pool->made > pool->count) {
        return "more blocks were made than there are";
    }
    if (pool->shared != 0) {
        return NULL; // its bits are all there is
    }
    if (count_live_bits(pool) != pool->live_count) {
        return "the live bits do not add up to the live count";
    }
    if (pool->pages != NULL && (size_t)pool->made * pool->stride_bytes > pool->committed_bytes) {
        return "a block lies outside committed memory";
    }
    uint32_t listed = 0;
    for (uint32_t at = pool->head; at != 0; at = pool_next(pool, at)) {
        if (at > pool->made) {
            return "a link leads outside the pool";
        }
        if (is_live(pool, at - 1)) {
            return "a live block is on the list of free ones";
        }
        listed += 1;
        if (listed > pool->made) {
            return "the list of free blocks has a loop";
        }
    }
    return listed + pool->live_count == pool->made ? NULL : "a free block is on no list";
}
