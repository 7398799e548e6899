// partitions_range.c - a partition set's memory: how much it needs, making and ending it, and looking at
// all of it. See acre/partitions.h.
//
//     start, aligned                                                  aligned
//      | set, a struct for each partition, live bits, links if KEEP | blocks of 40 | of 136 | of 800 |
//
// What describes the blocks lies below them all: who writes past the end of a block does not reach it.
// SPDX-License-Identifier: MIT
#include "base/bits.h"
#include "base/check.h"
#include "pools/partitions.h"

/// A plan that was looked at: what its set takes. Valid if bytes is not 0.
struct layout {
    size_t align;       // of the whole
    size_t block_align; // at most `align`
    size_t bytes;       // of everything
    size_t head_bytes;  // below the blocks
    unsigned flags;
};

/// What follows from the options alone. False: they make no sense.
static bool read_options(struct layout *layout, const acre_partitions_options *options)
{
    const unsigned known = ACRE_PARTITIONS_SPILL | ACRE_POOL_KEEP | ACRE_POOL_SHARED;
    size_t align = options == NULL || options->align == 0 ? ACRE_PARTITIONS_ALIGN : options->align;
    if (!is_power_of_two(align) || align > PTRDIFF_MAX / 2) {
        return false;
    }
    layout->block_align = ACRE_POOL_ALIGN(align);                    // pools have 4 at least
    layout->align = align < sizeof(void *) ? sizeof(void *) : align; // the set lies there, too
    layout->flags = options == NULL ? 0 : options->flags;
    return (layout->flags & ~known) == 0;
}

/// Bytes of the live bits and links of so many blocks.
static size_t beside_bytes(size_t count, unsigned flags)
{
    return ACRE_POOL_BESIDE_BYTES(count) + ((flags & ACRE_POOL_KEEP) != 0 ? 4 * count : 0);
}

/// Adds one partition to what is laid out. False: it makes no sense, or no machine has so much.
static bool add_partition(
    struct layout *layout, const acre_partition *partition, size_t last_stride, size_t *stride)
{
    size_t count = partition->count;
    size_t blocks;
    if (partition->block_bytes == 0 || count == 0 || count > INT32_MAX ||
        !align_up(partition->block_bytes, layout->block_align, stride) || *stride <= last_stride ||
        !mul_size(count, *stride, &blocks) || blocks > PTRDIFF_MAX) {
        return false;
    }
    // Not more than the blocks have, and an eighth of that: it cannot wrap either.
    size_t beside = beside_bytes(count, layout->flags);
    return add_size(layout->bytes, blocks, &layout->bytes) &&
           add_size(layout->head_bytes, beside, &layout->head_bytes);
}

static struct layout lay_out(
    const acre_partition *plan, size_t count, const acre_partitions_options *options)
{
    const struct layout refused = {0};
    struct layout layout = refused;
    if (plan == NULL || count == 0 || count > ACRE_PARTITIONS_MAX ||
        !read_options(&layout, options)) {
        return refused;
    }
    layout.head_bytes = sizeof(acre_partitions) + count * sizeof(struct partition);
    size_t stride = 0;
    for (size_t i = 0; i < count; i++) {
        if (!add_partition(&layout, &plan[i], stride, &stride)) {
            return refused;
        }
    }
    if (!align_up(layout.head_bytes, layout.align, &layout.head_bytes) ||
        !add_size(layout.bytes, layout.head_bytes, &layout.bytes) || layout.bytes > PTRDIFF_MAX) {
        return refused;
    }
    return layout;
}

size_t acre_partitions_bytes(
    const acre_partition *plan, size_t count, const acre_partitions_options *options)
{
    return lay_out(plan, count, options).bytes;
}

/// Makes the set at `start`, which is aligned and has layout->bytes.
static acre_partitions *make(
    unsigned char *start, const struct layout *layout, const acre_partition *plan, size_t count)
{
    acre_partitions *set = (acre_partitions *)(void *)start;
    *set = (acre_partitions){.count = count, .spill = layout->flags & ACRE_PARTITIONS_SPILL};
    for (size_t i = 0; i < PARTITION_KEYS; i++) {
        set->sizes[i] = SIZE_MAX;
        set->places[i] = UINTPTR_MAX;
    }
    unsigned char *beside = (unsigned char *)&set->partition[count];
    unsigned char *blocks = start + layout->head_bytes;
    for (size_t i = 0; i < count; i++) {
        const acre_pool_options options = {
            .block_bytes = plan[i].block_bytes,
            .align = layout->block_align,
            .count = plan[i].count,
            .flags = layout->flags & ~ACRE_PARTITIONS_SPILL,
        };
        struct partition *partition = &set->partition[i];
        size_t bytes = beside_bytes(plan[i].count, layout->flags);
        *partition = (struct partition){.largest_bytes = 0};
        acre_status status =
            acre_pool_init_split(&partition->pool, blocks, beside, bytes, &options);
        acre_check(status == ACRE_OK);
        if (i > 0) {
            set->sizes[i - 1] = set->partition[i - 1].pool.stride_bytes;
            set->places[i - 1] = (word)blocks - 1;
        }
        beside += bytes;
        blocks += plan[i].count * partition->pool.stride_bytes;
    }
    return set;
}

acre_status acre_partitions_init(
    void *memory, size_t bytes, const acre_partition *plan, size_t count,
    const acre_partitions_options *options, acre_partitions **out)
{
    struct layout layout = lay_out(plan, count, options);
    if (memory == NULL || layout.bytes == 0) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t skip = (size_t)(0 - (word)memory) & (layout.align - 1);
    if (skip > bytes || layout.bytes > bytes - skip) {
        return ACRE_NO_MEMORY;
    }
    *out = make((unsigned char *)memory + skip, &layout, plan, count);
    return ACRE_OK;
}

acre_status acre_partitions_open(
    acre_pages *pages, const acre_partition *plan, size_t count,
    const acre_partitions_options *options, acre_partitions **out)
{
    struct layout layout = lay_out(plan, count, options);
    size_t bytes;
    if (pages == NULL || layout.bytes == 0 || !align_up(layout.bytes, pages->page_bytes, &bytes) ||
        bytes > PTRDIFF_MAX) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t align = layout.align > pages->page_bytes ? layout.align : pages->page_bytes;
    void *memory = pages->reserve(pages, bytes, align);
    if (memory == NULL) {
        return ACRE_NO_MEMORY;
    }
    if (pages->commit(pages, memory, bytes) != ACRE_OK) {
        (void)pages->release(pages, memory, bytes);
        return ACRE_NO_MEMORY;
    }
    acre_partitions *set = make(memory, &layout, plan, count);
    set->pages = pages;
    set->reserved_bytes = bytes;
    *out = set;
    return ACRE_OK;
}

acre_status acre_partitions_close(acre_partitions *set)
{
    if (set->pages == NULL) {
        acre_partitions_reset(set);
        return ACRE_OK;
    }
    acre_pages *pages = set->pages; // the set itself lies in what is released
    return pages->release(pages, set, set->reserved_bytes) == ACRE_OK ? ACRE_OK : ACRE_BAD_ARGUMENT;
}

void acre_partitions_reset(acre_partitions *set)
{
    for (size_t i = 0; i < set->count; i++) {
        acre_pool_reset(&set->partition[i].pool);
    }
}

size_t acre_partitions_count(const acre_partitions *set)
{
    return set->count;
}

acre_status acre_partitions_get_stats(
    const acre_partitions *set, size_t index, acre_partition_stats *out)
{
    if (index >= set->count) {
        return ACRE_BAD_ARGUMENT;
    }
    const struct partition *partition = &set->partition[index];
    acre_pool_stats pool;
    acre_pool_get_stats(&partition->pool, &pool);
    *out = (acre_partition_stats){
        .block_bytes = pool.block_bytes,
        .count = pool.count,
        .live_count = pool.live_count,
        .live_peak = pool.live_peak,
        .failed_count = partition->failed_count,
        .spilled_count = partition->spilled_count,
        .largest_bytes = partition->largest_bytes,
    };
    return ACRE_OK;
}

/// What a visit to a block of a pool needs to become one to a block of the set.
struct visit {
    acre_partitions_visitor *visit;
    void *context;
    size_t bytes;
};

static bool visit_block(void *context, void *block)
{
    const struct visit *visit = context;
    return visit->visit(visit->context, block, visit->bytes);
}

bool acre_partitions_walk(acre_partitions *set, acre_partitions_visitor *visit, void *context)
{
    for (size_t i = 0; i < set->count; i++) {
        acre_pool *pool = &set->partition[i].pool;
        struct visit each = {visit, context, pool->stride_bytes};
        if (!acre_pool_walk(pool, visit_block, &each)) {
            return false;
        }
    }
    return true;
}

const char *acre_partitions_audit(const acre_partitions *set)
{
    if (set->count == 0 || set->count > ACRE_PARTITIONS_MAX) {
        return "a set has no partitions or too many";
    }
    for (size_t i = set->count - 1; i < PARTITION_KEYS; i++) {
        if (set->sizes[i] != SIZE_MAX || set->places[i] != UINTPTR_MAX) {
            return "a key leads beyond the last partition";
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        const acre_pool *pool = &set->partition[i].pool;
        const char *broken = acre_pool_audit(pool);
        if (broken != NULL) {
            return broken;
        }
        const acre_pool *before = i > 0 ? &set->partition[i - 1].pool : NULL;
        if (before != NULL && pool->stride_bytes <= before->stride_bytes) {
            return "blocks of a partition are not larger than those before";
        }
        if (before != NULL &&
            (word)pool->base < (word)before->base + (size_t)before->count * before->stride_bytes) {
            return "two partitions overlap";
        }
        if (before != NULL && (set->sizes[i - 1] != before->stride_bytes ||
                               set->places[i - 1] != (word)pool->base - 1)) {
            return "a key is not where two partitions part";
        }
    }
    return NULL;
}
