// acre/table.h - a table: elements of one type that are named by ids, not by addresses.
//
//     elements  [ 0 | 1 | 2 | 3 | ...                       ]  addresses for all, memory on demand
//     words     [ w | w | w | w | ...                       ]  64 bits each
//
//     id, and the word of a live element:   generation << 32 | index
//     word of a free element:               its next generation << 32 | index of the next free one
//
// An element is live exactly if its word is the id. The lower half of a free element's word is never its own
// index, so no number at all, however it was made up, is taken for the id of an element that is free; an id
// that was removed stays invalid for ever, because each reuse has a new generation, and an index whose
// generations are used up is never used again. An id is a number: it can be stored, sent and compared. 0 is
// never an id.
//
// Elements never move. A table lies in memory of the caller (acre_table_init), or reserves addresses for its
// known limit (acre_table_open) and takes memory as it grows; acre_table_trim gives pages back on which
// no element is live.
//
// Cost, counted by scripts/measure_pools.py: a lookup takes 9 instructions on x86-64, its return
// included; 15 on a Cortex-M4. Memory: 8 bytes an element, and one bit a page.
//
// Threads: one at a time; lookups may run beside each other.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TABLE_H
#define ACRE_TABLE_H

#include "acre/pages.h"

ACRE_BEGIN

/// Names an element of a table. 0 names none.
typedef uint64_t acre_id;

/// What a table is to be.
typedef struct acre_table_options {
    size_t element_bytes; // at least 1
    size_t align;         // of each element: a power of two; 0 = that of a pointer
    size_t count; // elements at most, to 2^31 - 1; 0 = as many as fit (acre_table_init only)
    uint32_t
        generations; // lives of each element; 0 = 2^32 - 1. Less makes ids that fit in fewer bits:
                     // the index in the low half, a generation of at most this in the high half
} acre_table_options;

/// A table. The fields are its own.
typedef struct acre_table {
    unsigned char *base;
    size_t stride_bytes; // from one element to the next
    uint64_t *words;
    uint32_t made;  // elements that were ever used: those from here on are on no list
    uint32_t head;  // the first free one, or UINT32_MAX
    uint32_t count; // at most
    uint32_t generation_max;
    uint32_t live_count;
    uint32_t retired_count;
    size_t inverse; // pools/stride.h
    uint32_t twos;
    uint32_t page_log2;
    uintptr_t *held;   // a bit for each page of elements: it has memory. NULL: memory of the caller
    size_t held_pages; // bits set
    size_t words_bytes;
    acre_pages *pages; // or NULL
    size_t reserved_bytes;
} acre_table;

/// Bytes of memory, aligned as its elements and at least to 8, that a table of `count` elements needs
/// in memory of the caller.
#define ACRE_TABLE_BYTES(count, element_bytes, align)                                              \
    ((((size_t)(count) * (((size_t)(element_bytes) + (align)-1) & ~((size_t)(align)-1)) + 7) &     \
      ~(size_t)7) +                                                                                \
     (size_t)(count)*8)

/// Makes a table in memory of the caller. Elements start at the first multiple of their alignment,
/// and of 8.
///
/// Errors  ACRE_BAD_ARGUMENT (no element size, an alignment that is no power of two, a size that
///         overflows), ACRE_NO_MEMORY (fewer than `count` elements fit, or none)
/// Time    constant
acre_status acre_table_init(
    acre_table *table, void *memory, size_t bytes, const acre_table_options *options) ACRE_MUST_USE;

/// Makes a table of up to options->count elements over a page source, which must outlive it. Reserves
/// addresses for all; memory for elements is committed page by page as they are first used.
///
/// Errors  as acre_table_init; nothing stays reserved after an error
acre_status acre_table_open(acre_table *table, acre_pages *pages, const acre_table_options *options)
    ACRE_MUST_USE;

/// Gives everything back. Errors: ACRE_BAD_ARGUMENT when the source refuses; the table is then as it was.
acre_status acre_table_close(acre_table *table);

/// Adds an element, all of its bytes zero, and sets *id. Returns it, or NULL when the limit is reached or
/// the source has no memory; nothing is changed then. Time: constant, the clearing, and at times a commit.
void *acre_table_add(acre_table *table, acre_id *id) ACRE_MUST_USE;

/// Removes an element; its id is invalid from then on. Errors: ACRE_BAD_ARGUMENT: the id is not valid (now,
/// or never was); nothing is changed then. Time: constant.
acre_status acre_table_remove(acre_table *table, acre_id id);

/// The id of a live element; 0 if `element` is anything else. Time: constant.
acre_id acre_table_id(const acre_table *table, const void *element) ACRE_MUST_USE;

/// The id of the first live element behind `id` in address order, which need not be valid any more; 0
/// as `id` begins; 0 is returned at the end. Elements may be added and removed meanwhile: what is live
/// throughout is met once. `id` is 0 or what a call returned. Time: one step for each element in between.
acre_id acre_table_next(const acre_table *table, acre_id id) ACRE_MUST_USE;

/// Gives pages back to the source on which no element is live, and makes the lowest free elements the next
/// to be used. Returns the bytes given back. Time: one step for each element that was ever used.
size_t acre_table_trim(acre_table *table);

/// Numbers of a table.
typedef struct acre_table_stats {
    size_t element_bytes; // of one, rounded up to its alignment
    size_t count;         // elements at most
    size_t live_count;
    size_t retired_count;   // elements whose generations are used up
    size_t committed_bytes; // memory held from the page source; 0 in memory of the caller
} acre_table_stats;

/// Fills `out`. Time: constant.
void acre_table_get_stats(const acre_table *table, acre_table_stats *out);

/// Checks every invariant. Returns NULL if all hold, else a sentence naming the broken one. For tests
/// and debuggers. Time: one step for each element that was ever used.
const char *acre_table_audit(const acre_table *table) ACRE_MUST_USE;

ACRE_END

/// The element that `id` names, or NULL if it is not live. Any number may be asked about. Time: 9
/// instructions on x86-64.
__attribute__((warn_unused_result)) static inline void *acre_table_at(
    const acre_table *table, acre_id id)
{
    uint32_t index = (uint32_t)id;
    if (__builtin_expect(index >= table->made || table->words[index] != id, 0)) {
        return NULL;
    }
    return table->base + index * table->stride_bytes;
}

// NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in them

/// A table of one type with ids of a type of their own: `name`_table and `name`_id, with name_open, name_add,
/// name_at, name_remove; the rest through its member `table`.
#define ACRE_TABLE_DEFINE(name, type)                                                              \
    typedef struct name##_table {                                                                  \
        acre_table table;                                                                          \
    } name##_table;                                                                                \
    typedef struct name##_id {                                                                     \
        acre_id value;                                                                             \
    } name##_id;                                                                                   \
    static inline acre_status name##_open(name##_table *self, acre_pages *pages, size_t count)     \
    {                                                                                              \
        acre_table_options options = {sizeof(type), __alignof__(type), count, 0};                  \
        return acre_table_open(&self->table, pages, &options);                                     \
    }                                                                                              \
    static inline type *name##_add(name##_table *self, name##_id *id)                              \
    {                                                                                              \
        return (type *)acre_table_add(&self->table, &id->value);                                   \
    }                                                                                              \
    static inline type *name##_at(const name##_table *self, name##_id id)                          \
    {                                                                                              \
        return (type *)acre_table_at(&self->table, id.value);                                      \
    }                                                                                              \
    static inline acre_status name##_remove(name##_table *self, name##_id id)                      \
    {                                                                                              \
        return acre_table_remove(&self->table, id.value);                                          \
    }

// NOLINTEND(bugprone-macro-parentheses)

#endif
