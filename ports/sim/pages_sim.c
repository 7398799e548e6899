// pages_sim.c - see pages_sim.h. A sorted table of ranges and a byte of state for each page. First
// fit, so that a test gets the same addresses, less the range's start, in every run.
// SPDX-License-Identifier: MIT
#include "pages_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "acre_port.h"

enum { MACHINE_PAGE_BYTES = 4096, PAGE_BYTES_MIN = 64, RANGES_MAX = 4096, JUNK = 0xdb };

// No test needs so many calls; an allocator that asks in vain for ever makes more.
enum { CALLS_MAX = 100000 };

#ifndef SIM_SOURCE_LOG2
#define SIM_SOURCE_LOG2 30 // of its bytes; less for machines that have less
#endif

static const size_t source_bytes = (size_t)1 << SIM_SOURCE_LOG2;
static const size_t source_align = (size_t)1 << (SIM_SOURCE_LOG2 - 4);

struct range {
    size_t from; // offset in the whole
    size_t bytes;
    bool lost; // by a move that failed: nobody may name it again
};

static char *memory;
static struct range ranges[RANGES_MAX]; // by address
static size_t range_count;
static size_t used_bytes; // from the start: no range has reached beyond
static bool committed
    [((size_t)1 << SIM_SOURCE_LOG2) / PAGE_BYTES_MIN]; // each page; only reserved ones can be

static _Noreturn void violation(const char *what)
{
    acre_port_halt(what, "pages_sim", 0);
}

static bool is_hard(const struct pages_sim *sim)
{
    return sim->pages.page_bytes >= MACHINE_PAGE_BYTES;
}

static size_t offset_of(const void *addr)
{
    return (size_t)((uintptr_t)addr - (uintptr_t)memory);
}

/// Every call passes here first. Whether it is to fail.
static bool enter(struct pages_sim *sim, enum sim_call call, size_t bytes)
{
    sim_step();
    if (acre_sim.self->locks_held != 0) {
        violation("the page source is called under a lock");
    }
    if (bytes == 0 || bytes % sim->pages.page_bytes != 0) {
        violation("a size that is zero or no multiple of page_bytes");
    }
    sim->calls[call] += 1;
    sim->calls_all += 1;
    if (sim->calls_all == CALLS_MAX) {
        violation("the page source is asked without end");
    }
    bool fails = sim->calls[call] == sim->fail_at[call] || sim->calls_all == sim->fail_all_at ||
                 sim->failing[call];
    sim->failing[call] = fails && (sim->fail_on || sim->failing[call]);
    sim->failed += fails ? 1 : 0;
    return fails;
}

/// The range that a part lies in.
static const struct range *range_around(const void *addr, size_t bytes)
{
    size_t from = offset_of(addr);
    for (size_t i = 0; i < range_count; i++) {
        if (from >= ranges[i].from && from - ranges[i].from < ranges[i].bytes) {
            bool is_in = !ranges[i].lost && from - ranges[i].from + bytes <= ranges[i].bytes;
            return is_in ? &ranges[i] : NULL;
        }
    }
    return NULL;
}

/// Cuts a range in two; the second begins at `from`.
static void cut_range(struct pages_sim *sim, size_t idx, size_t from)
{
    if (from == ranges[idx].from || from == ranges[idx].from + ranges[idx].bytes) {
        return;
    }
    if (range_count == RANGES_MAX) {
        violation("more ranges than the table has room for");
    }
    memmove(&ranges[idx + 1], &ranges[idx], (range_count - idx) * sizeof(ranges[0]));
    ranges[idx].bytes = from - ranges[idx].from;
    ranges[idx + 1].bytes -= from - ranges[idx + 1].from;
    ranges[idx + 1].from = from;
    range_count += 1;
    sim->ranges_live += 1;
}

/// Where parts of ranges are ranges: makes this part one. Whatever it is no part of is for others to find.
static void make_range(struct pages_sim *sim, const void *addr, size_t bytes)
{
    const struct range *found = range_around(addr, bytes);
    if (sim->pages.move != NULL && found != NULL) {
        cut_range(sim, (size_t)(found - ranges), offset_of(addr) + bytes);
        cut_range(sim, (size_t)(found - ranges), offset_of(addr));
    }
}

/// Makes one range again of what was cut for a call that is refused after all.
static void rejoin_range(struct pages_sim *sim, const struct range *before)
{
    size_t idx = 0;
    while (ranges[idx].from != before->from) {
        idx += 1;
    }
    while (ranges[idx].bytes != before->bytes) {
        ranges[idx].bytes += ranges[idx + 1].bytes;
        range_count -= 1;
        sim->ranges_live -= 1;
        memmove(&ranges[idx + 1], &ranges[idx + 2], (range_count - idx - 1) * sizeof(ranges[0]));
    }
}

static struct range *whole_range(const void *addr, size_t bytes)
{
    const struct range *found = range_around(addr, bytes);
    if (found == NULL || found->from != offset_of(addr) || found->bytes != bytes) {
        return NULL;
    }
    return &ranges[found - ranges];
}

/// Whether this may be named as a range.
static bool is_range(const struct pages_sim *sim, const void *addr, size_t bytes)
{
    return sim->pages.move != NULL ? range_around(addr, bytes) != NULL
                                   : whole_range(addr, bytes) != NULL;
}

static void set_access(const struct pages_sim *sim, size_t from, size_t bytes, bool open)
{
    if (is_hard(sim) &&
        mprotect(memory + from, bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) {
        violation("the machine refuses mprotect");
    }
}

/// Commits what is not committed yet, page by page.
static void open_pages(struct pages_sim *sim, size_t from, size_t bytes)
{
    size_t unit = sim->pages.page_bytes;
    for (size_t at = from; at < from + bytes; at += unit) {
        if (!committed[at / unit]) {
            committed[at / unit] = true;
            sim->committed_bytes += unit;
            if (!is_hard(sim)) {
                memset(memory + at, 0, unit);
            }
        }
    }
    set_access(sim, from, bytes, true);
    if (sim->committed_bytes > sim->committed_bytes_peak) {
        sim->committed_bytes_peak = sim->committed_bytes;
    }
}

static void close_pages(struct pages_sim *sim, size_t from, size_t bytes)
{
    size_t unit = sim->pages.page_bytes;
    for (size_t at = from; at < from + bytes; at += unit) {
        sim->committed_bytes -= committed[at / unit] ? unit : 0;
        committed[at / unit] = false;
    }
    if (is_hard(sim)) {
        (void)madvise(memory + from, bytes, MADV_DONTNEED);
    } else {
        memset(memory + from, JUNK, bytes);
    }
    set_access(sim, from, bytes, false);
}

static size_t bytes_to_open(const struct pages_sim *sim, size_t from, size_t bytes)
{
    size_t unit = sim->pages.page_bytes;
    size_t sum = 0;
    for (size_t at = from; at < from + bytes; at += unit) {
        sum += committed[at / unit] ? 0 : unit;
    }
    return sum;
}

static bool has_memory(const struct pages_sim *sim, size_t bytes)
{
    return sim->memory_bytes_max == 0 || sim->committed_bytes + bytes <= sim->memory_bytes_max;
}

static bool has_addr(const struct pages_sim *sim, size_t bytes)
{
    return range_count < RANGES_MAX && bytes <= source_bytes &&
           (sim->addr_bytes_max == 0 || sim->reserved_bytes + bytes <= sim->addr_bytes_max);
}

/// Finds the first gap and enters a range there. False if none is large enough.
static bool add_range(struct pages_sim *sim, size_t bytes, size_t align, size_t *out)
{
    size_t from = 0;
    size_t at = 0;
    while (at < range_count && ranges[at].from < from + bytes) {
        from = (ranges[at].from + ranges[at].bytes + align - 1) & ~(align - 1);
        at += 1;
    }
    if (bytes > source_bytes || from > source_bytes - bytes) {
        return false;
    }
    memmove(&ranges[at + 1], &ranges[at], (range_count - at) * sizeof(ranges[0]));
    ranges[at] = (struct range){.from = from, .bytes = bytes};
    used_bytes = used_bytes > from + bytes ? used_bytes : from + bytes;
    range_count += 1;
    sim->ranges_live += 1;
    sim->reserved_bytes += bytes;
    *out = from;
    return true;
}

static void remove_range(struct pages_sim *sim, struct range *range)
{
    close_pages(sim, range->from, range->bytes);
    sim->ranges_live -= 1;
    sim->reserved_bytes -= range->bytes;
    range_count -= 1;
    memmove(range, range + 1, (size_t)(&ranges[range_count] - range) * sizeof(*range));
}

static void *sim_reserve(acre_pages *self, size_t bytes, size_t align)
{
    struct pages_sim *sim = (struct pages_sim *)self;
    bool fails = enter(sim, SIM_RESERVE, bytes);
    if (align < self->page_bytes || (align & (align - 1)) != 0) {
        violation("an alignment that is no power of two of at least page_bytes");
    }
    size_t from;
    if (fails || align > source_align || !has_addr(sim, bytes) ||
        !add_range(sim, bytes, align, &from)) {
        return NULL;
    }
    return memory + from;
}

static acre_status sim_commit(acre_pages *self, void *addr, size_t bytes)
{
    struct pages_sim *sim = (struct pages_sim *)self;
    bool fails = enter(sim, SIM_COMMIT, bytes);
    if ((uintptr_t)addr % self->page_bytes != 0 || range_around(addr, bytes) == NULL) {
        violation("commit of what is not reserved");
    }
    if (fails || !has_memory(sim, bytes_to_open(sim, offset_of(addr), bytes))) {
        return ACRE_NO_MEMORY;
    }
    open_pages(sim, offset_of(addr), bytes);
    return ACRE_OK;
}

static acre_status sim_decommit(acre_pages *self, void *addr, size_t bytes)
{
    struct pages_sim *sim = (struct pages_sim *)self;
    bool fails = enter(sim, SIM_DECOMMIT, bytes);
    if ((uintptr_t)addr % self->page_bytes != 0 || range_around(addr, bytes) == NULL) {
        violation("decommit of what is not reserved");
    }
    if (fails) {
        return ACRE_NO_MEMORY;
    }
    close_pages(sim, offset_of(addr), bytes);
    return ACRE_OK;
}

static acre_status sim_release(acre_pages *self, void *addr, size_t bytes)
{
    struct pages_sim *sim = (struct pages_sim *)self;
    bool fails = enter(sim, SIM_RELEASE, bytes);
    if (!is_range(sim, addr, bytes)) {
        violation("release of what is no whole range");
    }
    if (fails) {
        return ACRE_NO_MEMORY;
    }
    make_range(sim, addr, bytes);
    remove_range(sim, whole_range(addr, bytes));
    return ACRE_OK;
}

static void shrink_range(struct pages_sim *sim, struct range *range, size_t bytes)
{
    close_pages(sim, range->from + bytes, range->bytes - bytes);
    sim->reserved_bytes -= range->bytes - bytes;
    range->bytes = bytes;
}

static bool grow_range(struct pages_sim *sim, struct range *range, size_t bytes)
{
    size_t next = range + 1 < &ranges[range_count] ? range[1].from : source_bytes;
    if (next - range->from < bytes) {
        return false;
    }
    open_pages(sim, range->from + range->bytes, bytes - range->bytes);
    sim->reserved_bytes += bytes - range->bytes;
    range->bytes = bytes;
    used_bytes = used_bytes > range->from + bytes ? used_bytes : range->from + bytes;
    return true;
}

static void *move_range(struct pages_sim *sim, void *addr, size_t old_bytes, size_t bytes)
{
    size_t from;
    if (!add_range(sim, bytes, sim->pages.page_bytes, &from)) {
        return NULL;
    }
    open_pages(sim, from, bytes);
    memcpy(memory + from, addr, old_bytes < bytes ? old_bytes : bytes);
    remove_range(sim, whole_range(addr, old_bytes));
    return memory + from;
}

static void *resize_range(
    struct pages_sim *sim, void *addr, size_t old_bytes, size_t new_bytes, bool may_move)
{
    struct range *range = whole_range(addr, old_bytes);
    if (may_move && sim->remap_moves) {
        return move_range(sim, addr, old_bytes, new_bytes);
    }
    if (new_bytes < old_bytes) {
        shrink_range(sim, range, new_bytes);
        return addr;
    }
    if (new_bytes == old_bytes || grow_range(sim, range, new_bytes)) {
        return addr;
    }
    return may_move ? move_range(sim, addr, old_bytes, new_bytes) : NULL;
}

static void *sim_remap(
    acre_pages *self, void *addr, size_t old_bytes, size_t new_bytes, bool may_move)
{
    struct pages_sim *sim = (struct pages_sim *)self;
    bool fails = enter(sim, SIM_REMAP, new_bytes);
    if (!is_range(sim, addr, old_bytes)) {
        violation("remap of what is no whole range");
    }
    if (new_bytes > old_bytes && bytes_to_open(sim, offset_of(addr), old_bytes) != 0) {
        violation("remap to more of what is not committed");
    }
    size_t more_bytes = new_bytes > old_bytes ? new_bytes - old_bytes : 0;
    if (fails || !has_memory(sim, more_bytes) || !has_addr(sim, more_bytes)) {
        return NULL;
    }
    const struct range before = *range_around(addr, old_bytes);
    make_range(sim, addr, old_bytes);
    void *resized = resize_range(sim, addr, old_bytes, new_bytes, may_move);
    if (resized == NULL) {
        rejoin_range(sim, &before);
    }
    return resized;
}

static acre_status sim_move_pages(acre_pages *self, void *from, size_t bytes, void *to)
{
    struct pages_sim *sim = (struct pages_sim *)self;
    bool fails = enter(sim, SIM_MOVE, bytes);
    size_t apart = offset_of(from) > offset_of(to) ? offset_of(from) - offset_of(to)
                                                   : offset_of(to) - offset_of(from);
    if (apart < bytes) {
        violation("a move onto itself");
    }
    if (range_around(from, bytes) == NULL || range_around(to, bytes) == NULL) {
        violation("a move from or to what is no part of a range");
    }
    if (bytes_to_open(sim, offset_of(from), bytes) != 0 ||
        bytes_to_open(sim, offset_of(to), bytes) != 0) {
        violation("a move from or to what is not committed");
    }
    make_range(sim, to, bytes);
    if (!fails) {
        make_range(sim, from, bytes);
        memcpy(to, from, bytes);
        remove_range(sim, whole_range(from, bytes));
        return ACRE_OK;
    }
    if (sim->move_leaves_hole) {
        remove_range(sim, whole_range(to, bytes));
    } else {
        close_pages(sim, offset_of(to), bytes);
        whole_range(to, bytes)->lost = true;
        sim->ranges_live -= 1;
        sim->reserved_bytes -= bytes;
    }
    return ACRE_NO_MEMORY;
}

static void sim_advise(acre_pages *self, void *addr, size_t bytes, acre_advice advice)
{
    struct pages_sim *sim = (struct pages_sim *)self;
    if (acre_sim.self->locks_held != 0) {
        violation("advice under a lock");
    }
    if (range_around(addr, bytes) == NULL) {
        violation("advice on what is not reserved");
    }
    sim->advices[advice] += 1;
}

/// The whole range's addresses, aligned; nothing in it can be touched.
static void map_memory(void)
{
    char *raw = mmap(
        NULL, source_bytes + source_align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1, 0);
    if (raw == MAP_FAILED) {
        perror("pages_sim: mmap");
        exit(1);
    }
    memory = raw + (source_align - (uintptr_t)raw % source_align) % source_align;
}

/// Takes back whatever an earlier use left.
static void clear_memory(const struct pages_sim *sim)
{
    static size_t unit = MACHINE_PAGE_BYTES; // of the earlier use
    for (size_t i = 0; i < range_count; i++) {
        size_t first = ranges[i].from / unit;
        memset(&committed[first], 0, ranges[i].bytes / unit);
    }
    unit = sim->pages.page_bytes;
    range_count = 0;
    if (used_bytes != 0) {
        (void)madvise(memory, used_bytes, MADV_DONTNEED);
        used_bytes = 0;
    }
    if (mprotect(memory, source_bytes, is_hard(sim) ? PROT_NONE : PROT_READ | PROT_WRITE) != 0) {
        violation("the machine refuses mprotect");
    }
}

void pages_sim_init(struct pages_sim *sim, size_t page_bytes, bool can_remap)
{
    if (memory == NULL) {
        map_memory();
    }
    *sim = (struct pages_sim){0};
    sim->pages = (acre_pages){
        .reserve = sim_reserve,
        .commit = sim_commit,
        .decommit = sim_decommit,
        .release = sim_release,
        .remap = can_remap ? sim_remap : NULL,
        .advise = sim_advise,
        .page_bytes = page_bytes,
        .move = can_remap ? sim_move_pages : NULL,
    };
    clear_memory(sim);
}

void pages_sim_heal(struct pages_sim *sim)
{
    for (unsigned i = 0; i < SIM_CALLS; i++) {
        sim->calls[i] = 0;
        sim->fail_at[i] = 0;
        sim->failing[i] = false;
    }
    sim->calls_all = 0;
    sim->fail_all_at = 0;
    sim->fail_on = false;
    sim->failed = 0;
}

bool pages_sim_is_committed(const struct pages_sim *sim, const void *addr)
{
    size_t from = offset_of(addr);
    return from < source_bytes && committed[from / sim->pages.page_bytes];
}

uintptr_t pages_sim_base(void)
{
    if (memory == NULL) {
        map_memory();
    }
    return (uintptr_t)memory;
}
