// watermark.c - two ends of an array: see acre/watermark.h.
//
// Sizes are compared with what is free before anything is added to them, so nothing wraps.
// SPDX-License-Identifier: MIT
#include "acre/watermark.h"

#include "base/bits.h"

void acre_watermark_init(acre_watermark *watermark, void *memory, size_t bytes)
{
    unsigned char *start = memory;
    *watermark =
        (acre_watermark){.start = start, .low = start, .high = start + bytes, .end = start + bytes};
}

void *acre_watermark_low(acre_watermark *watermark, size_t align, size_t size)
{
    size_t free = (size_t)(watermark->high - watermark->low);
    size_t skip = (size_t)(0 - (word)watermark->low) & (align - 1);
    if (!is_power_of_two(align) || skip > free || size > free - skip) {
        return NULL;
    }
    unsigned char *block = watermark->low + skip;
    watermark->low = block + size;
    return block;
}

void *acre_watermark_high(acre_watermark *watermark, size_t align, size_t size)
{
    size_t free = (size_t)(watermark->high - watermark->low);
    if (!is_power_of_two(align) || size > free) {
        return NULL;
    }
    size_t skip = (size_t)(word)(watermark->high - size) & (align - 1);
    if (skip > free - size) {
        return NULL;
    }
    watermark->high -= size + skip;
    return watermark->high;
}

size_t acre_watermark_low_taken(const acre_watermark *watermark)
{
    return (size_t)(watermark->low - watermark->start);
}

size_t acre_watermark_high_taken(const acre_watermark *watermark)
{
    return (size_t)(watermark->end - watermark->high);
}

acre_status acre_watermark_low_rewind(acre_watermark *watermark, size_t taken)
{
    if (taken > acre_watermark_low_taken(watermark)) {
        return ACRE_BAD_ARGUMENT;
    }
    watermark->low = watermark->start + taken;
    return ACRE_OK;
}

acre_status acre_watermark_high_rewind(acre_watermark *watermark, size_t taken)
{
    if (taken > acre_watermark_high_taken(watermark)) {
        return ACRE_BAD_ARGUMENT;
    }
    watermark->high = watermark->end - taken;
    return ACRE_OK;
}
