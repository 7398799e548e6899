// runlist.c - see runlist.h.
// SPDX-License-Identifier: MIT
#include "heap/runlist.h"

#include "heap/block.h"
#include "heap/owner.h"
#include "heap/segment.h"
#include "heap/slot.h"
#include "heap/space.h"

// A trim is worth its lock where a slot may keep so many runs of a length.
enum { RUN_DUE = 256, RUNS_AT_LEAST = 4 };

static unsigned pages_of(unsigned list)
{
    return RUN_LISTED_MIN + list;
}

/// Where the run has its length. It is one: its tag was right, or it was freed just now.
static uint32_t *length_of(const acre_block *run)
{
    struct segment *segment = segment_at((uintptr_t)run);
    return &segment->run_pages[page_of(segment, (uintptr_t)run)];
}

static void add_listed(struct slot *slot, int32_t pages)
{
    store_relaxed(&slot->run_listed, load_relaxed(&slot->run_listed) + pages);
}

void runlist_open(struct slot *slot)
{
    const uintptr_t generation = (slot->run_owner >> OWNER_SLOT_BITS) + 1;
    for (unsigned i = 0; i < RUN_LISTS; i++) {
        slot->run_lists[i].due = RUN_DUE;
    }
    // Release: who sees this generation sees the lists as they are now.
    store_release(&slot->run_owner, generation << OWNER_SLOT_BITS | slot->number);
}

/// Whether nobody takes the lists from elsewhere. Under slot->lock, which who does drops meanwhile.
static bool is_open(const struct slot *slot)
{
    return owner_slot(slot->run_owner) != ACRE_SLOT_NONE;
}

/// Puts a list back where it was. False if others were faster, or the thread has left the slot. Under slot->lock.
static bool put_back(struct slot *slot, unsigned i, acre_block *list)
{
    return is_open(slot) && acre_port_install(slot->number, &slot->run_lists[i].head, list);
}

/// Whether a run that was found on a list is what it should be.
static bool is_whole(const acre_heap *heap, const acre_block *run, unsigned pages)
{
    return (!ACRE_CHECKED || block_looks_free(heap, run)) &&
           load_relaxed(length_of(run)) == (pages | RUN_KEPT);
}

static _Noreturn void report(const acre_block *run, unsigned pages)
{
    acre_port_fatal("corrupted free block", run, (size_t)pages * PAGE_BYTES);
}

/// Makes a run live that the caller has just popped: it is nobody else's.
static void revive(const acre_heap *heap, acre_block *run, unsigned pages, unsigned spare)
{
    if (unlikely(!is_whole(heap, run, pages))) {
        report(run, pages);
    }
    run->tag = 0;
    store_relaxed(
        length_of(run),
        pages | spare << RUN_SPARE_LOG2); // the mark keeps everybody else from writing
}

void *runlist_take(acre_heap *heap, unsigned pages)
{
    struct slot *slot = slot_of(heap, acre_port_slot_enter());
    const unsigned wanted = pages;
    for (; slot != NULL && pages <= wanted + wanted / 4 && runlist_holds(pages); pages++) {
        acre_hot *list = &slot->run_lists[pages - RUN_LISTED_MIN];
        acre_block *run = NULL;
        if (load_relaxed(&list->head) == NULL) {
            continue; // a look is cheaper than a commit
        }
        const uintptr_t owner = load_acquire(&slot->run_owner); // pairs with runlist_open
        if (acre_port_pop_owned(list, &slot->run_owner, owner, &run) == ACRE_POPPED) {
            add_listed(slot, -(int32_t)pages);
            revive(heap, run, pages, pages - wanted);
            return run;
        }
    }
    return NULL;
}

/// Lists that have been taken off a slot.
struct taken {
    acre_block *list[RUN_LISTS];
    unsigned count[RUN_LISTS];
    unsigned pages; // of all of them
};

/// Takes the lists of the slot that the caller is on, unless somebody else is taking them. What it does not get
/// stays. Under slot->lock.
static void take_lists(struct slot *slot, struct taken *out)
{
    *out = (struct taken){.pages = 0};
    for (unsigned i = 0; is_open(slot) && i < RUN_LISTS; i++) {
        if (!acre_port_take(slot->number, &slot->run_lists[i], RUN_DUE, &out->list[i])) {
            out->list[i] = NULL;
        }
    }
}

static void count_taken(const acre_heap *heap, struct taken *taken)
{
    for (unsigned i = 0; i < RUN_LISTS; i++) {
        for (const acre_block *run = taken->list[i]; run != NULL; run = run->next) {
            if (!is_whole(heap, run, pages_of(i)) || taken->count[i] == SEGMENT_PAGES) {
                report(run, pages_of(i));
            }
            taken->count[i] += 1;
        }
        taken->pages += taken->count[i] * pages_of(i);
    }
}

/// Of what was taken, how many of each list stay: the lists of most bytes give up most.
static void choose_kept(const struct taken *taken, unsigned pages_max, unsigned kept[RUN_LISTS])
{
    unsigned pages = taken->pages;
    for (unsigned i = 0; i < RUN_LISTS; i++) {
        kept[i] = taken->count[i];
    }
    while (pages > pages_max) {
        unsigned longest = 0;
        for (unsigned i = 1; i < RUN_LISTS; i++) {
            longest = kept[i] * pages_of(i) > kept[longest] * pages_of(longest) ? i : longest;
        }
        kept[longest] -= 1;
        pages -= pages_of(longest);
    }
}

/// Cuts a list behind its first `count` runs. Returns the rest.
static acre_block *cut(const acre_heap *heap, acre_block **list, unsigned count)
{
    acre_block *rest = *list;
    acre_block *last = NULL;
    for (; rest != NULL && count != 0; count--) {
        last = rest;
        rest = rest->next;
    }
    if (last == NULL) {
        *list = NULL;
    } else {
        block_link(heap, last, NULL);
    }
    return rest;
}

/// Counts what is on the lists, and gives the oldest of it to the space until there is room for a while.
SLOW static void trim(acre_heap *heap, struct slot *slot)
{
    const size_t most = slot_share(heap, RUN_KEPT_BYTES_MAX);
    struct taken taken;
    unsigned kept[RUN_LISTS];
    acre_block *rest[RUN_LISTS];
    unsigned pages = 0;
    acre_port_lock_take(&slot->lock);
    take_lists(slot, &taken);
    count_taken(heap, &taken);
    const bool much = (size_t)taken.pages * PAGE_BYTES > most;
    choose_kept(&taken, much ? (unsigned)(most / PAGE_BYTES / 4 * 3) : taken.pages, kept);
    for (unsigned i = 0; i < RUN_LISTS; i++) {
        rest[i] = cut(heap, &taken.list[i], kept[i]);
        pages += kept[i] * pages_of(i);
        if (taken.list[i] != NULL && !put_back(slot, i, taken.list[i])) {
            pages -= kept[i] * pages_of(i);
        } else {
            taken.list[i] = NULL;
        }
    }
    store_relaxed(&slot->run_listed, (int32_t)pages);
    acre_port_lock_drop(&slot->lock);
    for (unsigned i = 0; i < RUN_LISTS; i++) {
        (void)space_give_list(heap, rest[i]);
        (void)space_give_list(heap, taken.list[i]);
    }
}

bool runlist_give(acre_heap *heap, struct slot *slot, uintptr_t addr, unsigned pages)
{
    const size_t most = slot_share(heap, RUN_KEPT_BYTES_MAX);
    if ((size_t)pages * PAGE_BYTES > most / RUNS_AT_LEAST) {
        return false;
    }
    acre_block *run = (acre_block *)addr;
    acre_hot *list = &slot->run_lists[pages - RUN_LISTED_MIN];
    const uintptr_t owner = load_acquire(&slot->run_owner); // pairs with runlist_open
    acre_push pushed = acre_port_push(list, &slot->run_owner, owner, run, block_mark(heap, run));
    if (pushed == ACRE_FOREIGN) {
        return false;
    }
    add_listed(slot, (int32_t)pages);
    if (unlikely(pushed == ACRE_PUSHED_DUE || runlist_bytes(slot) > most)) {
        trim(heap, slot);
    }
    return true;
}

/// Only a peek.
__attribute__((no_sanitize("thread"))) SLOW static bool has_any(const struct slot *slot)
{
    bool any = false;
    for (unsigned i = 0; i < RUN_LISTS; i++) {
        any = any || slot->run_lists[i].head != NULL;
    }
    return any;
}

/// Gives away what is on a list that nobody else can use now, as far as it is whole: what follows a link that
/// is not is left for the slot's owner to find, because the caller may be a helper, which is no thread to end a
/// process from. Returns the pages.
SLOW static size_t give_whole(acre_heap *heap, acre_block **list, unsigned run_pages)
{
    size_t pages = 0;
    acre_block *run;
    while ((run = load_relaxed(list)) != NULL && is_whole(heap, run, run_pages)) {
        store_relaxed(list, run->next);
        run->next = NULL;
        pages += space_give_list(heap, run);
    }
    return pages;
}

/// Flushes the slot that the caller is on, as far as it is.
SLOW static size_t flush_own(acre_heap *heap, struct slot *slot)
{
    struct taken taken;
    size_t pages = 0;
    acre_port_lock_take(&slot->lock);
    take_lists(slot, &taken);
    acre_port_lock_drop(&slot->lock);
    for (unsigned i = 0; i < RUN_LISTS; i++) {
        pages += give_whole(heap, &taken.list[i], pages_of(i));
        if (taken.list[i] != NULL) {
            acre_port_lock_take(&slot->lock);
            (void)put_back(slot, i, taken.list[i]); // else it is lost, and does no harm any more
            acre_port_lock_drop(&slot->lock);
        }
    }
    add_listed(slot, -(int32_t)pages);
    return pages;
}

/// Flushes a slot on which nobody is, or nobody is in the middle of a commit after a barrier.
SLOW static size_t flush_other(acre_heap *heap, struct slot *slot, acre_claim claim)
{
    size_t pages = 0;
    acre_port_lock_take(&slot->lock);
    const bool closed = is_open(slot);
    store_relaxed(
        &slot->run_owner, slot->run_owner | ACRE_SLOT_NONE); // pushes see it by the barrier
    acre_port_lock_drop(&slot->lock);
    if (!closed) {
        return 0; // somebody else is at it
    }
    if (claim == ACRE_CLAIM_EXCLUSIVE || acre_port_barrier()) {
        for (unsigned i = 0; i < RUN_LISTS; i++) {
            pages += give_whole(heap, &slot->run_lists[i].head, pages_of(i));
        }
        store_relaxed(&slot->run_listed, 0);
    }
    acre_port_lock_take(&slot->lock);
    runlist_open(slot);
    acre_port_lock_drop(&slot->lock);
    return pages;
}

SLOW size_t runlist_flush(acre_heap *heap, struct slot *slot)
{
    size_t pages = has_any(slot) ? flush_own(heap, slot) : 0;
    if (has_any(slot)) {
        acre_claim claim = acre_port_slot_claim(slot->number);
        pages += claim == ACRE_CLAIM_NO ? 0 : flush_other(heap, slot, claim);
        if (claim == ACRE_CLAIM_EXCLUSIVE) {
            acre_port_slot_unclaim(slot->number);
        }
    }
    return pages * PAGE_BYTES;
}
