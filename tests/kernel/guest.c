// guest.c - see guest.h.
// SPDX-License-Identifier: MIT
#include "guest.h"

/// How a block begins. Behind it: words that follow from it.
struct stamp {
    uint64_t bytes;
    uint64_t number;
    uint64_t check;
};

_Static_assert(sizeof(struct stamp) == GUEST_BYTES_MIN, "the smallest block holds its stamp");

static uint32_t stamps;

uint64_t guest_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

size_t guest_below(uint64_t *state, size_t bound)
{
    return (size_t)(guest_random(state) >> 11) % bound;
}

size_t guest_size(uint64_t *state)
{
    const size_t kind = guest_below(state, 1000);
    if (kind < 950) {
        return GUEST_BYTES_MIN + guest_below(state, 500);
    }
    if (kind < 995) {
        return GUEST_BYTES_MIN + guest_below(state, 16 << 10);
    }
    return kind < 999 ? (size_t)16 << 10 << guest_below(state, 5) : (size_t)1200 << 10;
}

static uint64_t check_of(const struct stamp *stamp)
{
    return ((uintptr_t)stamp ^ stamp->bytes * 0x9e3779b97f4a7c15u) + stamp->number;
}

/// Large blocks are filled at every 64th word: with what a page costs to touch, that is plenty.
static size_t stride_of(size_t words)
{
    return words > 512 ? 64 : 1;
}

void *guest_alloc(acre_heap *heap, size_t bytes)
{
    struct stamp *stamp = acre_heap_alloc(heap, bytes);
    if (stamp == NULL) {
        return NULL;
    }
    stamp->bytes = bytes;
    stamp->number = sync_add(&stamps, 1);
    stamp->check = check_of(stamp);
    uint64_t *words = (uint64_t *)(void *)(stamp + 1);
    const size_t count = (bytes - sizeof(*stamp)) / sizeof(*words);
    for (size_t i = 0; i < count; i += stride_of(count)) {
        words[i] = stamp->check + i;
    }
    return stamp;
}

bool guest_is_whole(const void *block)
{
    const struct stamp *stamp = block;
    if (stamp->check != check_of(stamp)) {
        return false;
    }
    const uint64_t *words = (const uint64_t *)(const void *)(stamp + 1);
    const size_t count = (stamp->bytes - sizeof(*stamp)) / sizeof(*words);
    for (size_t i = 0; i < count; i += stride_of(count)) {
        if (words[i] != stamp->check + i) {
            return false;
        }
    }
    return true;
}

bool guest_free(acre_heap *heap, void *block)
{
    bool whole = block == NULL || guest_is_whole(block);
    if (block != NULL) {
        ((struct stamp *)block)->check = 0; // who gets it next must write its own
    }
    acre_heap_free(heap, block);
    return whole;
}
