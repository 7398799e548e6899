// boot.c - from a boot map to a pool: where its books go, and what it is given.
// SPDX-License-Identifier: MIT
#include "frames/layout.h"

/// The part of an entry that lies in the pool's span. False: none.
SLOW static bool clip(
    const acre_frames *pool, const acre_bootmap_entry *entry, acre_frame *first, uint64_t *count)
{
    uint64_t low = entry->base >> ACRE_FRAME_LOG2;
    uint64_t high = low + (entry->bytes >> ACRE_FRAME_LOG2);
    low = low > pool->first ? low : pool->first;
    high = high < pool->first + pool->count ? high : pool->first + pool->count;
    first->number = low;
    *count = high > low ? high - low : 0;
    return high > low;
}

SLOW acre_status
acre_frames_give_map(acre_frames *pool, const acre_bootmap *map, acre_map_kind kind)
{
    for (uint32_t i = 0; i < map->count; i++) {
        acre_frame first;
        uint64_t count;
        if (map->entries[i].kind != (uint32_t)kind ||
            !clip(pool, &map->entries[i], &first, &count)) {
            continue;
        }
        acre_status status = acre_frames_give(pool, first, count);
        if (status != ACRE_OK) {
            return status;
        }
    }
    return ACRE_OK;
}

SLOW static bool has_usable(const acre_bootmap *map, acre_phys low, acre_phys high)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const acre_bootmap_entry *entry = &map->entries[i];
        if (entry->kind == ACRE_MAP_USABLE && entry->base < high.addr &&
            entry->base + entry->bytes > low.addr) {
            return true;
        }
    }
    return false;
}

SLOW acre_status
acre_frames_boot(acre_bootmap *map, const acre_frames_options *options, acre_frames **out)
{
    acre_frames_options own = *options;
    if (!map->fixed) {
        map->reason = "the map is not fixed";
        return ACRE_BAD_ARGUMENT;
    }
    if (own.low.addr == 0 && own.high.addr == 0 && !acre_bootmap_span(map, &own.low, &own.high)) {
        map->reason = "the map has no memory";
        return ACRE_BAD_MAP;
    }
    uint64_t bytes = acre_frames_bytes(&own);
    if (bytes == 0) {
        map->reason = "the options of the pool make no sense";
        return ACRE_BAD_ARGUMENT;
    }
    if (!has_usable(map, own.low, own.high)) {
        map->reason = "no usable memory in the span of the pool";
        return ACRE_BAD_MAP;
    }
    acre_phys meta;
    acre_status status = acre_bootmap_cut(map, bytes, ACRE_FRAME_BYTES, own.mapped_limit, &meta);
    if (status != ACRE_OK) {
        return status;
    }
    // The books lie in memory that firmware may have written to.
    own.meta_is_zero = false;
    *out = acre_frames_create((void *)((uintptr_t)own.direct_map + (uintptr_t)meta.addr), &own);
    return acre_frames_give_map(*out, map, ACRE_MAP_USABLE);
}
