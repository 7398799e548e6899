// budget.h - what the two files of the budget share: charging, and the record of a range.
//
//     range as the allocator sees it          | record and page bits   | (pages of the source)
//     start                     start + bytes                   + extra
//
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_BUDGET_H
#define ACRE_POOLS_BUDGET_H

#include "acre/budget.h"
#include "acre_port.h"
#include "base/bitmap.h"

struct acre_budget {
    acre_pages *pages;
    unsigned page_log2; // of pages->page_bytes
    size_t limit_bytes;
    acre_port_lock lock;    // guards what follows, and the accounts' fields
    acre_account *accounts; // least important first
    size_t held_bytes;
    size_t reclaimed_count;
    size_t ended_count;
};

/// What an account has reserved, behind the range itself.
struct budget_range {
    struct budget_range *next;
    unsigned char *start;
    size_t bytes;
    size_t extra_bytes; // of this record, in whole pages; committed throughout
    size_t held_pages;  // bits that are set
    word held[];        // a bit for each page of the range
};

/// Charges an account, if need be after others have given memory back. False: refused, nothing changed.
bool budget_charge(acre_account *account, size_t bytes);

/// Credits it.
void budget_credit(acre_account *account, size_t bytes);

/// The page source of an account.
extern const acre_pages budget_account_pages;

#endif
