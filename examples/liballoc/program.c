// program.c - a program written for liballoc: its four hooks, here over aligned_alloc, and a list, a growing
// text and a table of zeros. It also watches that the hooks are used as liballoc used them.
// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "liballoc.h"

enum { PAGE_BYTES = 4096, NODES = 20000, TEXT_BYTES = 300000, LARGE_BYTES = 3 << 20 };

static int lock_depth;
static bool misused; // a lock taken twice, or a page asked for without it
static size_t pages_held;
static size_t pages_limit = (size_t)64 << 8; // 64 MiB

int liballoc_lock(void)
{
    misused = misused || lock_depth != 0;
    lock_depth += 1;
    return 0;
}

int liballoc_unlock(void)
{
    misused = misused || lock_depth != 1;
    lock_depth -= 1;
    return 0;
}

void *liballoc_alloc(size_t pages)
{
    misused = misused || lock_depth != 1;
    void *first =
        pages_held + pages > pages_limit ? NULL : aligned_alloc(PAGE_BYTES, pages * PAGE_BYTES);
    if (first != NULL) {
        memset(first, 0xa5, pages * PAGE_BYTES); // as kernels find memory
        pages_held += pages;
    }
    return first;
}

int liballoc_free(void *first, size_t pages)
{
    misused = misused || lock_depth != 1;
    free(first);
    pages_held -= pages;
    return 0;
}

struct node {
    struct node *next;
    unsigned number;
};

static bool list_works(void)
{
    struct node *list = NULL;
    unsigned sum = 0;
    for (unsigned i = 0; i < NODES; i++) {
        struct node *node = kmalloc(sizeof(*node));
        if (node == NULL) {
            return false;
        }
        *node = (struct node){.next = list, .number = i};
        list = node;
    }
    while (list != NULL) {
        struct node *next = list->next;
        sum += list->number;
        kfree(list);
        list = next;
    }
    return sum == (unsigned)NODES / 2 * (NODES - 1);
}

static bool text_grows(void)
{
    char *text = NULL;
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        if (i % 1000 == 0) {
            char *longer = krealloc(text, i + 1000);
            if (longer == NULL) {
                return false;
            }
            text = longer;
        }
        text[i] = (char)('a' + i % 26);
    }
    bool whole = true;
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        whole = whole && text[i] == (char)('a' + i % 26);
    }
    return krealloc(text, 0) == NULL && whole;
}

static bool table_is_zero(void)
{
    unsigned char *table = kcalloc(100, 777);
    bool zero = table != NULL;
    for (size_t i = 0; zero && i < (size_t)100 * 777; i++) {
        zero = table[i] == 0;
    }
    kfree(table);
    return zero && kcalloc(SIZE_MAX / 2, 3) == NULL;
}

static bool large_blocks_go_back(void)
{
    void *large[8];
    for (unsigned i = 0; i < 8; i++) {
        large[i] = kmalloc(LARGE_BYTES);
    }
    const size_t most = pages_held;
    for (unsigned i = 0; i < 8; i++) {
        kfree(large[i]);
    }
    return most >= (size_t)8 * LARGE_BYTES / PAGE_BYTES && pages_held < most;
}

static bool memory_ends_and_comes_back(void)
{
    enum { BLOCKS = 2000, BLOCK_BYTES = 60000 };
    static void *blocks[BLOCKS];
    unsigned count = 0;
    while (count < BLOCKS && (blocks[count] = kmalloc(BLOCK_BYTES)) != NULL) {
        count += 1;
    }
    bool ended = count < BLOCKS && count > 100;
    for (unsigned i = 0; i < count; i++) {
        kfree(blocks[i]);
    }
    void *again = kmalloc(BLOCK_BYTES);
    kfree(again);
    return ended && again != NULL;
}

int main(void)
{
    const struct {
        const char *what;
        bool (*works)(void);
    } parts[] = {
        {"a list", list_works},
        {"a text that grows", text_grows},
        {"a table of zeros", table_is_zero},
        {"large blocks go back", large_blocks_go_back},
        {"memory ends, and comes back", memory_ends_and_comes_back},
    };
    bool all = true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        bool works = parts[i].works();
        printf("%s: %s\n", parts[i].what, works ? "yes" : "NO");
        all = all && works;
    }
    void *aligned = kmalloc_aligned(4096, 100);
    all = all && aligned != NULL && (size_t)aligned % 4096 == 0;
    kfree(aligned);
    printf("the hooks are used as agreed: %s\n", misused || lock_depth != 0 ? "NO" : "yes");
    return all && !misused && lock_depth == 0 ? 0 : 1;
}
