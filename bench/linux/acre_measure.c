// acre_measure.c - a module for Linux that counts what its pages and kmalloc cost, in the way in which
// tests/kernel/measure.c counts frames and the heap of acre: each figure is a loop's, less the same loop with
// a function that returns at once. scripts/measure_linux.py builds it and boots a kernel that loads it.
// SPDX-License-Identifier: MIT
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

enum { BLOCKS = 10000, LARGE = 200, LARGE_ORDER = 9, BYTES = 64 };

static void **blocks;

static noinline void *none_alloc(void)
{
    barrier();
    return blocks;
}

static noinline void none_free(void *block)
{
    barrier();
    (void)block;
}

struct counts {
    u64 alloc, free, pair;
};

// Direct calls, because calls through a pointer cost more on kernels of this kind.
#define COUNT(counts, turns, take, give)                                                           \
    do {                                                                                           \
        u64 start = rdtsc();                                                                       \
        unsigned i;                                                                                \
        for (i = 0; i < (turns); i++)                                                              \
            blocks[i] = take;                                                                      \
        (counts).alloc = rdtsc() - start;                                                          \
        start = rdtsc();                                                                           \
        for (i = 0; i < (turns); i++)                                                              \
            give(blocks[i]);                                                                       \
        (counts).free = rdtsc() - start;                                                           \
        start = rdtsc();                                                                           \
        for (i = 0; i < (turns); i++)                                                              \
            give(take);                                                                            \
        (counts).pair = rdtsc() - start;                                                           \
    } while (0)

static void free_page_0(void *block)
{
    __free_pages(block, 0);
}

static void free_large(void *block)
{
    __free_pages(block, LARGE_ORDER);
}

static void print(const char *name, const char *what, u64 with, u64 without, unsigned turns)
{
    u64 tenths = (with - without) * 10 / turns;
    pr_emerg("measure %s_%s %llu.%llu\n", name, what, tenths / 10, tenths % 10);
}

static void print_all(const char *name, const struct counts *with, unsigned turns)
{
    struct counts without;
    COUNT(without, turns, none_alloc(), none_free);
    print(name, "alloc", with->alloc, without.alloc, turns);
    print(name, "free", with->free, without.free, turns);
    print(name, "pair", with->pair, without.pair, turns);
}

static void measure(void)
{
    struct counts counts;
    unsigned turn;
    for (turn = 0; turn < 2; turn++) // the second counts: caches are filled then
        COUNT(counts, BLOCKS, alloc_pages(GFP_ATOMIC, 0), free_page_0);
    print_all("pages_0", &counts, BLOCKS);
    for (turn = 0; turn < 2; turn++)
        COUNT(counts, LARGE, alloc_pages(GFP_ATOMIC | __GFP_NOWARN, LARGE_ORDER), free_large);
    print_all("pages_9", &counts, LARGE);
    for (turn = 0; turn < 2; turn++)
        COUNT(counts, BLOCKS, kmalloc(BYTES, GFP_ATOMIC), kfree);
    print_all("kmalloc_64", &counts, BLOCKS);
}

static int __init measure_init(void)
{
    unsigned long flags;
    blocks = vzalloc(BLOCKS * sizeof(*blocks));
    if (blocks == NULL)
        return -ENOMEM;
    local_irq_save(flags);
    measure();
    local_irq_restore(flags);
    vfree(blocks);
    return -EAGAIN; // it has done what it is for
}

module_init(measure_init);
MODULE_DESCRIPTION("counts what pages and kmalloc cost");
MODULE_LICENSE("Dual MIT/GPL");
