// plain.h - the commits of include/acre/port.h as plain stores, for bindings in which no other
// thread is ever on the caller's slot: `thread`, where the slot is leased to one thread, and `one`,
// where there is only one. Nothing can move the caller, so nothing answers "moved".
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_PLAIN_H
#define ACRE_BASE_PLAIN_H

#include "acre/port.h"

static inline acre_block *plain_pop(acre_block **bin, acre_block **next)
{
    acre_block *block = *bin;
    if (__builtin_expect(block == NULL, 0)) {
        return NULL;
    }
    *next = block->next;
    *bin = *next;
    return block;
}

static inline acre_push plain_push(acre_hot *hot, acre_block *block, uintptr_t mark)
{
    acre_block *head = hot->head;
    block->next = head;
    block->tag = (uintptr_t)head ^ mark;
    hot->due = (uint16_t)(hot->due - 1);
    hot->head = block;
    return __builtin_expect((int16_t)hot->due <= 0, 0) ? ACRE_PUSHED_DUE : ACRE_PUSHED;
}

static inline acre_block *plain_take(acre_hot *hot, uint16_t due)
{
    acre_block *list = hot->head;
    hot->due = due;
    hot->head = NULL;
    return list;
}

static inline bool plain_install(acre_block **head, acre_block *list)
{
    if (*head != NULL) {
        return false;
    }
    *head = list;
    return true;
}

#endif
