// space.c - see space.h. How a request is met, in this order, because each step costs more than the
// one before: dirty pages, clean pages, a new segment, giving back what is free elsewhere, a short segment.
//
// A page source is never called under a lock: pages are marked as taken first, committed then, and
// marked free again if that fails. Pages that are taken belong to one thread alone.
// SPDX-License-Identifier: MIT
#include "heap/space.h"

#include "base/bitmap.h"
#include "heap/giveback.h"
#include "heap/owner.h"
#include "heap/reclaim.h"
#include "heap/segment.h"

bool space_charge_locked(acre_heap *heap, size_t bytes)
{
    size_t sum;
    if (!add_size(heap->held_bytes, bytes, &sum)) {
        return false;
    }
    if (heap->limit_bytes != 0 && sum > heap->limit_bytes) {
        return false;
    }
    heap->held_bytes = sum;
    return true;
}

// How many segments a search looks at where it need not find anything.
enum { LOOKS_FEW = 8, LOOKS_MANY = 64, LOOKS_ALL = -1 };

/// Searches one list. Under heap->lock.
static bool find_in_list(
    struct link *list, const struct page_request *request, bool dirty, int looks,
    struct page_range *out)
{
    for (struct link *at = list->next; at != list && looks != 0; looks--) {
        struct segment *segment = container_of(at, struct segment, link);
        at = at->next; // the search may take the segment off the list
        if (segment->free_pages == 0) {
            return false; // all that follow are full, too
        }
        if (segment_find(segment, request, dirty, out)) {
            return true;
        }
    }
    return false;
}

/// Searches the segments that have free pages. Runs fill what is broken first, if that is quick; all
/// of it is searched only before a new segment would be made. With `everywhere`, nothing is
/// left out. Under heap->lock.
static bool find_pages(
    acre_heap *heap, const struct page_request *request, bool everywhere, struct page_range *out)
{
    if (!request->from_top) {
        return (heap->free_dirty_pages >= request->pages &&
                find_in_list(&heap->segments, request, true, LOOKS_FEW, out)) ||
               find_in_list(&heap->segments, request, false, LOOKS_ALL, out);
    }
    if (request->pages >= 2 * SLICE_PAGES && !everywhere) {
        // Too long for what is fragmented; and where many segments have a slice but not this, it is
        // better to make one more than to ask them all.
        return find_in_list(&heap->segments, request, false, LOOKS_MANY, out);
    }
    return find_in_list(&heap->fragmented, request, false, LOOKS_FEW, out) ||
           find_in_list(&heap->segments, request, false, LOOKS_ALL, out) ||
           find_in_list(&heap->fragmented, request, false, LOOKS_ALL, out);
}

enum { RECLAIMS_MAX = 2, SHORTS_MAX = 2 };

enum take_result { TAKEN, NO_ROOM, OVER_LIMIT };

/// Takes pages that the heap has. *clean_pages: how many of them must be committed first.
static enum take_result take_existing(
    acre_heap *heap, const struct page_request *request, bool everywhere, struct page_range *out,
    unsigned *clean_pages, word dirty[PAGE_WORDS])
{
    enum take_result result = NO_ROOM;
    acre_port_lock_take(&heap->lock);
    if (find_pages(heap, request, everywhere, out)) {
        *clean_pages = out->count - bitmap_count(out->segment->dirty, out->first, out->count);
        result = space_charge_locked(heap, (size_t)*clean_pages * PAGE_BYTES) ? TAKEN : OVER_LIMIT;
    }
    if (result == TAKEN) {
        for (unsigned i = 0; i < PAGE_WORDS; i++) {
            dirty[i] = out->segment->dirty[i];
        }
        segment_mark_taken(heap, out);
    }
    acre_port_lock_drop(&heap->lock);
    return result;
}

/// Commits the clean parts of a taken range, widened to the source's granularity.
static bool commit_clean(acre_heap *heap, const struct page_range *range, const word *dirty)
{
    acre_pages *pages = heap->pages;
    uintptr_t unit_mask = pages->page_bytes - 1;
    unsigned end = range->first + range->count;
    unsigned first = bitmap_next(dirty, false, range->first, end);
    while (first < end) {
        unsigned stop = bitmap_next(dirty, true, first, end);
        uintptr_t from = (uintptr_t)page_address(range->segment, first) & ~unit_mask;
        uintptr_t to = ((uintptr_t)page_address(range->segment, stop) + unit_mask) & ~unit_mask;
        if (pages->commit(pages, (void *)from, to - from) != ACRE_OK) {
            return false; // what was committed before it is clean still, and will be again
        }
        first = bitmap_next(dirty, false, stop, end);
    }
    return true;
}

static bool finish_commit(
    acre_heap *heap, const struct page_range *range, unsigned clean_pages, const word *dirty)
{
    bool committed = commit_clean(heap, range, dirty);
    acre_port_lock_take(&heap->lock);
    if (committed) {
        bitmap_fill(range->segment->dirty, range->first, range->count, true);
    } else {
        segment_mark_free(heap, range);
        heap->held_bytes -= (size_t)clean_pages * PAGE_BYTES;
    }
    acre_port_lock_drop(&heap->lock);
    return committed;
}

static bool take_pages(
    acre_heap *heap, const struct page_request *request, struct page_range *out, bool *zero)
{
    // What is reclaimed may be the very segment that was made for this request: two attempts show
    // whether it helps.
    unsigned reclaims = 0;
    unsigned shorts = 0;
    bool everywhere = false;
    bool has_empty = ACRE_PORT_HELPER && request->from_top;
    while (true) {
        word dirty[PAGE_WORDS];
        unsigned clean_pages = 0;
        enum take_result result =
            take_existing(heap, request, everywhere, out, &clean_pages, dirty);
        if (result == TAKEN) {
            *zero = clean_pages == request->pages;
            if (clean_pages == 0 || finish_commit(heap, out, clean_pages, dirty)) {
                return true;
            }
        }
        if (result == NO_ROOM && has_empty) {
            has_empty = false;
            if (reclaim_empty(heap, RUN_BYTES_MAX) != 0) {
                continue;
            }
        }
        if (result == NO_ROOM && !everywhere && segment_create(heap)) {
            continue;
        }
        if (result == NO_ROOM && !everywhere) {
            everywhere = true; // no new segment: search what a quick search left out
            continue;
        }
        if (reclaims < RECLAIMS_MAX && reclaim_for(heap)) {
            reclaims += 1;
            everywhere = false;
            continue;
        }
        // Others may take what is in a short one before we do.
        if (!ACRE_PORT_SHORT || result != NO_ROOM || shorts == SHORTS_MAX ||
            !segment_create_short(heap, request)) {
            return false;
        }
        shorts += 1;
    }
}

/// After pages were given, by whoever took heap->lock for it: drops it, and gives back what is too much.
static void end_giving(acre_heap *heap)
{
    bool too_much = heap->free_dirty_pages * PAGE_BYTES > space_allowance_locked(heap);
    if (!too_much) {
        heap->excess_since = 0;
    }
    bool ask = giveback_is_wanted_locked(heap);
    acre_port_lock_drop(&heap->lock);
    if (ask) {
        giveback_ask(heap);
    }
    if (too_much) {
        space_purge_some(heap);
    }
}

__attribute__((noinline)) static void give_pages(acre_heap *heap, const struct page_range *range)
{
    acre_port_lock_take(&heap->lock);
    segment_mark_free(heap, range);
    end_giving(heap);
}

struct slab *space_take_slice(acre_heap *heap)
{
    const struct page_request request = {.pages = SLICE_PAGES, .align_pages = SLICE_PAGES};
    struct page_range range;
    bool zero;
    if (!take_pages(heap, &request, &range, &zero)) {
        return NULL;
    }
    struct slab *slab = &range.segment->slabs[range.first / SLICE_PAGES];
    slab->fresh = zero;
    return slab;
}

void space_give_slice(acre_heap *heap, struct slab *slab)
{
    acre_debug(slab->limit == 0 && owner_slot(slab->owner) == ACRE_SLOT_NONE);
    struct segment *segment = segment_of(slab);
    store_relaxed(&slab->kind, (uint8_t)KIND_PAGES);
    give_pages(
        heap, &(struct page_range){
                  .segment = segment,
                  .first = (unsigned)(slab - segment->slabs) * SLICE_PAGES,
                  .count = SLICE_PAGES,
              });
}

void *space_take_run(acre_heap *heap, unsigned pages, unsigned align_pages, bool *zero)
{
    const struct page_request request = {
        .pages = pages, .align_pages = align_pages, .from_top = true};
    struct page_range range;
    if (!take_pages(heap, &request, &range, zero)) {
        return NULL;
    }
    store_relaxed(&range.segment->run_pages[range.first], pages);
    return page_address(range.segment, range.first);
}

/// Where a run that starts at `addr` has its length; NULL if none can start there.
static uint32_t *run_length_at(struct slab *slab, uintptr_t addr)
{
    if (load_relaxed(&slab->kind) != KIND_PAGES || addr % PAGE_BYTES != 0) {
        return NULL;
    }
    struct segment *segment = segment_of(slab);
    return &segment->run_pages[page_of(segment, addr)];
}

unsigned space_run_pages(struct slab *slab, uintptr_t addr)
{
    const uint32_t *length = run_length_at(slab, addr);
    unsigned pages = length == NULL ? 0 : load_relaxed(length);
    return (pages & RUN_KEPT) != 0 ? 0 : run_length(pages);
}

unsigned space_run_spare(struct slab *slab, uintptr_t addr)
{
    const uint32_t *length = ACRE_PORT_RUNS ? run_length_at(slab, addr) : NULL;
    return length == NULL ? 0 : load_relaxed(length) >> RUN_SPARE_LOG2;
}

unsigned space_keep_run(struct slab *slab, uintptr_t addr)
{
    uint32_t *length = run_length_at(slab, addr);
    uint32_t entry = length == NULL ? 0 : load_relaxed(length);
    const unsigned pages = run_length(entry);
    bool kept =
        pages != 0 && (entry & RUN_KEPT) == 0 && cas_acquire(length, &entry, pages | RUN_KEPT);
    return kept ? pages : 0;
}

bool space_revive_run(struct slab *slab, uintptr_t addr, unsigned pages)
{
    uint32_t *length = run_length_at(slab, addr);
    if (load_relaxed(length) != (pages | RUN_KEPT)) {
        return false;
    }
    store_relaxed(length, pages); // the mark keeps everybody else from writing
    return true;
}

unsigned space_give_kept(acre_heap *heap, struct slab *slab, uintptr_t addr)
{
    struct segment *segment = segment_of(slab);
    uint32_t *length = run_length_at(slab, addr);
    const uint32_t entry = load_relaxed(length);
    const unsigned pages = run_length(entry);
    acre_check((entry & RUN_KEPT) != 0);
    store_relaxed(length, 0); // the mark keeps everybody else from writing
    give_pages(
        heap,
        &(struct page_range){.segment = segment, .first = page_of(segment, addr), .count = pages});
    return pages;
}

unsigned space_give_list(acre_heap *heap, acre_block *list)
{
    unsigned sum = 0;
    if (list == NULL) {
        return 0;
    }
    acre_port_lock_take(&heap->lock);
    while (list != NULL) {
        const uintptr_t addr = (uintptr_t)list;
        struct segment *segment = segment_at(addr);
        const unsigned first = page_of(segment, addr);
        const unsigned pages = run_length(load_relaxed(&segment->run_pages[first]));
        list = list->next;
        store_relaxed(&segment->run_pages[first], 0); // the mark keeps everybody else from writing
        segment_mark_free(
            heap, &(struct page_range){.segment = segment, .first = first, .count = pages});
        sum += pages;
    }
    end_giving(heap);
    return sum;
}

/// Takes the pages behind a run if they are all free. Under heap->lock.
SLOW static bool take_behind(
    acre_heap *heap, const struct page_range *more, unsigned *clean_pages, word dirty[PAGE_WORDS])
{
    struct segment *segment = more->segment;
    unsigned end = more->first + more->count;
    if (end > SEGMENT_PAGES || bitmap_next(segment->free, false, more->first, end) != end) {
        return false;
    }
    *clean_pages = more->count - bitmap_count(segment->dirty, more->first, more->count);
    if (!space_charge_locked(heap, (size_t)*clean_pages * PAGE_BYTES)) {
        return false;
    }
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        dirty[i] = segment->dirty[i];
    }
    segment_mark_taken(heap, more);
    return true;
}

SLOW bool space_resize_run(acre_heap *heap, struct slab *slab, uintptr_t addr, unsigned pages)
{
    struct segment *segment = segment_of(slab);
    unsigned first = page_of(segment, addr);
    const unsigned old_pages = space_run_pages(slab, addr);
    const unsigned spare = space_run_spare(slab, addr);
    uint32_t entry = old_pages | spare << RUN_SPARE_LOG2;
    if (pages == old_pages - spare || old_pages == 0) {
        return old_pages != 0;
    }
    // The length changes by compare-and-swap: should the run be freed meanwhile, by mistake, then
    // either that or this finds another length than it expects.
    if (pages <= old_pages) {
        if (!cas_acquire(&segment->run_pages[first], &entry, pages)) {
            return false;
        }
        if (pages != old_pages) {
            give_pages(
                heap, &(struct page_range){
                          .segment = segment, .first = first + pages, .count = old_pages - pages});
        }
        return true;
    }
    const struct page_range more = {
        .segment = segment, .first = first + old_pages, .count = pages - old_pages};
    word dirty[PAGE_WORDS];
    unsigned clean_pages = 0;
    acre_port_lock_take(&heap->lock);
    bool taken = take_behind(heap, &more, &clean_pages, dirty);
    acre_port_lock_drop(&heap->lock);
    if (!taken || (clean_pages != 0 && !finish_commit(heap, &more, clean_pages, dirty))) {
        return false;
    }
    if (!cas_acquire(&segment->run_pages[first], &entry, pages)) {
        give_pages(heap, &more);
        return false;
    }
    return true;
}
