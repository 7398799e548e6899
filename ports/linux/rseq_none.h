// rseq_none.h - for machines that have no restartable sequences written for them here: the process
// always takes the thread binding, and these are never called.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_RSEQ_NONE_H
#define ACRE_LINUX_RSEQ_NONE_H

#include "acre/port.h"

#define RSEQ_AVAILABLE 0

static inline unsigned rseq_slot(ptrdiff_t area)
{
    (void)area;
    return 0;
}

static inline acre_block *rseq_pop(acre_bins *const *bins, size_t at, acre_block **next)
{
    return plain_pop(&bins[0]->bin[at], next);
}

static inline acre_push rseq_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    (void)owner;
    (void)seen;
    return plain_push(hot, block, mark);
}

static inline acre_pop rseq_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    (void)slot;
    (void)bin;
    *out = NULL;
    return ACRE_MOVED;
}

static inline acre_pop rseq_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out)
{
    (void)hot;
    (void)owner;
    (void)seen;
    *out = NULL;
    return ACRE_MOVED;
}

static inline bool rseq_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list)
{
    (void)slot;
    *list = plain_take(hot, due);
    return true;
}

static inline bool rseq_install(unsigned slot, acre_block **head, acre_block *list)
{
    (void)slot;
    return plain_install(head, list);
}

static inline bool rseq_due_set(unsigned slot, acre_hot *hot, uint16_t due)
{
    (void)slot;
    hot->due = due;
    return true;
}

static inline bool rseq_due_add(unsigned slot, acre_hot *hot, uint16_t delta)
{
    (void)slot;
    hot->due = (uint16_t)(hot->due + delta);
    return true;
}

#endif
