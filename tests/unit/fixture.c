// fixture.c - see fixture.h.
// SPDX-License-Identifier: MIT
#include "unit/fixture.h"

#include <string.h>

#include "heap/map.h"

struct pages_sim sim;
acre_heap *subject;

void heap_open_at(const struct site *site)
{
    sim_reset();
    pages_sim_init(&sim, site->page_bytes, !site->no_remap);
    if (site->no_move) {
        sim.pages.move = NULL;
    }
    if (acre_heap_create(&sim.pages, &site->options, &subject) != ACRE_OK) {
        subject = NULL;
    }
}

void heap_open(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096});
}

const char *source_left_over(void)
{
    if (sim.ranges_live != 0) {
        return "a range is still reserved";
    }
    return sim.committed_bytes != 0 ? "memory is still committed" : NULL;
}

const char *heap_close(void)
{
    const char *broken = acre_heap_audit(subject);
    acre_heap_destroy(subject);
    subject = NULL;
    return broken != NULL ? broken : source_left_over();
}

static uint64_t word_at(uint64_t seed, size_t i)
{
    return (seed + i) * 0x9e3779b97f4a7c15u;
}

// Whole words are copied by what the compiler has built in: in a kernel, too, that is no call.
void block_fill(void *block, size_t bytes, uint64_t seed)
{
    unsigned char *at = block;
    const size_t words_end = bytes / sizeof(uint64_t) * sizeof(uint64_t);
    size_t i = 0;
    for (; i < words_end; i += sizeof(uint64_t)) { // a copy of known size, which needs no call
        uint64_t value = word_at(seed, i);
        memcpy(at + i, &value, sizeof(value));
    }
    uint64_t value = word_at(seed, i);
    memcpy(at + i, &value, bytes - i);
}

bool block_holds(const void *block, size_t bytes, uint64_t seed)
{
    const unsigned char *at = block;
    const size_t words_end = bytes / sizeof(uint64_t) * sizeof(uint64_t);
    size_t i = 0;
    for (; i < words_end; i += sizeof(uint64_t)) {
        uint64_t found;
        memcpy(&found, at + i, sizeof(found));
        if (found != word_at(seed, i)) {
            return false;
        }
    }
    uint64_t value = word_at(seed, i);
    return memcmp(at + i, &value, bytes - i) == 0;
}

bool block_is_zero(const void *block, size_t bytes)
{
    const unsigned char *at = block;
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

struct slab *slab_at(const void *block)
{
    return map_find_any(subject, (uintptr_t)block);
}

size_t alloc_many(void **blocks, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = acre_heap_alloc(subject, size);
        if (blocks[i] == NULL) {
            return i;
        }
    }
    return count;
}

void free_many(void **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        acre_heap_free(subject, blocks[i]);
    }
}

void *alloc_on(unsigned slot, size_t size)
{
    unsigned back = sim_slot();
    sim_move(slot);
    void *block = acre_heap_alloc(subject, size);
    sim_move(back);
    return block;
}

void free_on(unsigned slot, void *block)
{
    unsigned back = sim_slot();
    sim_move(slot);
    acre_heap_free(subject, block);
    sim_move(back);
}

uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)(random_next(state) >> 11) % bound;
}

void free_in_heap(void *block)
{
    acre_heap_free(subject, block);
}
