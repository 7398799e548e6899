// pool_split_test.c - pools whose bits are apart from their blocks: acre_pool_init_split.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "acre/pool.h"
#include "fixture.h"

enum { BLOCKS = 45, BLOCK_BYTES = 24, LINKS_BYTES = 4 * BLOCKS };

static _Alignas(16) unsigned char memory[BLOCKS * BLOCK_BYTES + 1];
static _Alignas(16) unsigned char beside[LINKS_BYTES + ACRE_POOL_BESIDE_BYTES(BLOCKS) + 1];
static acre_pool pool;

static acre_status make(unsigned flags, size_t beside_bytes)
{
    const acre_pool_options options = {.block_bytes = BLOCK_BYTES, .count = BLOCKS, .flags = flags};
    return acre_pool_init_split(&pool, memory, beside, beside_bytes, &options);
}

static void put_in_pool(void *block)
{
    acre_pool_put(&pool, block);
}

static void every_byte_of_memory_is_a_blocks(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    for (size_t kind = 0; kind < 3; kind++) {
        size_t needed = ACRE_POOL_BESIDE_BYTES(BLOCKS) + (kind == 1 ? LINKS_BYTES : 0);
        memset(memory, 0xa5, sizeof(memory));
        memset(beside, 0xa5, sizeof(beside));
        T_EXPECT(make(flags[kind], needed - 1) == ACRE_NO_MEMORY);
        T_EXPECT(make(flags[kind], needed) == ACRE_OK);
        for (size_t round = 0; round < 3; round++) {
            for (size_t i = 0; i < BLOCKS; i++) {
                unsigned char *block = acre_pool_get(&pool);
                T_EXPECT(block != NULL && acre_pool_index(&pool, block) < BLOCKS);
                memset(block, 0xff, BLOCK_BYTES);
            }
            T_EXPECT(acre_pool_get(&pool) == NULL);
            T_EXPECT_SOUND(acre_pool_audit(&pool));
            for (size_t i = 0; i < BLOCKS; i++) {
                acre_pool_put(&pool, memory + i * BLOCK_BYTES);
                struct sim_end end = sim_catch(put_in_pool, memory + i * BLOCK_BYTES);
                T_EXPECT(end.how == SIM_FATAL && strcmp(end.what, "double free") == 0);
            }
            T_EXPECT_SOUND(acre_pool_audit(&pool));
        }
        T_EXPECT(memory[BLOCKS * BLOCK_BYTES] == 0xa5 && beside[needed] == 0xa5);
        acre_pool_reset(&pool);
        T_EXPECT(acre_pool_get(&pool) == memory && acre_pool_close(&pool) == ACRE_OK);
    }
}

static void with_links_beside_blocks_are_never_touched(void)
{
    T_EXPECT(make(ACRE_POOL_KEEP, sizeof(beside)) == ACRE_OK);
    memset(memory, 0x5a, sizeof(memory));
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = acre_pool_get(&pool);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        acre_pool_put(&pool, blocks[i * 7 % BLOCKS]);
    }
    for (size_t i = 0; i < sizeof(memory); i++) {
        T_EXPECT(memory[i] == 0x5a);
    }
}

static void what_makes_no_sense_is_refused(void)
{
    T_EXPECT(make(0, sizeof(beside)) == ACRE_OK);
    const acre_pool before = pool;
    static const acre_pool_options wrong[] = {
        {0, 0, 5, 0},
        {8, 0, 0, 0},
        {8, 3, 5, 0},
        {8, 24, 5, 0},
        {8, 0, 5, 1u << 5},
        {SIZE_MAX - 2, 0, 5, 0},
        {SIZE_MAX / 8, 0, 9, 0},
        {8, 0, SIZE_MAX / 2, 0},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        T_EXPECT(
            acre_pool_init_split(&pool, memory, beside, sizeof(beside), &wrong[i]) ==
            ACRE_BAD_ARGUMENT);
    }
    const acre_pool_options good = {8, 8, 5, 0};
    T_EXPECT(acre_pool_init_split(&pool, NULL, beside, 99, &good) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pool_init_split(&pool, memory, NULL, 99, &good) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pool_init_split(&pool, memory + 4, beside, 99, &good) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pool_init_split(&pool, memory, beside + 2, 99, &good) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pool_init_split(&pool, memory, beside, 0, &good) == ACRE_NO_MEMORY);
    T_EXPECT(memcmp(&before, &pool, sizeof(pool)) == 0);
}

T_MAIN(
    T_CASE(every_byte_of_memory_is_a_blocks), T_CASE(with_links_beside_blocks_are_never_touched),
    T_CASE(what_makes_no_sense_is_refused))
