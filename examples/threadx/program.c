// program.c - a program written for ThreadX's block pools: two pools, blocks released without a word of which
// one they are from, a wait, and misuse.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "tx_block_pool.h"

enum { SMALL_BYTES = 50, LARGE_BYTES = 200, POOL_BYTES = 4000 };

static TX_BLOCK_POOL small_pool;
static TX_BLOCK_POOL large_pool;
static ULONG small_memory[POOL_BYTES / sizeof(ULONG)];
static ULONG large_memory[POOL_BYTES / sizeof(ULONG)];
static unsigned failed;

static void expect(const char *what, ULONG found, ULONG expected)
{
    if (found != expected) {
        printf("%s: %lu, not %lu\n", what, found, expected);
        failed += 1;
    }
}

static ULONG available(TX_BLOCK_POOL *pool)
{
    ULONG blocks = 0;
    expect("info", tx_block_pool_info_get(pool, NULL, &blocks, NULL, NULL, NULL, NULL), TX_SUCCESS);
    return blocks;
}

static void create(void)
{
    CHAR *name;
    ULONG total;
    TX_BLOCK_POOL *next;
    expect(
        "small", tx_block_pool_create(&small_pool, "small", SMALL_BYTES, small_memory, POOL_BYTES),
        TX_SUCCESS);
    expect(
        "large", tx_block_pool_create(&large_pool, "large", LARGE_BYTES, large_memory, POOL_BYTES),
        TX_SUCCESS);
    expect(
        "info", tx_block_pool_info_get(&large_pool, &name, NULL, &total, NULL, NULL, &next),
        TX_SUCCESS);
    expect("its name", (ULONG)strcmp(name, "large"), 0);
    expect("blocks", total, POOL_BYTES / (LARGE_BYTES + sizeof(void *)));
    expect("the next pool is the other", (ULONG)(next == &small_pool), 1);
}

/// Takes all blocks of both, fills them, looks, gives them back in another order.
static void use_all(void)
{
    enum { MOST = POOL_BYTES / SMALL_BYTES };
    static unsigned char *blocks[2 * MOST];
    TX_BLOCK_POOL *pools[2] = {&small_pool, &large_pool};
    ULONG before = available(&small_pool) + available(&large_pool);
    unsigned count = 0;
    for (unsigned i = 0; i < 2; i++) {
        VOID *block;
        UINT status;
        while ((status = tx_block_allocate(pools[i], &block, TX_NO_WAIT)) == TX_SUCCESS) {
            memset(block, (int)count, i == 0 ? SMALL_BYTES : LARGE_BYTES);
            blocks[count++] = block;
        }
        expect("no more", status, TX_NO_MEMORY);
        expect("nor available", available(pools[i]), 0);
    }
    expect("as many as promised", count, before);
    for (unsigned i = 0; i < count; i++) {
        unsigned char *block = blocks[i * 7 % count];
        expect("its contents", block[0] == i * 7 % count && block[SMALL_BYTES - 1] == block[0], 1);
        expect("a release", tx_block_release(block), TX_SUCCESS);
    }
    expect("all are available", available(&small_pool) + available(&large_pool), before);
}

static VOID *held;
static ULONG waits;

/// What a scheduler does: other threads run for a tick. In the third one of them releases a block.
static bool one_tick(TX_BLOCK_POOL *pool, ULONG *ticks)
{
    (void)pool;
    waits += 1;
    if (waits == 3 && held != NULL) {
        expect("another thread's release", tx_block_release(held), TX_SUCCESS);
    }
    if (*ticks != TX_WAIT_FOREVER) {
        *ticks -= 1;
    }
    return *ticks != 0;
}

static void wait_for_one(void)
{
    VOID *block;
    VOID *none;
    expect("no threads", tx_block_allocate(&large_pool, &block, 5), TX_WAIT_ERROR);
    tx_block_pool_wait = one_tick;
    while (tx_block_allocate(&large_pool, &block, TX_NO_WAIT) == TX_SUCCESS) {
        held = block;
    }
    expect("one after three ticks", tx_block_allocate(&large_pool, &block, 10), TX_SUCCESS);
    expect("ticks", waits, 3);
    held = NULL;
    expect("none after five more", tx_block_allocate(&large_pool, &none, 5), TX_NO_MEMORY);
    expect("ticks", waits, 8);
    waits = 0;
    held = block;
    expect(
        "one if one can wait", tx_block_allocate(&large_pool, &block, TX_WAIT_FOREVER), TX_SUCCESS);
}

static void misuse(void)
{
    TX_BLOCK_POOL other = {0};
    unsigned char *block = NULL;
    expect(
        "made twice", tx_block_pool_create(&small_pool, "again", 8, small_memory, POOL_BYTES),
        TX_POOL_ERROR);
    expect("no memory", tx_block_pool_create(&other, "", 8, NULL, POOL_BYTES), TX_PTR_ERROR);
    expect("too small", tx_block_pool_create(&other, "", 80, small_memory, 80), TX_SIZE_ERROR);
    expect("huge", tx_block_pool_create(&other, "", (ULONG)-2, small_memory, 80), TX_SIZE_ERROR);
    expect("no place", tx_block_allocate(&small_pool, NULL, TX_NO_WAIT), TX_PTR_ERROR);
    expect("no pool", tx_block_allocate(&other, (VOID **)&block, TX_NO_WAIT), TX_POOL_ERROR);
    expect("a block", tx_block_allocate(&small_pool, (VOID **)&block, TX_NO_WAIT), TX_SUCCESS);
    expect("its middle", tx_block_release(block + sizeof(ULONG)), TX_PTR_ERROR);
    expect("no block", tx_block_release(&other), TX_PTR_ERROR);
    expect("NULL", tx_block_release(NULL), TX_PTR_ERROR);
    expect("the block", tx_block_release(block), TX_SUCCESS);
    expect("the block again", tx_block_release(block), TX_PTR_ERROR);
}

int main(void)
{
    create();
    use_all();
    wait_for_one();
    misuse();
    expect("an end", tx_block_pool_delete(&large_pool), TX_SUCCESS);
    expect("a second end", tx_block_pool_delete(&large_pool), TX_POOL_ERROR);
    expect("after it", tx_block_release(held), TX_PTR_ERROR);
    expect("the other lives", available(&small_pool) > 0, 1);
    expect("its end", tx_block_pool_delete(&small_pool), TX_SUCCESS);
    create(); // in the same memory
    printf("%u wrong\n", failed);
    return failed == 0 ? 0 : 1;
}
