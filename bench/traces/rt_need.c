// rt_need.c - the least memory in which an rt heap survives a recorded program, found by halving.
//
//     rt_need TRACE      prints: events, peak live bytes, that peak in whole granules, what best fit needs, and
//                        for EXACT, TIGHT and QUICK the bytes that are enough
//
// Best fit is the yardstick: of all holes the smallest that suffices, of equals the lowest, without bookkeeping.
// The memory counted is all that acre_rt_init is given: bookkeeping, range and what is left over. The peak
// is of the sizes that the program asked for. Blocks are aligned to 16 bytes, as malloc's are.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "acre/rt.h"

enum { ALLOC = 1, FREE, REALLOC };

struct event {
    uint64_t kind_size;
    uint64_t block;
    uint64_t old;
};

/// An event in terms of numbered blocks.
struct step {
    uint32_t kind;
    uint32_t block;
    size_t size;
    size_t align;
};

static struct step *steps;
static size_t step_count;
static size_t block_count;
static size_t peak_bytes;

/// Numbers of live blocks by address: open addressing, entries are never removed but become 0.
static struct {
    uint64_t addr;
    uint32_t block;
} * live;
static uint32_t *block_sizes;
static const size_t live_mask = ((size_t)1 << 23) - 1;

static size_t live_slot(uint64_t addr)
{
    size_t at = (addr >> 4) * 0x9e3779b97f4a7c15u >> 41;
    while (live[at].addr != 0 && live[at].addr != addr) {
        at = (at + 1) & live_mask;
    }
    live[at].addr = addr;
    return at;
}

static void add_step(uint32_t kind, uint32_t block, size_t size, size_t align)
{
    static size_t live_bytes;
    steps[step_count++] = (struct step){kind, block, size, align};
    live_bytes += size - block_sizes[block];
    block_sizes[block] = (uint32_t)size;
    peak_bytes = live_bytes > peak_bytes ? live_bytes : peak_bytes;
}

/// Turns addresses into numbers. What was allocated before recording began is left out.
static bool number(const struct event *events, size_t count)
{
    steps = calloc(2 * count + 1, sizeof(*steps));
    live = calloc(live_mask + 1, sizeof(*live));
    block_sizes = calloc(count + 2, sizeof(*block_sizes));
    if (steps == NULL || live == NULL || block_sizes == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t kind = (uint32_t)(events[i].kind_size >> 56);
        size_t size = events[i].kind_size & (((uint64_t)1 << 56) - 1);
        uint32_t block = 0;
        if (kind == FREE || (kind == REALLOC && events[i].old != 0)) {
            size_t slot = live_slot(kind == FREE ? events[i].block : events[i].old);
            block = live[slot].block;
            live[slot].block = 0;
        }
        if (kind == FREE || (kind == REALLOC && size == 0)) {
            if (block != 0) {
                add_step(FREE, block, 0, 0);
            }
            continue;
        }
        if (events[i].block == 0) {
            continue;
        }
        bool fresh = block == 0;
        block = fresh ? (uint32_t)++block_count : block;
        live[live_slot(events[i].block)].block = block;
        add_step(
            fresh ? ALLOC : REALLOC, block, size == 0 ? 1 : size,
            kind == ALLOC ? events[i].old : 0);
    }
    return true;
}

// ---- best fit, as a yardstick: nothing here is bounded ----------------------------------------------

enum { GRANULE_BYTES = 16 };

static size_t granules_of(size_t bytes)
{
    return (bytes + GRANULE_BYTES - 1) / GRANULE_BYTES;
}

/// A block is told at its first granule, and a hole at its last one, too: its length, holes negative.
static int64_t *length_at;
static uint64_t *holes; // length << 32 | place, sorted
static size_t hole_count;

static size_t hole_index(uint64_t hole)
{
    size_t low = 0;
    size_t high = hole_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holes[middle] < hole) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void hole_set(size_t place, size_t length, bool there)
{
    if (length == 0) {
        return;
    }
    uint64_t hole = (uint64_t)length << 32 | place;
    size_t at = hole_index(hole);
    if (there) {
        memmove(&holes[at + 1], &holes[at], (hole_count - at) * sizeof(*holes));
        holes[at] = hole;
        hole_count += 1;
        length_at[place] = -(int64_t)length;
        length_at[place + length - 1] = -(int64_t)length;
    } else {
        memmove(&holes[at], &holes[at + 1], (hole_count - at - 1) * sizeof(*holes));
        hole_count -= 1;
        length_at[place] = 0;
        length_at[place + length - 1] = 0;
    }
}

/// The place of a new block, or SIZE_MAX.
static size_t best_alloc(size_t length)
{
    size_t at = hole_index((uint64_t)length << 32);
    if (at == hole_count) {
        return SIZE_MAX;
    }
    size_t place = holes[at] & UINT32_MAX;
    size_t all = holes[at] >> 32;
    hole_set(place, all, false);
    hole_set(place + length, all - length, true);
    length_at[place] = (int64_t)length;
    return place;
}

/// The granules from `place` on are free from now on; place 0 and the last one are never a block's.
static void best_free(size_t place, size_t length)
{
    if (length_at[place + length] < 0) {
        size_t behind = (size_t)-length_at[place + length];
        hole_set(place + length, behind, false);
        length += behind;
    }
    if (length_at[place - 1] < 0) {
        size_t before = (size_t)-length_at[place - 1];
        hole_set(place - before, before, false);
        place -= before;
        length += before;
    }
    hole_set(place, length, true);
}

static size_t best_resize(size_t place, size_t length)
{
    size_t old = (size_t)length_at[place];
    size_t behind = length_at[place + old] < 0 ? (size_t)-length_at[place + old] : 0;
    if (length <= old + behind) {
        hole_set(place + old, behind, false);
        length_at[place] = (int64_t)length;
        if (length < old) {
            best_free(place + length, old + behind - length);
        } else {
            hole_set(place + length, old + behind - length, true);
        }
        return place;
    }
    size_t moved = best_alloc(length);
    if (moved != SIZE_MAX) {
        length_at[place] = 0;
        best_free(place, old);
    }
    return moved;
}

static bool best_survives(size_t granules, size_t *places)
{
    memset(length_at, 0, (granules + 2) * sizeof(*length_at));
    hole_count = 0;
    hole_set(1, granules, true);
    for (size_t i = 0; i < step_count; i++) {
        const struct step *step = &steps[i];
        size_t *place = &places[step->block];
        if (step->kind == FREE) {
            size_t length = (size_t)length_at[*place];
            length_at[*place] = 0;
            best_free(*place, length);
            continue;
        }
        size_t extra = step->align > GRANULE_BYTES ? step->align / GRANULE_BYTES - 1 : 0;
        *place = step->kind == REALLOC ? best_resize(*place, granules_of(step->size))
                                       : best_alloc(granules_of(step->size) + extra);
        if (*place == SIZE_MAX) {
            return false;
        }
    }
    return true;
}

/// The peak in whole granules, in bytes.
static size_t whole_peak(size_t *lengths)
{
    size_t live_granules = 0;
    size_t peak = 0;
    for (size_t i = 0; i < step_count; i++) {
        size_t length = steps[i].kind == FREE ? 0 : granules_of(steps[i].size);
        live_granules += length - lengths[steps[i].block];
        lengths[steps[i].block] = length;
        peak = live_granules > peak ? live_granules : peak;
    }
    return peak * GRANULE_BYTES;
}

static size_t best_least(size_t *places)
{
    size_t low = peak_bytes / GRANULE_BYTES;
    size_t high = 4 * low + 4096;
    while (high - low > low / 8000 + 2) {
        size_t middle = low + (high - low) / 2;
        if (best_survives(middle, places)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high * GRANULE_BYTES;
}

// ---- rt heaps --------------------------------------------------------------------------------------

static bool survives(unsigned char *memory, size_t bytes, acre_rt_engine engine, void **blocks)
{
    const acre_rt_options options = {.engine = engine, .granule_bytes = GRANULE_BYTES};
    acre_rt *rt;
    if (acre_rt_init(memory, bytes, &options, &rt) != ACRE_OK) {
        return false;
    }
    for (size_t i = 0; i < step_count; i++) {
        const struct step *step = &steps[i];
        void **block = &blocks[step->block];
        switch (step->kind) {
        case FREE:
            if (acre_rt_free(rt, *block) != ACRE_OK) {
                exit(3);
            }
            continue;
        case REALLOC:
            *block = acre_rt_realloc(rt, *block, step->size);
            break;
        default:
            *block = step->align == 0 ? acre_rt_alloc(rt, step->size)
                                      : acre_rt_aligned(rt, step->align, step->size);
            break;
        }
        if (*block == NULL) {
            return false;
        }
    }
    return true;
}

static size_t least(unsigned char *memory, acre_rt_engine engine, void **blocks)
{
    size_t low = peak_bytes;
    size_t high = 4 * peak_bytes + 65536;
    while (high - low > peak_bytes / 8000 + 32) {
        size_t middle = low + (high - low) / 2;
        if (survives(memory, middle, engine, blocks)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

int main(int argc, char **argv)
{
    FILE *trace = argc == 2 ? fopen(argv[1], "rb") : NULL;
    uint64_t count;
    if (trace == NULL || fread(&count, sizeof(count), 1, trace) != 1) {
        fputs("rt_need: type: rt_need TRACE\n", stderr);
        return 2;
    }
    struct event *events = calloc(count, sizeof(*events));
    void **blocks = NULL;
    if (events == NULL || fread(events, sizeof(*events), count, trace) != count ||
        !number(events, count) || (blocks = calloc(block_count + 1, sizeof(*blocks))) == NULL) {
        fputs("rt_need: cannot read the trace\n", stderr);
        return 2;
    }
    size_t most = 4 * peak_bytes + 65536;
    void *memory = mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return 2;
    }
    size_t *places = calloc(block_count + 1, sizeof(*places));
    length_at = calloc(most / GRANULE_BYTES + 4098, sizeof(*length_at));
    holes = calloc(step_count + 2, sizeof(*holes));
    if (places == NULL || length_at == NULL || holes == NULL) {
        return 2;
    }
    size_t whole = whole_peak(places);
    printf(
        "%zu %zu %zu %zu %zu %zu %zu\n", step_count, peak_bytes, whole, best_least(places),
        least(memory, ACRE_RT_EXACT, blocks), least(memory, ACRE_RT_TIGHT, blocks),
        least(memory, ACRE_RT_QUICK, blocks));
    return 0;
}
