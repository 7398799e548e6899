// acre/budget.h - a budget: one amount of memory, divided among named accounts, of which the least important
// give way when it runs short. A program that runs away takes its own share, then nothing; the system's own
// parts survive it.
//
//     heap, pool, region, ...        each over the page source of an account
//             |
//     account "editor"   account "network"   account "kernel" (system)
//             \                 |                 /
//              budget: so many bytes of one page source
//
// An account is a page source (acre/pages.h): open whatever allocates over &account->pages. Memory is
// charged when it is committed and credited when it is given back, page by page, whoever commits it how often.
// When a commit finds the account's own limit reached, it fails. When it finds the budget exhausted, others are
// asked, the least important first: to reclaim what they can spare (any account that is not a system one);
// then, if that was not enough, to end: the owner destroys all that it has there. Only accounts less
// important than the one that asks are ended, and a system account is neither asked nor ended.
//
// Threads: safe from any thread. Callbacks run in the thread that needs memory, without a lock, in the midst
// of its allocation: they may use what lives in their own account, and nothing in the asking one. They are
// not called for an account that is being asked already.
// Time: a commit takes one step for each range that the account has reserved and each word of its page
// bitmap, and the source's own time. Memory: one page for each range, or a bit for each page.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BUDGET_H
#define ACRE_BUDGET_H

#include "acre/pages.h"

ACRE_BEGIN

typedef struct acre_budget acre_budget;
typedef struct acre_account acre_account;

/// What an account is to be. All zero: no limit of its own, least important, gives nothing back.
typedef struct acre_account_options {
    const char *name;   // not copied; may be NULL
    size_t limit_bytes; // the most it may hold; 0 = as much as the budget has
    size_t soft_bytes;  // `soft` is called when it holds more than this; 0 = never
    uint32_t priority;  // of two accounts, that with the larger number is more important
    bool is_system; // never asked for memory, never ended, and more important than all that are not

    /// Told once each time that the account comes to hold more than soft_bytes. May be NULL.
    void (*soft)(acre_account *account, void *argument);

    /// Asked to give memory back, `bytes` or what it can: to trim a heap, to empty a cache. May be NULL.
    void (*reclaim)(acre_account *account, size_t bytes, void *argument);

    /// Told to give everything back: to destroy its heaps. The account can commit nothing from then on. May be
    /// NULL: it is not ended, whatever the need.
    void (*end)(acre_account *account, void *argument);

    void *argument; // for all three
} acre_account_options;

/// An account. Its first field is what allocators are opened over; the others are the budget's.
struct acre_account {
    acre_pages pages;
    acre_budget *budget;
    acre_account *next; // more important, or as important and younger
    acre_account_options options;
    struct budget_range *ranges; // what it has reserved, used last first
    size_t held_bytes;
    size_t peak_bytes;
    size_t refused_count;
    bool is_asked;
    bool is_ended;
    bool is_soft; // above soft_bytes, and told so
};

/// Makes a budget of `limit_bytes` over a page source, which must outlive it. The budget's own page is part of
/// it.
///
/// out     set only on ACRE_OK
/// Errors  ACRE_BAD_ARGUMENT (no source, less than a page), ACRE_NO_MEMORY
acre_status acre_budget_open(acre_pages *pages, size_t limit_bytes, acre_budget **out)
    ACRE_MUST_USE;

/// Ends a budget. Errors: ACRE_BAD_ARGUMENT: it has accounts, or the source refuses; it can be used on then.
acre_status acre_budget_close(acre_budget *budget) ACRE_MUST_USE;

/// Opens an account. It stays the caller's memory, and where it is, until it is closed. Errors:
/// ACRE_BAD_ARGUMENT (a system account with `reclaim` or `end`). Time: one step for each account.
acre_status acre_account_open(
    acre_account *account, acre_budget *budget, const acre_account_options *options) ACRE_MUST_USE;

/// Closes an account. Errors: ACRE_BAD_ARGUMENT: something is still reserved from it, or it is being asked
/// for memory; nothing is changed then.
acre_status acre_account_close(acre_account *account) ACRE_MUST_USE;

/// Numbers of an account.
typedef struct acre_account_stats {
    const char *name;
    size_t held_bytes;    // committed memory, the account's own bookkeeping included
    size_t peak_bytes;    // the most it ever held
    size_t limit_bytes;   // as set; 0 = none
    size_t refused_count; // commits and reserves that were refused
    bool is_ended;
} acre_account_stats;

/// Fills `out`. Time: constant.
void acre_account_get_stats(acre_account *account, acre_account_stats *out);

/// Numbers of a budget.
typedef struct acre_budget_stats {
    size_t limit_bytes;
    size_t held_bytes;      // by all accounts, and the budget's own page
    size_t accounts;        // a number
    size_t reclaimed_count; // times that an account was asked to reclaim
    size_t ended_count;     // accounts that were ended
} acre_budget_stats;

/// Fills `out`. Time: one step for each account.
void acre_budget_get_stats(acre_budget *budget, acre_budget_stats *out);

/// Checks every invariant. Returns NULL if all hold, else a sentence naming the broken one. For tests and
/// debuggers. Threads: nobody else may use the budget.
const char *acre_budget_audit(acre_budget *budget) ACRE_MUST_USE;

ACRE_END

#endif
