// range.c - the page source over a range of memory keeps what acre/pages.h promises.
// SPDX-License-Identifier: MIT
#include "guest.h"

enum { UNITS = 1000 };

static unsigned char *memory; // UNITS units, not aligned to one
static acre_pages_range range;

static void a_range_is_made_of_unaligned_memory(void)
{
    const size_t bytes = (size_t)UNITS * ACRE_PAGES_UNIT;
    memory = kmalloc(bytes);
    T_EXPECT(memory != NULL);
    __builtin_memset(memory, 0xa5, bytes);
    T_EXPECT(acre_pages_range_init(&range, memory + 100, bytes - 200) == ACRE_OK);
    T_EXPECT(acre_pages_range_reserved(&range) == 0 && acre_pages_range_committed(&range) == 0);
}

static void bad_ranges_are_refused(void)
{
    acre_pages_range bad;
    T_EXPECT(acre_pages_range_init(NULL, memory, 1 << 20) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pages_range_init(&bad, NULL, 1 << 20) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pages_range_init(&bad, memory, SIZE_MAX) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pages_range_init(&bad, memory, 0) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pages_range_init(&bad, memory, ACRE_PAGES_UNIT) == ACRE_BAD_ARGUMENT);
}

static void addresses_are_aligned_and_apart(void)
{
    acre_pages *pages = &range.pages;
    for (size_t align = ACRE_PAGES_UNIT; align <= (size_t)1 << 20; align *= 2) {
        unsigned char *first = pages->reserve(pages, ACRE_PAGES_UNIT, align);
        unsigned char *second = pages->reserve(pages, 3 * (size_t)ACRE_PAGES_UNIT, align);
        T_EXPECT(first != NULL && second != NULL);
        T_EXPECT((uintptr_t)first % align == 0 && (uintptr_t)second % align == 0);
        T_EXPECT(second >= first + ACRE_PAGES_UNIT || second + 3 * ACRE_PAGES_UNIT <= first);
        T_EXPECT(pages->release(pages, first, ACRE_PAGES_UNIT) == ACRE_OK);
        T_EXPECT(pages->release(pages, second, 3 * (size_t)ACRE_PAGES_UNIT) == ACRE_OK);
    }
    T_EXPECT(acre_pages_range_reserved(&range) == 0);
}

static void committed_units_read_as_zero_once(void)
{
    acre_pages *pages = &range.pages;
    const size_t bytes = 4 * (size_t)ACRE_PAGES_UNIT;
    unsigned char *at = pages->reserve(pages, bytes, ACRE_PAGES_UNIT);
    T_EXPECT(at != NULL);
    for (unsigned turn = 0; turn < 2; turn++) {
        T_EXPECT(pages->commit(pages, at, bytes) == ACRE_OK);
        T_EXPECT(acre_pages_range_committed(&range) == bytes);
        for (size_t i = 0; i < bytes; i++) {
            T_EXPECT(at[i] == 0);
        }
        __builtin_memset(at, 1, bytes);
        T_EXPECT(pages->commit(pages, at, bytes) == ACRE_OK); // changes nothing
        T_EXPECT(at[0] == 1 && at[bytes - 1] == 1);
        T_EXPECT(pages->decommit(pages, at, bytes) == ACRE_OK);
        T_EXPECT(acre_pages_range_committed(&range) == 0);
    }
    T_EXPECT(pages->commit(pages, at, bytes) == ACRE_OK);
    T_EXPECT(pages->release(pages, at, bytes) == ACRE_OK);
    T_EXPECT(acre_pages_range_committed(&range) == 0 && acre_pages_range_reserved(&range) == 0);
}

static void a_range_runs_out_and_serves_again(void)
{
    static void *units[UNITS];
    acre_pages *pages = &range.pages;
    unsigned count = 0;
    while ((units[count] = pages->reserve(pages, ACRE_PAGES_UNIT, ACRE_PAGES_UNIT)) != NULL) {
        count += 1;
        T_EXPECT(count < UNITS);
    }
    T_EXPECT(count >= UNITS - 3); // its books, and what is left over at the ends
    T_EXPECT(pages->release(pages, units[count / 2], ACRE_PAGES_UNIT) == ACRE_OK);
    T_EXPECT(pages->reserve(pages, 2 * (size_t)ACRE_PAGES_UNIT, ACRE_PAGES_UNIT) == NULL);
    T_EXPECT(pages->reserve(pages, ACRE_PAGES_UNIT, ACRE_PAGES_UNIT) == units[count / 2]);
    for (unsigned i = 0; i < count; i++) {
        T_EXPECT(pages->release(pages, units[i], ACRE_PAGES_UNIT) == ACRE_OK);
    }
    T_EXPECT(acre_pages_range_reserved(&range) == 0);
    kfree(memory);
}

T_MAIN(
    T_CASE(a_range_is_made_of_unaligned_memory), T_CASE(bad_ranges_are_refused),
    T_CASE(addresses_are_aligned_and_apart), T_CASE(committed_units_read_as_zero_once),
    T_CASE(a_range_runs_out_and_serves_again))
