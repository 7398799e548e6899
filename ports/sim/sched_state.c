// sched_state.c - see sched_state.h.
// SPDX-License-Identifier: MIT
#include "sched_state.h"

#include <stdlib.h>
#include <string.h>

#include "sched_sim.h"

enum { REGIONS_MAX = 64, SEEN_LOG2_FIRST = 16, SEEN_LOG2_MAX = 25 };

struct region {
    char *at;
    size_t bytes;
    size_t stride;
    size_t count;
    bool hashed;
};

static struct region regions[REGIONS_MAX];
static size_t region_count;

static struct {
    uint64_t *entries; // hash above, deviations left below; 0 = none
    unsigned log2;
    uint64_t count;
} seen;

// ---- regions -------------------------------------------------------------------------------------

void sched_region(void *at, size_t bytes, size_t stride, size_t count, bool hashed)
{
    if (region_count == REGIONS_MAX) {
        acre_port_halt("too many regions", __FILE__, __LINE__);
    }
    regions[region_count++] = (struct region){at, bytes, stride, count, hashed};
}

void state_forget_regions(void)
{
    region_count = 0;
}

size_t state_bytes(void)
{
    size_t sum = 0;
    for (size_t i = 0; i < region_count; i++) {
        sum += regions[i].bytes * regions[i].count;
    }
    return sum;
}

static char *copy_part(char *image, void *at, size_t bytes, bool save)
{
    memcpy(save ? image : at, save ? at : image, bytes);
    return image + bytes;
}

void state_copy(char *image, bool save)
{
    for (size_t i = 0; i < region_count; i++) {
        for (size_t k = 0; k < regions[i].count; k++) {
            image = copy_part(image, regions[i].at + k * regions[i].stride, regions[i].bytes, save);
        }
    }
}

// ---- hashes --------------------------------------------------------------------------------------

uint64_t state_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

/// Hashes whole words; `bytes` is a multiple of 8. Two chains of multiplications run side by side;
/// they begin and multiply differently, so that nothing cancels where they meet.
uint64_t state_mix_memory(uint64_t hash, const char *at, size_t bytes)
{
    uint64_t other = hash << 32 | hash >> 32;
    uint64_t words[2];
    size_t i = 0;
    for (; i + sizeof(words) <= bytes; i += sizeof(words)) {
        memcpy(words, at + i, sizeof(words));
        hash = state_mix(hash, words[0]);
        other = (other ^ words[1]) * UINT64_C(0xe7037ed1a0b428db);
        other ^= other >> 32;
    }
    if (i < bytes) {
        memcpy(words, at + i, sizeof(words[0]));
        hash = state_mix(hash, words[0]);
    }
    return state_mix(state_mix(hash, other), other >> 17);
}

uint64_t state_mix_regions(uint64_t hash)
{
    for (size_t i = 0; i < region_count; i++) {
        for (size_t k = 0; regions[i].hashed && k < regions[i].count; k++) {
            hash = state_mix_memory(hash, regions[i].at + k * regions[i].stride, regions[i].bytes);
        }
    }
    return hash;
}

// ---- states met before ---------------------------------------------------------------------------

static uint64_t *seen_find(uint64_t hash)
{
    uint64_t mask = ((uint64_t)1 << seen.log2) - 1;
    uint64_t at = hash >> STATE_LEFT_BITS & mask;
    while (seen.entries[at] != 0 && (seen.entries[at] ^ hash) >> STATE_LEFT_BITS != 0) {
        at = (at + 1) & mask;
    }
    return &seen.entries[at];
}

static void seen_resize(unsigned log2)
{
    uint64_t *old = seen.entries;
    uint64_t old_count = old == NULL ? 0 : (uint64_t)1 << seen.log2;
    seen.entries = calloc((size_t)1 << log2, sizeof(uint64_t));
    if (seen.entries == NULL) {
        acre_port_halt("no memory for the states", __FILE__, __LINE__);
    }
    seen.log2 = log2;
    for (uint64_t i = 0; i < old_count; i++) {
        if (old[i] != 0) {
            *seen_find(old[i]) = old[i];
        }
    }
    free(old);
}

void state_forget_seen(void)
{
    free(seen.entries);
    seen.entries = NULL;
    seen.count = 0;
    seen_resize(SEEN_LOG2_FIRST);
}

bool state_seen_before(uint64_t hash, unsigned left)
{
    uint64_t *entry = seen_find(hash);
    if (*entry != 0) {
        bool before = (*entry & STATE_LEFT_MAX) >= left;
        *entry = before ? *entry : (hash | left);
        return before;
    }
    *entry = hash | left;
    seen.count += 1;
    if (seen.count > (uint64_t)1 << (seen.log2 - 1)) {
        if (seen.log2 == SEEN_LOG2_MAX) {
            acre_port_halt("too many states", __FILE__, __LINE__);
        }
        seen_resize(seen.log2 + 1);
    }
    return false;
}

uint64_t state_seen_count(void)
{
    return seen.count;
}
