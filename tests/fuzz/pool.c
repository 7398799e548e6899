// pool.c - pools in memory of the caller under bytes: get, put, misuse, reset, and which block comes next.
// SPDX-License-Identifier: MIT
#include "acre/pool.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static _Alignas(64) unsigned char memory[8192];
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    struct input input = {.at = data, .end = data + bytes};
    struct held held[HELD_MAX] = {0};
    acre_pool pool;
    acre_pool_options options = {
        .block_bytes = 1 + (size_t)take8(&input) % 90,
        .align = (size_t)1 << take8(&input) % 7,
        .count = take8(&input) % HELD_MAX,
        .flags = flags[take8(&input) % 3]};
    memset(memory, 0xee, sizeof(memory));
    if (acre_pool_init(&pool, memory + take8(&input) % 64, 8000, &options) != ACRE_OK) {
        return 0;
    }
    size_t live = 0;
    while (input.at != input.end) {
        uint8_t what = take8(&input);
        struct held *one = &held[take8(&input) % HELD_MAX];
        if (what == 255) {
            acre_pool_reset(&pool);
            memset(held, 0, sizeof(held));
            live = 0;
        } else if (one->block == NULL) {
            void *block = what % 4 == 0 ? acre_pool_get_zeroed(&pool) : acre_pool_get(&pool);
            FUZZ_EXPECT((block == NULL) == (live == pool.count));
            if (block != NULL) {
                FUZZ_EXPECT(acre_pool_fault(&pool, block) == NULL);
                held_set(one, block, options.block_bytes);
                live += 1;
            }
        } else {
            held_check(one, one->block, one->bytes);
            for (size_t inside = 1; inside < one->bytes; inside++) {
                FUZZ_EXPECT(acre_pool_fault(&pool, one->block + inside) != NULL);
            }
            acre_pool_put(&pool, one->block);
            FUZZ_EXPECT(acre_pool_fault(&pool, one->block) != NULL);
            one->block = NULL;
            live -= 1;
        }
        FUZZ_SOUND(acre_pool_audit(&pool));
    }
    acre_pool_stats stats;
    acre_pool_get_stats(&pool, &stats);
    FUZZ_EXPECT(stats.live_count == live);
    return 0;
}
