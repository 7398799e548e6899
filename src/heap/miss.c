// miss.c - see miss.h.
// SPDX-License-Identifier: MIT
#include "heap/miss.h"

#include "base/bitmap.h"
#include "heap/foreign.h"
#include "heap/hit.h"
#include "heap/huge.h"
#include "heap/owner.h"
#include "heap/refill.h"
#include "heap/runcache.h"
#include "heap/runlist.h"
#include "heap/segment.h"
#include "heap/slot.h"
#include "heap/space.h"
#include "heap/suspect.h"

struct placement placement_of(size_t size, size_t align)
{
    const struct placement none = {.kind = KIND_NONE};
    if (size > PTRDIFF_MAX || align > PTRDIFF_MAX) {
        return none;
    }
    if (size <= SMALL_BYTES_MAX && align <= (size_t)PAGE_BYTES) {
        // Beyond a page, a class whose blocks are so aligned would waste more than a run does.
        unsigned class =
            align <= GRANULE_BYTES ? size_class_of(size) : size_class_aligned(size, align);
        if (class < SIZE_CLASSES) {
            return (struct placement){.kind = KIND_SLAB, .class = class};
        }
    }
    if (size <= RUN_BYTES_MAX && align <= RUN_BYTES_MAX) {
        size_t pages = (size + PAGE_BYTES - 1) / PAGE_BYTES;
        size_t align_pages = align / PAGE_BYTES;
        return (struct placement){
            .kind = KIND_PAGES,
            .pages = pages == 0 ? 1 : (unsigned)pages,
            .align_pages = align_pages == 0 ? 1 : (unsigned)align_pages,
        };
    }
    return (struct placement){.kind = KIND_HUGE};
}

static void *take_run(acre_heap *heap, const struct placement *at, bool *zero)
{
    void *kept = at->align_pages == 1 ? runcache_take(heap, at->pages) : NULL;
    *zero = false;
    if (kept != NULL) {
        return kept;
    }
    void *run = space_take_run(heap, at->pages, at->align_pages, zero);
    if (ACRE_PORT_RUNS && run != NULL) {
        (void)slot_get(heap, acre_port_slot_enter()); // on whose lists it will go when it is freed
    }
    return run;
}

void *miss_place(
    acre_heap *heap, const struct placement *at, size_t size, size_t align, bool want_zero,
    bool *zero)
{
    switch (at->kind) {
    case KIND_SLAB:
        return refill(heap, at->class, zero);
    case KIND_PAGES:
        return take_run(heap, at, zero);
    case KIND_HUGE:
        return huge_alloc(heap, size, align, want_zero, zero);
    default:
        return NULL;
    }
}

void *miss_alloc(acre_heap *heap, size_t size)
{
    bool zero;
    if (likely(size <= SMALL_BYTES_MAX)) {
        return refill(heap, hit_class(heap, size), &zero);
    }
    const size_t pages = (size - 1) / PAGE_BYTES + 1;
    void *run = runlist_holds(pages) ? runlist_take(heap, (unsigned)pages) : NULL;
    if (run != NULL) {
        return run;
    }
    const struct placement at = placement_of(size, GRANULE_BYTES);
    return miss_place(heap, &at, size, GRANULE_BYTES, false, &zero);
}

/// No block starts at `addr`; the size of what it lies in, if that is known.
static _Noreturn void report_invalid(const char *what, const struct slab *slab, const void *addr)
{
    bool sized = slab != NULL && (slab->kind == KIND_SLAB || slab->kind == KIND_HUGE);
    acre_port_fatal(what, addr, sized ? slab->block_bytes : 0);
}

/// No run starts at `addr`; perhaps one did until it was freed.
static _Noreturn void report_no_run(
    const char *invalid, const char *freed, uintptr_t addr, struct slab *slab)
{
    struct segment *segment = segment_of(slab);
    unsigned page = page_of(segment, addr);
    bool free = slab->kind == KIND_PAGES && addr % PAGE_BYTES == 0 &&
                ((bitmap_test(segment->free, page) && bitmap_test(segment->dirty, page)) ||
                 (segment->run_pages[page] & RUN_KEPT) != 0);
    acre_port_fatal(free ? freed : invalid, (const void *)addr, 0);
}

/// Nothing of this heap starts at `addr`; perhaps a huge block did whose memory is kept.
static _Noreturn void report_none(
    acre_heap *heap, const char *invalid, const char *freed, const void *addr, struct slab *slab)
{
    if (ACRE_PORT_HELPER && huge_is_kept(heap, (uintptr_t)addr)) {
        acre_port_fatal(freed, addr, 0);
    }
    report_invalid(invalid, slab, addr);
}

/// What there is to know of a block that is to be freed but that it is live.
enum history { UNTOUCHED, PUSH_BEGUN };

/// Puts the block on the slab's foreign list, which takes blocks from any slot: it is here because its
/// slab is another slot's, or because something rare happened. False if the slab changed its generation,
/// so that all must be looked at anew.
static bool free_small(acre_heap *heap, struct slab *slab, acre_block *block, enum history history)
{
    uint32_t generation = foreign_generation(slab);
    if (unlikely(!hit_is_block(slab, (uintptr_t)block))) {
        report_invalid("invalid free", slab, block);
    }
    bool free = history == UNTOUCHED ? suspect_is_free(heap, slab, block)
                                     : suspect_is_found_free(heap, slab, block);
    if (unlikely(free)) {
        acre_port_fatal("double free", block, slab->block_bytes);
    }
    return foreign_free(heap, slab, block, generation);
}

static void free_any(acre_heap *heap, void *addr, enum history history)
{
    struct slab *slab = map_find_any(heap, (uintptr_t)addr);
    if (slab == NULL) {
        report_none(heap, "invalid free", "double free", addr, slab);
    }
    switch (load_relaxed(&slab->kind)) {
    case KIND_SLAB:
        if (!free_small(heap, slab, addr, history)) {
            free_any(heap, addr, PUSH_BEGUN);
        }
        break;
    case KIND_PAGES:
        if (runcache_give(heap, slab, (uintptr_t)addr) == 0) {
            report_no_run("invalid free", "double free", (uintptr_t)addr, slab);
        }
        break;
    case KIND_HUGE:
        if (!huge_free(heap, (uintptr_t)addr)) {
            report_invalid("invalid free", slab, addr);
        }
        break;
    default:
        report_none(heap, "invalid free", "double free", addr, slab);
    }
}

void miss_free(acre_heap *heap, void *addr)
{
    struct slab *slab = map_find(heap, (uintptr_t)addr);
    uintptr_t owner = load_acquire(&slab->owner); // before all else of it: see owner.h
    enum history history = UNTOUCHED;
    // What nearly all calls are for: a live block of another slot's slab.
    if (likely(hit_is_block(slab, (uintptr_t)addr) && !block_may_be_free(addr))) {
        if (likely(foreign_free(heap, slab, addr, owner_generation(owner)))) {
            return;
        }
        history = PUSH_BEGUN; // the slab is being counted, or more; the block may have been linked
    }
    if (addr != NULL) {
        free_any(heap, addr, history);
    }
}

void miss_refused(acre_heap *heap, void *addr)
{
    if (addr != NULL) {
        free_any(heap, addr, PUSH_BEGUN);
    }
}

void miss_due(acre_heap *heap, struct slab *slab)
{
    slab_due(heap, slab);
}

struct live miss_inspect(acre_heap *heap, const void *addr, const char *invalid, const char *freed)
{
    struct slab *slab = map_find_any(heap, (uintptr_t)addr);
    if (slab == NULL) {
        report_none(heap, invalid, freed, addr, slab);
    }
    unsigned pages = 0;
    switch (load_relaxed(&slab->kind)) {
    case KIND_SLAB:
        if (!hit_is_block(slab, (uintptr_t)addr)) {
            report_invalid(invalid, slab, addr);
        }
        if (suspect_is_free(heap, slab, addr)) {
            acre_port_fatal(freed, addr, slab->block_bytes);
        }
        return (struct live){.slab = slab, .bytes = slab->block_bytes};
    case KIND_PAGES:
        pages = space_run_pages(slab, (uintptr_t)addr);
        if (pages == 0) {
            report_no_run(invalid, freed, (uintptr_t)addr, slab);
        }
        return (struct live){.slab = slab, .bytes = (size_t)pages * PAGE_BYTES};
    case KIND_HUGE:
        if (slab->base != (uintptr_t)addr) {
            report_invalid(invalid, slab, addr);
        }
        return (struct live){.slab = slab, .bytes = slab->block_bytes};
    default:
        report_none(heap, invalid, freed, addr, slab);
    }
}
