// tables.h - the page tables of a range of addresses, and the frames behind them.
//
//   bits of an address   38..30             29..21            20..12            11..0
//                        mapping.table  ->  [512 x 2 MiB]  -> [512 x 4 KiB]  -> page
//
// Entries change by single atomic operations, so nothing here takes a lock, and an interrupt may map pages
// in the midst of it:
//
//   0  -- set -->  present  -- hide -->  hidden: bit 0 cleared, the rest as it was  -- take -->  0
//                           <-- show --
//
// What is hidden no processor finds any more, but some may remember it. Once all have forgotten, its frames
// can be taken.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_TABLES_H
#define ACRE_KERNEL_TABLES_H

#include "acre/port/kernel.h"

/// A range of pages; those of `whole` ranges have tables to themselves where they span one.
struct table_range {
    uintptr_t first;
    uintptr_t end;
    bool whole;
};

/// Makes the tables that lead to all pages of a range. False: no frames for them; those that were made stay.
bool tables_make(acre_pages_mapped *source, const struct table_range *range);

/// Whether there is a page at `addr`, to which tables lead.
bool tables_has(const acre_pages_mapped *source, uintptr_t addr);

/// Maps a frame at `addr`, to which tables lead. False: there is a page already.
bool tables_set(acre_pages_mapped *source, uintptr_t addr, acre_frame frame);

/// Hides pages, and tables that the range has to itself; shows them again; or takes those that are hidden: their
/// frames go back to the pool. tables_hide returns whether there were any.
bool tables_hide(acre_pages_mapped *source, const struct table_range *range);
void tables_show(acre_pages_mapped *source, const struct table_range *range);
void tables_take(acre_pages_mapped *source, const struct table_range *range);

/// Where a frame can be read and written.
static inline uint64_t *table_memory(const acre_pages_mapped *source, acre_frame frame)
{
    return (uint64_t *)(void *)(source->direct_map + acre_frame_phys(frame).addr);
}

/// A frame of the pool, cleared. None if there is none.
acre_frame table_frame(acre_pages_mapped *source);

/// Gives it back.
void table_frame_give(acre_pages_mapped *source, acre_frame frame);

#endif
