// handles.c - heaps of handles under bytes: everything moves, nothing may change.
// SPDX-License-Identifier: MIT
#include "acre/handles.h"
#include "fuzz.h"

struct kept {
    acre_handle handle;
    size_t size;
    uint8_t fill;
    bool purgeable;
    bool pinned;
};

static struct kept kept[HELD_MAX];
static acre_handles *heap;

static void fill(struct kept *one, size_t size)
{
    static uint8_t next;
    next = (uint8_t)(next + 41);
    one->size = size;
    one->fill = next;
    FUZZ_EXPECT(acre_handles_fill(heap, one->handle, 0, next, size) == ACRE_OK);
}

/// The first bytes are what they were, unless the block was purged.
static void check(struct kept *one, size_t bytes)
{
    unsigned char found;
    if (acre_handles_is_purged(heap, one->handle)) {
        FUZZ_EXPECT(one->size == 0 || (one->purgeable && !one->pinned));
        one->size = 0;
    }
    FUZZ_EXPECT(acre_handles_size(heap, one->handle) == one->size);
    for (size_t i = 0; i < bytes && i < one->size; i++) {
        FUZZ_EXPECT(acre_handles_read(heap, one->handle, i, &found, 1) == ACRE_OK);
        FUZZ_EXPECT(found == one->fill);
    }
    FUZZ_EXPECT(acre_handles_read(heap, one->handle, one->size, &found, 1) == ACRE_BAD_ARGUMENT);
}

static void resize(struct kept *one, size_t size)
{
    size_t old = one->size;
    if (acre_handles_resize(heap, one->handle, size) == ACRE_OK) {
        one->size = size;
        unsigned char found;
        for (size_t i = 0; i < size && i < old; i++) {
            FUZZ_EXPECT(acre_handles_read(heap, one->handle, i, &found, 1) == ACRE_OK);
            FUZZ_EXPECT(found == one->fill);
        }
        fill(one, size);
    }
}

static void change(struct kept *one, uint8_t what, size_t size)
{
    switch (what % 8) {
    case 0:
    case 1:
        if (acre_handles_kill(heap, one->handle) == ACRE_OK) {
            FUZZ_EXPECT(!one->pinned && !acre_handles_is_valid(heap, one->handle));
            *one = (struct kept){0};
        }
        break;
    case 2:
        if (one->pinned) {
            FUZZ_EXPECT(acre_handles_unpin(heap, one->handle) == ACRE_OK);
            one->pinned = false;
        } else {
            one->pinned = acre_handles_pin(heap, one->handle) != NULL;
        }
        break;
    case 3: {
        one->purgeable = size % 4 != 0;
        uint32_t priority = one->purgeable ? 1 + (uint32_t)size % 3 : 0;
        FUZZ_EXPECT(acre_handles_set_purgeable(heap, one->handle, priority) == ACRE_OK);
        break;
    }
    case 4:
        (void)acre_handles_compact(heap, size);
        break;
    case 5:
        (void)acre_handles_purge(heap, size % 100);
        break;
    case 6:
        (void)!acre_handles_make_room(heap, size, SIZE_MAX);
        break;
    default:
        resize(one, size);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static _Alignas(16) unsigned char memory[8000];
    struct input input = {.at = data, .end = data + bytes};
    acre_handles_options options = {.count = HELD_MAX, .flags = take8(&input) % 4};
    memset(kept, 0, sizeof(kept));
    memset(memory, 0xee, sizeof(memory));
    FUZZ_EXPECT(acre_handles_init(memory, sizeof(memory), &options, &heap) == ACRE_OK);
    while (input.at != input.end) {
        uint8_t what = take8(&input);
        struct kept *one = &kept[take8(&input) % HELD_MAX];
        size_t size = take16(&input) % 900;
        if (one->handle != 0) {
            check(one, 20);
            change(one, what, size);
        } else {
            one->handle = acre_handles_new(heap, size, what % 2);
            if (one->handle != 0) {
                fill(one, size);
            }
        }
        FUZZ_SOUND(acre_handles_audit(heap));
    }
    for (size_t i = 0; i < HELD_MAX; i++) {
        if (kept[i].handle != 0) {
            check(&kept[i], SIZE_MAX);
        }
    }
    return 0;
}
