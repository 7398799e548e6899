// budget.c - who may hold how much, and who gives way: see acre/budget.h.
//
// The sum of what accounts hold never exceeds the limit: memory is charged first and committed then. Callbacks
// run without the lock. Meanwhile their account is marked as asked, so that it is neither asked again, by
// whatever the callback sets off, nor closed; and so any chain of requests ends.
// SPDX-License-Identifier: MIT
#include "pools/budget.h"

acre_status acre_budget_open(acre_pages *pages, size_t limit_bytes, acre_budget **out)
{
    if (pages == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t own_bytes = round_up(sizeof(acre_budget), pages->page_bytes);
    if (limit_bytes < own_bytes) {
        return ACRE_BAD_ARGUMENT;
    }
    acre_budget *budget = pages->reserve(pages, own_bytes, pages->page_bytes);
    if (budget == NULL) {
        return ACRE_NO_MEMORY;
    }
    if (pages->commit(pages, budget, own_bytes) != ACRE_OK) {
        (void)pages->release(pages, budget, own_bytes);
        return ACRE_NO_MEMORY;
    }
    *budget = (acre_budget){
        .pages = pages,
        .page_log2 = highest_bit(pages->page_bytes),
        .limit_bytes = limit_bytes,
        .held_bytes = own_bytes,
    };
    *out = budget;
    return ACRE_OK;
}

acre_status acre_budget_close(acre_budget *budget)
{
    acre_pages *pages = budget->pages;
    size_t own_bytes = round_up(sizeof(acre_budget), pages->page_bytes);
    if (budget->accounts != NULL || pages->release(pages, budget, own_bytes) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    return ACRE_OK;
}

/// Whether `a` is less important than `b`.
static bool is_below(const acre_account *a, const acre_account *b)
{
    if (a->options.is_system != b->options.is_system) {
        return b->options.is_system;
    }
    return a->options.priority < b->options.priority;
}

acre_status acre_account_open(
    acre_account *account, acre_budget *budget, const acre_account_options *options)
{
    if (options->is_system && (options->reclaim != NULL || options->end != NULL)) {
        return ACRE_BAD_ARGUMENT;
    }
    *account = (acre_account){.pages = budget_account_pages, .budget = budget, .options = *options};
    account->pages.page_bytes = budget->pages->page_bytes;
    acre_port_lock_take(&budget->lock);
    acre_account **at = &budget->accounts;
    while (*at != NULL && !is_below(account, *at)) {
        at = &(*at)->next;
    }
    account->next = *at;
    *at = account;
    acre_port_lock_drop(&budget->lock);
    return ACRE_OK;
}

acre_status acre_account_close(acre_account *account)
{
    acre_budget *budget = account->budget;
    acre_port_lock_take(&budget->lock);
    bool can = account->ranges == NULL && account->held_bytes == 0 && !account->is_asked;
    if (can) {
        acre_account **at = &budget->accounts;
        while (*at != account) {
            at = &(*at)->next;
        }
        *at = account->next;
    }
    acre_port_lock_drop(&budget->lock);
    return can ? ACRE_OK : ACRE_BAD_ARGUMENT;
}

// ---- charging ------------------------------------------------------------------------------------

/// What a charge comes to.
enum charge { CHARGED, CHARGED_SOFT, OVER_BUDGET, REFUSED };

static enum charge try_charge(acre_account *account, size_t bytes)
{
    acre_budget *budget = account->budget;
    const acre_account_options *options = &account->options;
    enum charge result = CHARGED;
    acre_port_lock_take(&budget->lock);
    if (account->is_ended ||
        (options->limit_bytes != 0 && (account->held_bytes > options->limit_bytes ||
                                       bytes > options->limit_bytes - account->held_bytes))) {
        result = REFUSED;
    } else if (bytes > budget->limit_bytes - budget->held_bytes) {
        result = OVER_BUDGET;
    } else {
        budget->held_bytes += bytes;
        account->held_bytes += bytes;
        if (account->held_bytes > account->peak_bytes) {
            account->peak_bytes = account->held_bytes;
        }
        if (options->soft_bytes != 0 && account->held_bytes > options->soft_bytes &&
            !account->is_soft && options->soft != NULL) {
            account->is_soft = true;
            result = CHARGED_SOFT;
        }
    }
    acre_port_lock_drop(&budget->lock);
    return result;
}

/// The least important account behind `last` (NULL: of all) that may be asked, to end or to reclaim; it is then
/// marked as asked. NULL: there is none.
static acre_account *pick(const acre_account *asker, const acre_account *last, bool to_end)
{
    acre_budget *budget = asker->budget;
    acre_port_lock_take(&budget->lock);
    acre_account *found = last == NULL ? budget->accounts : last->next;
    for (; found != NULL; found = found->next) {
        bool may = to_end ? found->options.end != NULL && is_below(found, asker)
                          : found->options.reclaim != NULL;
        if (may && found != asker && !found->is_asked && !found->is_ended &&
            found->held_bytes != 0) {
            found->is_asked = true;
            found->is_ended = to_end;
            budget->ended_count += to_end ? 1 : 0;
            budget->reclaimed_count += to_end ? 0 : 1;
            break;
        }
    }
    acre_port_lock_drop(&budget->lock);
    return found;
}

/// Asks one account after the other until the charge succeeds or there is none left.
static enum charge charge_with_help(acre_account *account, size_t bytes, bool to_end)
{
    acre_budget *budget = account->budget;
    enum charge result = OVER_BUDGET;
    acre_account *asked = pick(account, NULL, to_end);
    while (asked != NULL) {
        if (to_end) {
            asked->options.end(asked, asked->options.argument);
        } else {
            asked->options.reclaim(asked, bytes, asked->options.argument);
        }
        result = try_charge(account, bytes);
        acre_account *last = asked;
        // The next one is found before this one may be closed.
        asked = result == OVER_BUDGET ? pick(account, last, to_end) : NULL;
        acre_port_lock_take(&budget->lock);
        last->is_asked = false;
        acre_port_lock_drop(&budget->lock);
    }
    return result;
}

bool budget_charge(acre_account *account, size_t bytes)
{
    enum charge result = try_charge(account, bytes);
    if (result == OVER_BUDGET) {
        result = charge_with_help(account, bytes, false);
    }
    if (result == OVER_BUDGET) {
        result = charge_with_help(account, bytes, true);
    }
    if (result == CHARGED_SOFT) {
        account->options.soft(account, account->options.argument);
    }
    if (result == CHARGED || result == CHARGED_SOFT) {
        return true;
    }
    acre_port_lock_take(&account->budget->lock);
    account->refused_count += 1;
    acre_port_lock_drop(&account->budget->lock);
    return false;
}

void budget_credit(acre_account *account, size_t bytes)
{
    acre_budget *budget = account->budget;
    acre_port_lock_take(&budget->lock);
    budget->held_bytes -= bytes;
    account->held_bytes -= bytes;
    account->is_soft = account->is_soft && account->held_bytes > account->options.soft_bytes;
    acre_port_lock_drop(&budget->lock);
}

// ---- looking at it -------------------------------------------------------------------------------

void acre_account_get_stats(acre_account *account, acre_account_stats *out)
{
    acre_port_lock_take(&account->budget->lock);
    *out = (acre_account_stats){
        .name = account->options.name,
        .held_bytes = account->held_bytes,
        .peak_bytes = account->peak_bytes,
        .limit_bytes = account->options.limit_bytes,
        .refused_count = account->refused_count,
        .is_ended = account->is_ended,
    };
    acre_port_lock_drop(&account->budget->lock);
}

void acre_budget_get_stats(acre_budget *budget, acre_budget_stats *out)
{
    acre_port_lock_take(&budget->lock);
    *out = (acre_budget_stats){
        .limit_bytes = budget->limit_bytes,
        .held_bytes = budget->held_bytes,
        .reclaimed_count = budget->reclaimed_count,
        .ended_count = budget->ended_count,
    };
    for (const acre_account *at = budget->accounts; at != NULL; at = at->next) {
        out->accounts += 1;
    }
    acre_port_lock_drop(&budget->lock);
}

const char *acre_budget_audit(acre_budget *budget)
{
    size_t page = budget->pages->page_bytes;
    size_t sum = round_up(sizeof(acre_budget), page);
    for (const acre_account *account = budget->accounts; account != NULL; account = account->next) {
        size_t held = 0;
        for (const struct budget_range *range = account->ranges; range != NULL;
             range = range->next) {
            unsigned pages = (unsigned)(range->bytes >> budget->page_log2);
            if (bitmap_count(range->held, 0, pages) != range->held_pages) {
                return "a range counts its pages wrongly";
            }
            held += (range->held_pages << budget->page_log2) + range->extra_bytes;
        }
        if (held != account->held_bytes) {
            return "an account's ranges do not add up to what it holds";
        }
        if (account->next != NULL && is_below(account->next, account)) {
            return "the accounts are not in the order of their importance";
        }
        sum += held;
    }
    if (sum != budget->held_bytes || sum > budget->limit_bytes) {
        return "the accounts do not add up to the budget, or exceed it";
    }
    return NULL;
}
