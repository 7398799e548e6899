// budget_of_programs.c - sixteen MiB for a cache, a program that runs away, and the system: the cache gives
// back what it can spare, the program is ended, the system never notices.
//
//     cc budget_of_programs.c -lacre_pools -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "acre/acre.h"
#include "acre/port/linux.h"

enum { BLOCK_BYTES = 65536, BLOCKS_MAX = 300 };

struct part {
    acre_account account; // its own heap lives on it
    acre_heap *heap;
    void *blocks[BLOCKS_MAX];
    unsigned count;
};

static unsigned fill_up(struct part *part, unsigned most)
{
    unsigned before = part->count;
    while (part->count < most) {
        void *block = acre_heap_alloc(part->heap, BLOCK_BYTES);
        if (block == NULL) {
            break;
        }
        memset(block, 1, BLOCK_BYTES);
        part->blocks[part->count] = block;
        part->count += 1;
    }
    return part->count - before;
}

static size_t given_bytes; // by the cache

static void drop_cached(acre_account *account, size_t bytes, void *argument)
{
    struct part *part = argument;
    size_t freed = 0;
    while (part->count > 20 && freed < bytes) { // twenty it wants to keep
        part->count -= 1;
        acre_heap_free(part->heap, part->blocks[part->count]);
        freed += BLOCK_BYTES;
    }
    given_bytes += acre_heap_trim(part->heap, 0);
    (void)account;
}

static void end_program(acre_account *account, void *argument)
{
    struct part *part = argument;
    acre_heap_destroy(part->heap);
    part->heap = NULL;
    printf("%s is ended\n", account->options.name);
}

static bool open_part(struct part *part, acre_budget *budget, acre_account_options options)
{
    options.argument = part;
    return acre_account_open(&part->account, budget, &options) == ACRE_OK &&
           acre_heap_create(&part->account.pages, NULL, &part->heap) == ACRE_OK;
}

static bool close_part(struct part *part)
{
    if (part->heap != NULL) {
        acre_heap_destroy(part->heap);
    }
    return acre_account_close(&part->account) == ACRE_OK;
}

int main(void)
{
    static struct part cache;
    static struct part program;
    static struct part system_part;
    acre_budget *budget;
    if (acre_budget_open(acre_pages_mmap(), (size_t)16 << 20, &budget) != ACRE_OK ||
        !open_part(
            &cache, budget,
            (acre_account_options){.name = "cache", .priority = 2, .reclaim = drop_cached}) ||
        !open_part(
            &program, budget,
            (acre_account_options){.name = "program", .priority = 1, .end = end_program}) ||
        !open_part(
            &system_part, budget, (acre_account_options){.name = "system", .is_system = true})) {
        return 1;
    }
    printf("cache takes %u blocks\n", fill_up(&cache, 60));
    unsigned taken = fill_up(&program, BLOCKS_MAX); // it would take all there is
    printf(
        "program takes %u blocks, for which the cache gives back %zu KiB, and is refused more\n",
        taken, given_bytes / 1024);
    unsigned needed = fill_up(&system_part, 100);
    printf("system takes %u blocks\n", needed);

    bool ended = program.heap == NULL;
    bool closed = close_part(&cache) && close_part(&program) && close_part(&system_part);
    return closed && ended && needed == 100 && taken < BLOCKS_MAX &&
                   acre_budget_close(budget) == ACRE_OK
               ? 0
               : 1;
}
