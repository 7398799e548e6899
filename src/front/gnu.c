// gnu.c - what glibc offers beside malloc: statistics in its own terms, tuning, trimming.
//
// glibc divides its memory into arenas, which hold blocks that are in use and blocks that are free,
// and mappings of one block each. In those terms acre is one arena, and its huge blocks are the
// mappings. Two sums that programs form of the numbers hold as they do in glibc:
//
//     arena   = uordblks + fordblks         what the arena has from the system
//     in use  = uordblks + hblkhd           all blocks that are in use
//
// fordblks thus holds everything that is in no live block, bookkeeping included; keepcost is the
// part of it that malloc_trim would give back. acre has no fast bins and does not count the blocks
// that are free, so smblks, fsmblks and ordblks are 0, and so are the counts in malloc_info. Peaks
// are not recorded either: where glibc's forms ask for one, they get the present value.
//
// mallopt accepts glibc's parameters and ignores them: there is nothing in acre that they could
// turn. acre's own options are in ACRE_CONF.
// SPDX-License-Identifier: MIT
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "front/front.h"

/// glibc's struct mallinfo2, and struct mallinfo with int. The members' order is what is promised.
struct gnu_info2 {
    size_t arena;    // bytes from the system, mappings of one block not included
    size_t ordblks;  // free blocks
    size_t smblks;   // free blocks in fast bins
    size_t hblks;    // blocks with a mapping of their own
    size_t hblkhd;   // bytes in those
    size_t usmblks;  // 0
    size_t fsmblks;  // bytes in fast bins
    size_t uordblks; // bytes of the arena in use
    size_t fordblks; // bytes of the arena that are free
    size_t keepcost; // of fordblks: could be given back
};

struct gnu_info {
    int arena;
    int ordblks;
    int smblks;
    int hblks;
    int hblkhd;
    int usmblks;
    int fsmblks;
    int uordblks;
    int fordblks;
    int keepcost;
};

ACRE_BEGIN
struct gnu_info2 mallinfo2(void);
struct gnu_info mallinfo(void);
int mallopt(int parameter, int value);
int malloc_trim(size_t keep_bytes);
void malloc_stats(void);
int malloc_info(int options, FILE *file);
void *malloc_get_state(void);
int malloc_set_state(void *state);
ACRE_END

static size_t difference_or_0(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

struct gnu_info2 mallinfo2(void)
{
    acre_heap_stats stats;
    acre_heap_get_stats(acre_default_heap(), &stats);
    size_t used = stats.small_bytes + stats.run_bytes;
    // While other threads allocate, the sums are a little out of step; the free part takes it.
    size_t unused = difference_or_0(difference_or_0(stats.committed_bytes, stats.huge_bytes), used);
    return (struct gnu_info2){
        .arena = used + unused,
        .hblks = stats.huge_blocks,
        .hblkhd = stats.huge_bytes,
        .uordblks = used,
        .fordblks = unused,
        .keepcost = stats.dirty_free_bytes + stats.cached_huge_bytes,
    };
}

/// glibc lets numbers above INT_MAX wrap, which makes a big process look like a small one or like
/// one of negative size. The largest number that fits misleads less.
static int int_or_max(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

struct gnu_info mallinfo(void)
{
    struct gnu_info2 info = mallinfo2();
    return (struct gnu_info){
        .arena = int_or_max(info.arena),
        .hblks = int_or_max(info.hblks),
        .hblkhd = int_or_max(info.hblkhd),
        .uordblks = int_or_max(info.uordblks),
        .fordblks = int_or_max(info.fordblks),
        .keepcost = int_or_max(info.keepcost),
    };
}

/// Returns 1 for the parameters that glibc has, from M_ARENA_MAX (-8) to M_TRIM_THRESHOLD (-1) and
/// from M_MXFAST (1) to M_KEEP (4), and 0 for any other, as for a value that glibc refuses.
int mallopt(int parameter, int value)
{
    enum { ARENA_MAX = -8, MXFAST = 1, KEEP = 4, FAST_BYTES_MAX = 160 };
    if (parameter == MXFAST && (value < 0 || value > FAST_BYTES_MAX)) {
        return 0;
    }
    return parameter >= ARENA_MAX && parameter <= KEEP && parameter != 0 ? 1 : 0;
}

int malloc_trim(size_t keep_bytes)
{
    return acre_heap_trim(acre_default_heap(), keep_bytes) > 0 ? 1 : 0;
}

SLOW static void add_stats_row(struct text *text, const char *name, size_t value)
{
    enum { NAME_COLUMNS = 17, VALUE_COLUMN = 19, VALUE_END = 29 };
    text_add(text, name);
    text_pad_to(text, NAME_COLUMNS);
    text_add(text, "= ");
    text_add_decimal(text, value);
    text_align_right(text, VALUE_COLUMN, VALUE_END);
    text_end_line(text);
}

SLOW void malloc_stats(void)
{
    char buffer[512];
    struct text text;
    int cancel_state;
    struct gnu_info2 info = mallinfo2();
    text_start(&text, buffer, sizeof(buffer));
    text_add(&text, "Arena 0:");
    text_end_line(&text);
    add_stats_row(&text, "system bytes", info.arena);
    add_stats_row(&text, "in use bytes", info.uordblks);
    text_add(&text, "Total (incl. mmap):");
    text_end_line(&text);
    add_stats_row(&text, "system bytes", info.arena + info.hblkhd);
    add_stats_row(&text, "in use bytes", info.uordblks + info.hblkhd);
    add_stats_row(&text, "max mmap regions", info.hblks);
    add_stats_row(&text, "max mmap bytes", info.hblkhd);
    // glibc promises that this is no cancellation point, and write(2) is one.
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    (void)front_write(STDERR_FILENO, buffer, text_length(&text));
    (void)pthread_setcancelstate(cancel_state, NULL);
}

/// <element type="type" size="..."/>, with a count of blocks or free pieces where there is one.
SLOW static void add_xml(
    struct text *text, const char *element, const char *type, const size_t *count, size_t bytes)
{
    text_add(text, "<");
    text_add(text, element);
    text_add(text, " type=\"");
    text_add(text, type);
    if (count != NULL) {
        text_add(text, "\" count=\"");
        text_add_decimal(text, *count);
    }
    text_add(text, "\" size=\"");
    text_add_decimal(text, bytes);
    text_add(text, "\"/>");
    text_end_line(text);
}

SLOW static void add_xml_system(struct text *text, size_t system_bytes, size_t address_bytes)
{
    add_xml(text, "system", "current", NULL, system_bytes);
    add_xml(text, "system", "max", NULL, system_bytes);
    add_xml(text, "aspace", "total", NULL, address_bytes);
    add_xml(text, "aspace", "mprotect", NULL, system_bytes);
}

/// One <heap> is all there is; the sums after it repeat it and add the huge blocks.
SLOW int malloc_info(int options, FILE *file)
{
    enum { XML_BYTES = 1536 }; // 15 lines of less than 100
    static const size_t none = 0;
    char buffer[XML_BYTES];
    struct text text;
    int cancel_state;
    if (options != 0) {
        errno = EINVAL; // for callers that believe the manual page; glibc only returns it
        return EINVAL;
    }
    acre_heap_stats stats;
    acre_heap_get_stats(acre_default_heap(), &stats);
    size_t arena_bytes = difference_or_0(stats.committed_bytes, stats.huge_bytes);
    size_t unused_bytes = difference_or_0(arena_bytes, stats.small_bytes + stats.run_bytes);
    size_t address_bytes = difference_or_0(stats.reserved_bytes, stats.huge_bytes);

    text_start(&text, buffer, sizeof(buffer));
    text_add(&text, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n");
    add_xml(&text, "total", "fast", &none, 0);
    add_xml(&text, "total", "rest", &none, unused_bytes);
    add_xml_system(&text, arena_bytes, address_bytes);
    text_add(&text, "</heap>\n");
    add_xml(&text, "total", "fast", &none, 0);
    add_xml(&text, "total", "rest", &none, unused_bytes);
    add_xml(&text, "total", "mmap", &stats.huge_blocks, stats.huge_bytes);
    add_xml_system(&text, arena_bytes, address_bytes);
    text_add(&text, "</malloc>\n");

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    int written = fputs(buffer, file);
    (void)pthread_setcancelstate(cancel_state, NULL);
    return written == EOF ? -1 : 0;
}

/// Emacs once dumped itself with its heap. There is no such state here.
void *malloc_get_state(void)
{
    errno = ENOSYS;
    return NULL;
}

int malloc_set_state(void *state)
{
    (void)state;
    errno = ENOSYS;
    return -1;
}
