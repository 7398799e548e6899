// list_test.c - what base/list.h promises.
// SPDX-License-Identifier: MIT
#include "base/list.h"

#include "t.h"

struct item {
    int before;
    struct link link;
};

static struct link head;
static struct item items[4];

/// Whether the list holds exactly these items, in both directions.
static bool reads(const int *order, size_t count)
{
    const struct link *forward = &head;
    const struct link *backward = &head;
    for (size_t i = 0; i < count; i++) {
        forward = forward->next;
        backward = backward->prev;
        if (forward != &items[order[i]].link || backward != &items[order[count - 1 - i]].link) {
            return false;
        }
    }
    return forward->next == &head && backward->prev == &head;
}

static void list_new_is_empty(void)
{
    list_init(&head);
    T_EXPECT(list_is_empty(&head) && reads(NULL, 0));
}

static void list_add_first_and_last_keep_order(void)
{
    list_init(&head);
    list_add_first(&head, &items[1].link);
    list_add_first(&head, &items[0].link);
    list_add_last(&head, &items[2].link);
    list_add_after(&items[2].link, &items[3].link);
    T_EXPECT(!list_is_empty(&head) && reads((const int[]){0, 1, 2, 3}, 4));
}

static void list_remove_closes_the_gap(void)
{
    list_add_first_and_last_keep_order();
    list_remove(&items[1].link);
    T_EXPECT(reads((const int[]){0, 2, 3}, 3));
    T_EXPECT(items[1].link.next == NULL && items[1].link.prev == NULL);
    list_remove(&items[0].link);
    list_remove(&items[3].link);
    T_EXPECT(reads((const int[]){2}, 1));
    list_remove(&items[2].link);
    T_EXPECT(list_is_empty(&head));
}

static void container_of_finds_the_item(void)
{
    T_EXPECT(container_of(&items[2].link, struct item, link) == &items[2]);
}

T_MAIN(
    T_CASE(list_new_is_empty), T_CASE(list_add_first_and_last_keep_order),
    T_CASE(list_remove_closes_the_gap), T_CASE(container_of_finds_the_item))
