// list.h - an intrusive doubly linked ring. The head is a link of its own, so that neither insertion
// nor removal has a special case.
//
//     head <-> first <-> ... <-> last <-> head        empty: head <-> head
//
// No locks: the list's owner says in its own comment what guards it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_LIST_H
#define ACRE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next;
    struct link *prev;
};

/// The object of type `type` whose member `member` is `link`.
#define container_of(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct link *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_empty(const struct link *head)
{
    return head->next == head;
}

static inline void list_add_after(struct link *at, struct link *link)
{
    link->prev = at;
    link->next = at->next;
    at->next->prev = link;
    at->next = link;
}

static inline void list_add_first(struct link *head, struct link *link)
{
    list_add_after(head, link);
}

static inline void list_add_last(struct link *head, struct link *link)
{
    list_add_after(head->prev, link);
}

/// Removes `link` from the list it is on. It is then on none, which its fields say.
static inline void list_remove(struct link *link)
{
    link->prev->next = link->next; // NOLINT(clang-analyzer-core.NullDereference): it is on a list
    link->next->prev = link->prev;
    link->next = NULL;
    link->prev = NULL;
}

#endif
