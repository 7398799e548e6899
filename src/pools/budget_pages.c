// budget_pages.c - the page source of an account: it knows of each page whether it is committed, so that it is
// charged once, whatever its allocator commits or gives back how often. See acre/budget.h.
// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "pools/budget.h"

static acre_account *account_of(acre_pages *self)
{
    return (acre_account *)(void *)self;
}

static acre_pages *source_of(const acre_account *account)
{
    return account->budget->pages;
}

/// The range that an address lies in, moved to the front of the list. The lock is held.
static struct budget_range *range_of(acre_account *account, const void *addr)
{
    const unsigned char *at = addr;
    struct budget_range **link = &account->ranges;
    while (*link != NULL && (word)at - (word)(*link)->start >= (*link)->bytes) {
        link = &(*link)->next;
    }
    struct budget_range *range = *link;
    acre_check(range != NULL); // or its allocator broke the contract of acre/pages.h
    *link = range->next;
    range->next = account->ranges;
    account->ranges = range;
    return range;
}

/// Bytes of the record of a range.
static size_t extra_of(const acre_budget *budget, size_t bytes)
{
    size_t page = budget->pages->page_bytes;
    size_t words = (bytes >> budget->page_log2) / WORD_BITS + 1;
    return round_up(sizeof(struct budget_range) + words * sizeof(word), page);
}

static void *account_reserve(acre_pages *self, size_t bytes, size_t align)
{
    acre_account *account = account_of(self);
    acre_pages *source = source_of(account);
    size_t extra = extra_of(account->budget, bytes);
    size_t all;
    if (!add_size(bytes, extra, &all) || bytes >> account->budget->page_log2 > INT32_MAX ||
        !budget_charge(account, extra)) {
        return NULL;
    }
    unsigned char *start = source->reserve(source, all, align);
    if (start == NULL) {
        budget_credit(account, extra);
        return NULL;
    }
    if (source->commit(source, start + bytes, extra) != ACRE_OK) {
        (void)source->release(source, start, all);
        budget_credit(account, extra);
        return NULL;
    }
    struct budget_range *range = (struct budget_range *)(void *)(start + bytes);
    range->start = start; // the rest of the record reads as zero
    range->bytes = bytes;
    range->extra_bytes = extra;
    acre_port_lock_take(&account->budget->lock);
    range->next = account->ranges;
    account->ranges = range;
    acre_port_lock_drop(&account->budget->lock);
    return start;
}

/// Sets or clears the bits of pages. Returns how many of them changed. Takes the lock.
static size_t mark_pages(acre_account *account, const void *addr, size_t bytes, bool held)
{
    unsigned page_log2 = account->budget->page_log2;
    unsigned pages = (unsigned)(bytes >> page_log2);
    acre_port_lock_take(&account->budget->lock);
    struct budget_range *range = range_of(account, addr);
    unsigned first = (unsigned)((size_t)((const unsigned char *)addr - range->start) >> page_log2);
    size_t before = bitmap_count(range->held, first, pages);
    bitmap_fill(range->held, first, pages, held);
    size_t changed = held ? pages - before : before;
    range->held_pages = held ? range->held_pages + changed : range->held_pages - changed;
    acre_port_lock_drop(&account->budget->lock);
    return changed;
}

/// Pages of a stretch that are not committed. Takes the lock.
static size_t missing_pages(acre_account *account, const void *addr, size_t bytes)
{
    unsigned page_log2 = account->budget->page_log2;
    unsigned pages = (unsigned)(bytes >> page_log2);
    acre_port_lock_take(&account->budget->lock);
    struct budget_range *range = range_of(account, addr);
    unsigned first = (unsigned)((size_t)((const unsigned char *)addr - range->start) >> page_log2);
    size_t missing = pages - bitmap_count(range->held, first, pages);
    acre_port_lock_drop(&account->budget->lock);
    return missing;
}

static acre_status account_commit(acre_pages *self, void *addr, size_t bytes)
{
    acre_account *account = account_of(self);
    acre_pages *source = source_of(account);
    size_t page = source->page_bytes;
    size_t missing = missing_pages(account, addr, bytes);
    if (missing != 0 && !budget_charge(account, missing * page)) {
        return ACRE_NO_MEMORY;
    }
    if (source->commit(source, addr, bytes) != ACRE_OK) {
        budget_credit(account, missing * page);
        return ACRE_NO_MEMORY;
    }
    size_t changed = mark_pages(account, addr, bytes, true);
    // Another thread may have committed some of them meanwhile, and been charged for them.
    budget_credit(account, (missing - changed) * page);
    return ACRE_OK;
}

static acre_status account_decommit(acre_pages *self, void *addr, size_t bytes)
{
    acre_account *account = account_of(self);
    acre_pages *source = source_of(account);
    if (source->decommit(source, addr, bytes) != ACRE_OK) {
        return ACRE_NO_MEMORY;
    }
    budget_credit(account, mark_pages(account, addr, bytes, false) * source->page_bytes);
    return ACRE_OK;
}

static acre_status account_release(acre_pages *self, void *addr, size_t bytes)
{
    acre_account *account = account_of(self);
    acre_pages *source = source_of(account);
    acre_port_lock_take(&account->budget->lock);
    struct budget_range *range = range_of(account, addr);
    account->ranges = range->next; // it is the first now
    acre_port_lock_drop(&account->budget->lock);
    // The record goes with the range.
    size_t extra = range->extra_bytes;
    size_t held = range->held_pages * source->page_bytes + extra;
    if (source->release(source, addr, bytes + extra) != ACRE_OK) {
        acre_port_lock_take(&account->budget->lock);
        range->next = account->ranges;
        account->ranges = range;
        acre_port_lock_drop(&account->budget->lock);
        return ACRE_NO_MEMORY;
    }
    budget_credit(account, held);
    return ACRE_OK;
}

const acre_pages budget_account_pages = {
    .reserve = account_reserve,
    .commit = account_commit,
    .decommit = account_decommit,
    .release = account_release,
};
