// fit.c - boundary-tag heaps of all policies under bytes.
// SPDX-License-Identifier: MIT
#include "acre/fit.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static _Alignas(64) unsigned char memory[6000];
    struct input input = {.at = data, .end = data + bytes};
    struct held held[HELD_MAX] = {0};
    acre_fit *fit;
    acre_fit_policy policy = (acre_fit_policy)(take8(&input) % 5);
    unsigned flags = ACRE_FIT_REPORT | (take8(&input) % 2 == 0 ? ACRE_FIT_DEBUG : 0);
    memset(memory, 0xee, sizeof(memory));
    if (acre_fit_init(memory + take8(&input) % 64, 5900, policy, flags, &fit) != ACRE_OK) {
        return 0;
    }
    while (input.at != input.end) {
        uint8_t what = take8(&input);
        struct held *one = &held[take8(&input) % HELD_MAX];
        size_t size = take16(&input) % 700;
        if (one->block == NULL) {
            size_t got = size;
            void *block = NULL;
            if (what % 5 == 0) {
                block = acre_fit_alloc_largest(fit, size / 2, size, &got);
            } else {
                block = acre_fit_alloc(fit, size);
            }
            if (block != NULL) {
                held_set(one, block, got);
            }
        } else if (what % 3 == 0 && one->bytes > 4) {
            FUZZ_EXPECT(acre_fit_free(fit, one->block + 1 + what % 3) != ACRE_OK);
        } else {
            held_check(one, one->block, one->bytes);
            FUZZ_EXPECT(acre_fit_free(fit, one->block) == ACRE_OK);
            one->block = NULL;
        }
        FUZZ_SOUND(acre_fit_check(fit));
    }
    return 0;
}
