// rt.c - rt heaps of all engines under bytes: allocation, freeing, both kinds of resizing, misuse.
// SPDX-License-Identifier: MIT
#include "acre/rt.h"
#include "fuzz.h"

enum { MEMORY_BYTES = 6000 };

static struct held held[HELD_MAX];
static acre_rt *rt;

static void drop(struct held *one)
{
    held_check(one, one->block, one->bytes);
    FUZZ_EXPECT(acre_rt_free(rt, one->block) == ACRE_OK);
    one->block = NULL;
}

static void step(struct input *input)
{
    uint8_t what = take8(input);
    struct held *one = &held[take8(input) % HELD_MAX];
    size_t size = take16(input) % 700;
    if (one->block == NULL) {
        void *block = what % 4 == 0 ? acre_rt_aligned(rt, (size_t)8 << what % 7, size)
                                    : acre_rt_alloc(rt, size);
        if (block != NULL) {
            FUZZ_EXPECT(size != 0 && acre_rt_size(rt, block) >= size);
            held_set(one, block, size);
        }
        return;
    }
    switch (what % 5) {
    case 0:
    case 1:
        drop(one);
        break;
    case 2:
        if (acre_rt_resize(rt, one->block, size) == ACRE_OK) {
            held_check(one, one->block, size < one->bytes ? size : one->bytes);
            held_set(one, one->block, size);
        }
        break;
    case 3: {
        void *moved = acre_rt_realloc(rt, one->block, size);
        if (moved != NULL) {
            held_check(one, moved, size < one->bytes ? size : one->bytes);
            held_set(one, moved, size);
        }
        break;
    }
    default: // any address but a live block's is refused
        for (size_t inside = 1; inside < one->bytes && inside < 40; inside++) {
            FUZZ_EXPECT(acre_rt_free(rt, one->block + inside) == ACRE_BAD_ARGUMENT);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static _Alignas(64) unsigned char memory[MEMORY_BYTES];
    struct input input = {.at = data, .end = data + bytes};
    acre_rt_options options = {
        .engine = (acre_rt_engine)(take8(&input) % 3),
        .granule_bytes = (size_t)8 << take8(&input) % 3,
        .check_level = take8(&input) % 8 == 0 ? ACRE_RT_CHECK_ALL : 0};
    memset(held, 0, sizeof(held));
    memset(memory, 0xee, sizeof(memory));
    if (acre_rt_init(memory + take8(&input) % 64, MEMORY_BYTES - 64, &options, &rt) != ACRE_OK) {
        return 0;
    }
    while (input.at != input.end) {
        step(&input);
        FUZZ_SOUND(acre_rt_check(rt, 3));
    }
    for (size_t i = 0; i < HELD_MAX; i++) {
        if (held[i].block != NULL) {
            drop(&held[i]);
        }
    }
    acre_rt_stats stats;
    acre_rt_get_stats(rt, &stats);
    FUZZ_EXPECT(stats.live_bytes == 0 && stats.free_blocks == 1);
    return 0;
}
