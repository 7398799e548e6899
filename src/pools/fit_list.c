// fit_list.c - the free blocks of a fit heap, and the five policies that choose among them.
//
// This is all that the policies differ in: where a freed block goes into the list, and which one a search
// takes. Each block that a search looks at is counted.
// SPDX-License-Identifier: MIT
#include "pools/fit_block.h"

static struct fit_block *block_of(const struct link *link)
{
    return container_of(link, struct fit_block, link);
}

void fit_list_add(acre_fit *fit, struct fit_block *block)
{
    struct link *at = &fit->free;
    if (fit->policy == ACRE_FIT_ADDRESS) {
        while (at->next != &fit->free && block_of(at->next) < block) {
            at = at->next;
        }
    }
    list_add_after(at, &block->link);
}

void fit_list_remove(acre_fit *fit, struct fit_block *block)
{
    if (fit->rover == &block->link) {
        fit->rover = block->link.next;
    }
    list_remove(&block->link);
}

/// The first block from `from` on, once around, that is large enough.
static struct fit_block *search_first(acre_fit *fit, struct link *from, size_t bytes)
{
    struct link *at = from;
    do {
        if (at != &fit->free) {
            fit->looked_at += 1;
            if (block_bytes(block_of(at)) >= bytes) {
                return block_of(at);
            }
        }
        at = at->next;
    } while (at != from);
    return NULL;
}

/// Of the blocks that are large enough the smallest, or the largest.
static struct fit_block *search_all(acre_fit *fit, size_t bytes, bool smallest)
{
    struct fit_block *found = NULL;
    for (struct link *at = fit->free.next; at != &fit->free; at = at->next) {
        struct fit_block *block = block_of(at);
        size_t size = block_bytes(block);
        fit->looked_at += 1;
        if (size >= bytes &&
            (found == NULL || (smallest ? size < block_bytes(found) : size > block_bytes(found)))) {
            found = block;
        }
    }
    return found;
}

struct fit_block *fit_list_search(acre_fit *fit, size_t bytes)
{
    struct fit_block *found;
    fit->searches += 1;
    switch (fit->policy) {
    case ACRE_FIT_BEST:
        return search_all(fit, bytes, true);
    case ACRE_FIT_WORST:
        return search_all(fit, bytes, false);
    case ACRE_FIT_NEXT:
        found = search_first(fit, fit->rover, bytes);
        if (found != NULL) {
            fit->rover = found->link.next;
        }
        return found;
    case ACRE_FIT_FIRST:
    case ACRE_FIT_ADDRESS:
        break;
    }
    return search_first(fit, fit->free.next, bytes);
}

struct fit_block *fit_list_largest(acre_fit *fit)
{
    fit->searches += 1;
    return search_all(fit, 0, false);
}
