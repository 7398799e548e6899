// pages_mapped.c - a page source over a range of addresses to which frames are mapped. See acre/port/kernel.h.
//
//   reserve -> units of 64 KiB, first fit        release -> all frames and whole tables go back
//   commit  -> a cleared frame for each page     decommit -> the frames go back, single ones, too
//
// The page tables are the books: a page is committed if it has an entry. So commit takes no lock, and
// of two that commit the same page, the second finds the first one's. It takes all frames before it maps
// one, so that there is nothing to undo when they do not suffice.
//
// Lock: for what is reserved. Never while pages are mapped, cleared or given back.
// Cost: commit and decommit are linear in the pages; decommit and release interrupt all processors once,
// however many pages there are.
// SPDX-License-Identifier: MIT
#include "acre_port.h"
#include "base/bitmap.h"
#include "tables.h"
#include "units.h"

enum { MAPPED_UNIT_LOG2 = 16 };

#define MAPPED_UNIT_BYTES ((size_t)1 << MAPPED_UNIT_LOG2)
#define MAPPED_ALIGN      ((uintptr_t)1 << 21) // what one table of pages spans
#define MAPPED_BYTES_MAX  ((uintptr_t)1 << 39) // what mapping.table spans

_Static_assert(
    sizeof(acre_port_lock) <= sizeof(((acre_pages_mapped *)0)->lock), "the lock fits its place");

static acre_port_lock *lock_of(acre_pages_mapped *source)
{
    return (acre_port_lock *)(void *)source->lock;
}

static unsigned mapped_units_of(size_t bytes)
{
    return (unsigned)((bytes + MAPPED_UNIT_BYTES - 1) >> MAPPED_UNIT_LOG2);
}

static struct table_range mapped_range_of(const void *addr, size_t bytes, bool whole)
{
    return (struct table_range){(uintptr_t)addr, (uintptr_t)addr + bytes, whole};
}

static void *mapped_reserve(acre_pages *self, size_t bytes, size_t align)
{
    acre_pages_mapped *source = (acre_pages_mapped *)self;
    if (bytes > source->units << MAPPED_UNIT_LOG2) {
        return NULL;
    }
    const struct units units = {
        source->taken, (unsigned)source->units, MAPPED_UNIT_BYTES, source->first};
    const unsigned count = mapped_units_of(bytes);
    unsigned first = 0;
    acre_port_lock_take(lock_of(source));
    bool found = units_take(&units, count, align, &first);
    source->taken_units += found ? count : 0;
    acre_port_lock_drop(lock_of(source));
    return found ? (void *)(source->first + first * MAPPED_UNIT_BYTES) : NULL;
}

// ---- commit --------------------------------------------------------------------------------------

// Cleared frames in a chain: the first word of each has the number of the next, plus 1.

static acre_frame chain_take(acre_pages_mapped *source, uint64_t *chain)
{
    const acre_frame frame = {*chain - 1};
    uint64_t *memory = table_memory(source, frame);
    *chain = *memory;
    *memory = 0;
    return frame;
}

static void chain_give(acre_pages_mapped *source, uint64_t *chain)
{
    while (*chain != 0) {
        table_frame_give(source, chain_take(source, chain));
    }
}

/// A frame for each page of the range that has none. False: there are not so many.
static bool chain_fill(acre_pages_mapped *source, const struct table_range *range, uint64_t *chain)
{
    for (uintptr_t at = range->first; at < range->end; at += ACRE_PAGES_UNIT) {
        if (tables_has(source, at)) {
            continue;
        }
        const acre_frame frame = table_frame(source);
        if (acre_frame_is_none(frame)) {
            chain_give(source, chain);
            return false;
        }
        *table_memory(source, frame) = *chain;
        *chain = frame.number + 1;
    }
    return true;
}

static acre_status mapped_commit(acre_pages *self, void *addr, size_t bytes)
{
    acre_pages_mapped *source = (acre_pages_mapped *)self;
    const struct table_range range = mapped_range_of(addr, bytes, false);
    uint64_t chain = 0;
    if (!tables_make(source, &range) || !chain_fill(source, &range, &chain)) {
        return ACRE_NO_MEMORY;
    }
    for (uintptr_t at = range.first; at < range.end && chain != 0; at += ACRE_PAGES_UNIT) {
        if (!tables_has(source, at)) {
            const acre_frame frame = chain_take(source, &chain);
            if (!tables_set(source, at, frame)) { // somebody commits the same page
                table_frame_give(source, frame);
            }
        }
    }
    chain_give(source, &chain);
    if (source->mapping.mapped != NULL) {
        source->mapping.mapped();
    }
    return ACRE_OK;
}

// ---- giving back ---------------------------------------------------------------------------------

static acre_status mapped_give_back(acre_pages_mapped *source, const struct table_range *range)
{
    if (!acre_port_interrupts_are_on()) {
        return ACRE_BUSY; // others might wait for us
    }
    if (!tables_hide(source, range)) {
        return ACRE_OK; // there is nothing
    }
    if (!source->mapping.forget()) {
        tables_show(source, range);
        return ACRE_BUSY;
    }
    tables_take(source, range);
    return ACRE_OK;
}

static acre_status mapped_decommit(acre_pages *self, void *addr, size_t bytes)
{
    const struct table_range range = mapped_range_of(addr, bytes, false);
    return mapped_give_back((acre_pages_mapped *)self, &range);
}

static acre_status mapped_release(acre_pages *self, void *addr, size_t bytes)
{
    acre_pages_mapped *source = (acre_pages_mapped *)self;
    const struct table_range range = mapped_range_of(addr, bytes, true);
    acre_status status = mapped_give_back(source, &range);
    if (status == ACRE_OK) {
        const unsigned first = (unsigned)((range.first - source->first) >> MAPPED_UNIT_LOG2);
        acre_port_lock_take(lock_of(source));
        bitmap_fill(source->taken, first, mapped_units_of(bytes), false);
        source->taken_units -= mapped_units_of(bytes);
        acre_port_lock_drop(lock_of(source));
    }
    return status;
}

// ---- making one ----------------------------------------------------------------------------------

static bool mapping_makes_sense(const acre_mapping *mapping, uintptr_t first, size_t bytes)
{
    return mapping != NULL && mapping->table != NULL && mapping->forget != NULL && bytes != 0 &&
           bytes <= MAPPED_BYTES_MAX && first % MAPPED_ALIGN == 0 && bytes % MAPPED_ALIGN == 0 &&
           first < first + bytes &&
           first / MAPPED_BYTES_MAX == (first + (bytes - 1)) / MAPPED_BYTES_MAX;
}

acre_status acre_pages_mapped_init(
    acre_pages_mapped *source, acre_frames *pool, void *direct_map, const acre_mapping *mapping,
    void *addr, size_t bytes)
{
    const uintptr_t first = (uintptr_t)addr;
    if (source == NULL || pool == NULL || direct_map == NULL ||
        !mapping_makes_sense(mapping, first, bytes)) {
        return ACRE_BAD_ARGUMENT;
    }
    const size_t units = bytes >> MAPPED_UNIT_LOG2;
    const size_t map_bytes = round_up(units / __CHAR_BIT__ + sizeof(word), ACRE_PAGES_UNIT);
    const acre_frames_run_request request = {.frames = map_bytes / ACRE_PAGES_UNIT};
    const acre_frame at = acre_frames_run(pool, &request);
    if (acre_frame_is_none(at)) {
        return ACRE_NO_MEMORY;
    }
    *source = (acre_pages_mapped){
        .pages =
            {
                .reserve = mapped_reserve,
                .commit = mapped_commit,
                .decommit = mapped_decommit,
                .release = mapped_release,
                .page_bytes = ACRE_PAGES_UNIT,
            },
        .pool = pool,
        .direct_map = direct_map,
        .mapping = *mapping,
        .first = first,
        .units = units,
    };
    source->taken = (word *)table_memory(source, at);
    __builtin_memset(source->taken, 0, map_bytes);
    return ACRE_OK;
}

size_t acre_pages_mapped_committed(const acre_pages_mapped *source)
{
    return (size_t)load_relaxed(&source->mapped) * ACRE_PAGES_UNIT;
}

size_t acre_pages_mapped_tables(const acre_pages_mapped *source)
{
    return (size_t)load_relaxed(&source->tables) * ACRE_PAGES_UNIT;
}

size_t acre_pages_mapped_reserved(const acre_pages_mapped *source)
{
    return load_relaxed(&source->taken_units) * MAPPED_UNIT_BYTES;
}
