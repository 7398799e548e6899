// page_bitmap.h - the first allocator of frames that most kernels have: one bit for each frame.
//
//     word 0   1111 1111 0111 0010 ...      1 = taken; `hint` is where the last search ended
//
// What it is good for: it is short, it finds frames in a row, and it notices when a frame is freed twice. It costs
// one bit a frame. What it cannot: find them fast when memory is nearly full, because it looks at every
// word; and serve several CPUs without a lock.
// SPDX-License-Identifier: MIT
#ifndef ACRE_EXAMPLE_PAGE_BITMAP_H
#define ACRE_EXAMPLE_PAGE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

struct page_bitmap {
    uint64_t *words; // the caller's, one bit for each frame
    uint64_t frames;
    uint64_t hint;
};

static inline bool page_bitmap_is_taken(const struct page_bitmap *map, uint64_t frame)
{
    return (map->words[frame / 64] >> frame % 64 & 1) != 0;
}

/// Changes `count` frames. False: they were not all as they should be, and nothing is changed.
static inline bool page_bitmap_change(
    struct page_bitmap *map, uint64_t first, uint64_t count, bool taken)
{
    for (uint64_t i = first; i < first + count; i++) {
        if (page_bitmap_is_taken(map, i) == taken) {
            return false;
        }
    }
    for (uint64_t i = first; i < first + count; i++) {
        map->words[i / 64] ^= (uint64_t)1 << i % 64;
    }
    return true;
}

/// The first of `count` frames, aligned to that, a power of two; UINT64_MAX when there are none.
static inline uint64_t page_bitmap_alloc(struct page_bitmap *map, uint64_t count)
{
    for (uint64_t looked = 0; looked < map->frames; looked += count) {
        uint64_t at = (map->hint + looked) % map->frames & ~(count - 1);
        if (count == 1 && at % 64 == 0 && map->words[at / 64] == UINT64_MAX) {
            looked += 63; // a whole word is taken
        } else if (page_bitmap_change(map, at, count, true)) {
            map->hint = at;
            return at;
        }
    }
    return UINT64_MAX;
}

/// False: a frame is free already.
static inline bool page_bitmap_free(struct page_bitmap *map, uint64_t first, uint64_t count)
{
    return page_bitmap_change(map, first, count, false);
}

#endif
