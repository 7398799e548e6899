// tables.c - see tables.h.
// SPDX-License-Identifier: MIT
#include "tables.h"

#include "acre_port.h"

enum {
    TABLE_ENTRY_LOG2 = 9,
    TABLE_ENTRIES = 1 << TABLE_ENTRY_LOG2,
    LEVEL_PAGE = 0,
    LEVEL_TABLE = 1, // entries of 2 MiB
    LEVEL_TOP = 2,
};

#define TABLE_PRESENT ((uint64_t)1)
#define TABLE_BYTES   ((uintptr_t)ACRE_PAGES_UNIT << TABLE_ENTRY_LOG2)
// Of a physical address in an entry. Processors set some bits of entries themselves, so what is read from
// one is more than what was written.
#define TABLE_ADDRESS (((uint64_t)1 << 50) - ACRE_FRAME_BYTES)

acre_frame table_frame(acre_pages_mapped *source)
{
    acre_frame frame = acre_frames_alloc(source->pool, acre_port_cpu(), 0);
    if (!acre_frame_is_none(frame)) {
        __builtin_memset(table_memory(source, frame), 0, ACRE_PAGES_UNIT);
    }
    return frame;
}

void table_frame_give(acre_pages_mapped *source, acre_frame frame)
{
    (void)acre_frames_free(source->pool, acre_port_cpu(), frame, 0);
}

/// The frame to which an entry leads or, while it is hidden, led.
static acre_frame table_frame_of(const acre_pages_mapped *source, uint64_t entry)
{
    return acre_frame_at((acre_phys){entry << source->mapping.shift & TABLE_ADDRESS});
}

/// The entry of a level for `addr`. NULL if tables do not lead so far.
static uint64_t *table_entry_at(const acre_pages_mapped *source, uintptr_t addr, unsigned level)
{
    uint64_t *table = source->mapping.table;
    for (unsigned at = LEVEL_TOP;; at--) {
        uint64_t *entry =
            &table[addr >> (ACRE_FRAME_LOG2 + TABLE_ENTRY_LOG2 * at) & (TABLE_ENTRIES - 1)];
        uint64_t value = at == level ? 0 : load_acquire(entry); // pairs with table_set_entry
        if (value == 0) {
            return at == level ? entry : NULL;
        }
        table = table_memory(source, table_frame_of(source, value));
    }
}

/// False: there is something already. What is in the frame is seen by who finds the entry.
static bool table_set_entry(
    const acre_pages_mapped *source, uint64_t *entry, acre_frame frame, uint64_t bits)
{
    uint64_t none = 0;
    return cas64_both(entry, &none, acre_frame_phys(frame).addr >> source->mapping.shift | bits);
}

static bool make_table(acre_pages_mapped *source, uintptr_t addr, unsigned level)
{
    uint64_t *entry = table_entry_at(source, addr, level);
    if (load_relaxed(entry) != 0) {
        return true;
    }
    acre_frame frame = table_frame(source);
    if (acre_frame_is_none(frame)) {
        return false;
    }
    if (table_set_entry(source, entry, frame, source->mapping.table_bits)) {
        (void)add64_both(&source->tables, 1);
    } else { // somebody was quicker
        table_frame_give(source, frame);
    }
    return true;
}

bool tables_make(acre_pages_mapped *source, const struct table_range *range)
{
    for (uintptr_t at = range->first & ~(TABLE_BYTES - 1); at < range->end; at += TABLE_BYTES) {
        if (!make_table(source, at, LEVEL_TOP) || !make_table(source, at, LEVEL_TABLE)) {
            return false;
        }
    }
    return true;
}

bool tables_has(const acre_pages_mapped *source, uintptr_t addr)
{
    return load_relaxed(table_entry_at(source, addr, LEVEL_PAGE)) != 0;
}

bool tables_set(acre_pages_mapped *source, uintptr_t addr, acre_frame frame)
{
    uint64_t *entry = table_entry_at(source, addr, LEVEL_PAGE);
    if (!table_set_entry(source, entry, frame, source->mapping.page_bits)) {
        return false;
    }
    (void)add64_both(&source->mapped, 1);
    return true;
}

// ---- taking --------------------------------------------------------------------------------------

typedef void table_action(acre_pages_mapped *source, uint64_t *entry, unsigned level);

/// Does something to the entries of a range that are not 0: to one for 2 MiB where the range has that to
/// itself, else to those of its pages. Returns whether there are any.
static bool table_for_each(
    acre_pages_mapped *source, const struct table_range *range, table_action *action)
{
    uintptr_t next;
    bool any = false;
    for (uintptr_t at = range->first; at < range->end; at = next) {
        uint64_t *table = table_entry_at(source, at, LEVEL_TABLE);
        const uintptr_t behind = (at & ~(TABLE_BYTES - 1)) + TABLE_BYTES;
        next = behind;
        if (table == NULL || load_relaxed(table) == 0) {
            continue;
        }
        if (range->whole && at % TABLE_BYTES == 0 && range->end - at >= TABLE_BYTES) {
            action(source, table, LEVEL_TABLE);
            any = true;
            continue;
        }
        next = at + ACRE_PAGES_UNIT;
        uint64_t *entry = table_entry_at(source, at, LEVEL_PAGE);
        if (load_relaxed(entry) != 0) {
            action(source, entry, LEVEL_PAGE);
            any = true;
        }
    }
    return any;
}

static void table_hide_entry(acre_pages_mapped *source, uint64_t *entry, unsigned level)
{
    (void)source, (void)level;
    (void)and64_both(entry, ~TABLE_PRESENT);
}

static void table_show_entry(acre_pages_mapped *source, uint64_t *entry, unsigned level)
{
    (void)source, (void)level;
    (void)or64_both(entry, TABLE_PRESENT);
}

static void table_take_entry(acre_pages_mapped *source, uint64_t *entry, unsigned level)
{
    const acre_frame frame = table_frame_of(source, swap64_both(entry, 0));
    uint64_t *count = level == LEVEL_PAGE ? &source->mapped : &source->tables;
    (void)add64_both(count, ~(uint64_t)0);
    uint64_t *table = table_memory(source, frame);
    for (unsigned i = 0; level != LEVEL_PAGE && i < TABLE_ENTRIES; i++) {
        if (table[i] != 0) {
            table_take_entry(source, &table[i], LEVEL_PAGE);
        }
    }
    table_frame_give(source, frame);
}

bool tables_hide(acre_pages_mapped *source, const struct table_range *range)
{
    return table_for_each(source, range, table_hide_entry);
}

void tables_show(acre_pages_mapped *source, const struct table_range *range)
{
    (void)table_for_each(source, range, table_show_entry);
}

void tables_take(acre_pages_mapped *source, const struct table_range *range)
{
    (void)table_for_each(source, range, table_take_entry);
}
