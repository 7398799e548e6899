// pool_test.c - pools: what acre/pool.h promises, in memory of the caller, over a page source and over
// a heap.
// SPDX-License-Identifier: MIT
#include "acre/pool.h"

#include <string.h>

#include "acre/heap_pages.h"
#include "fixture.h"
#include "pools/pool.h"
#include "pools/stride.h"

static _Alignas(64) unsigned char memory[4096];
static acre_pool pool;

static bool make(size_t bytes, size_t block_bytes, size_t count, unsigned flags)
{
    memset(memory, 0xa5, sizeof(memory));
    acre_pool_options options = {.block_bytes = block_bytes, .count = count, .flags = flags};
    return acre_pool_init(&pool, memory, bytes, &options) == ACRE_OK;
}

static void put_in_pool(void *block)
{
    acre_pool_put(&pool, block);
}

static void get_from_pool(void *block)
{
    *(void **)block = acre_pool_get(&pool);
}

static bool dies(void (*act)(void *), void *context, const char *what)
{
    struct sim_end end = sim_catch(act, context);
    return end.how == SIM_FATAL && strcmp(end.what, what) == 0;
}

static void a_stride_index_is_the_quotient_or_too_large(void)
{
    for (word bytes = 1; bytes < 300; bytes++) {
        unsigned twos;
        word inverse = stride_inverse(bytes, &twos);
        const word count = 70;
        for (word offset = 0; offset < count * bytes; offset++) {
            word index = stride_index(offset, inverse, twos);
            T_EXPECT(offset % bytes == 0 ? index == offset / bytes : index >= count);
        }
        T_EXPECT(stride_index((word)0 - bytes, inverse, twos) >= count);
        T_EXPECT(stride_quotient(12345, bytes) == 12345 / bytes);
        T_EXPECT(stride_quotient(SIZE_MAX - 5, bytes) == (SIZE_MAX - 5) / bytes);
    }
}

static void a_pool_fills_its_memory_and_not_a_block_more(void)
{
    for (unsigned keep = 0; keep < 2; keep++) {
        for (size_t block_bytes = 1; block_bytes < 200; block_bytes += 7) {
            T_EXPECT(make(4000, block_bytes, 0, keep != 0 ? ACRE_POOL_KEEP : 0));
            size_t each = pool.stride_bytes + 4 * keep;
            size_t words = (pool.count + 31) / 32;
            T_EXPECT(pool.count * each + 4 * words <= 4000);
            T_EXPECT((pool.count + 1) * each + (pool.count + 32) / 32 * 4 > 4000);
            size_t got = 0;
            unsigned char *last = NULL;
            for (unsigned char *at; (at = acre_pool_get(&pool)) != NULL; got++) {
                T_EXPECT(at >= memory && at + block_bytes <= memory + 4000);
                T_EXPECT(((uintptr_t)at & (sizeof(void *) - 1)) == 0);
                T_EXPECT(last == NULL || at == last + pool.stride_bytes);
                memset(at, 0xff, block_bytes);
                last = at;
            }
            T_EXPECT(got == pool.count);
            T_EXPECT(memory[4000] == 0xa5);
            T_EXPECT_SOUND(acre_pool_audit(&pool));
        }
    }
}

static void what_does_not_fit_or_makes_no_sense_is_refused(void)
{
    acre_pool before = pool;
    acre_pool_options options = {.block_bytes = 64, .count = 64};
    T_EXPECT(
        acre_pool_init(&pool, memory, 64 * 64, &options) == ACRE_NO_MEMORY); // no room for bits
    options.count = 63;
    T_EXPECT(acre_pool_init(&pool, memory, 63, &options) == ACRE_NO_MEMORY);
    T_EXPECT(acre_pool_init(&pool, NULL, 4096, &options) == ACRE_BAD_ARGUMENT);
    options.block_bytes = 0;
    T_EXPECT(acre_pool_init(&pool, memory, 4096, &options) == ACRE_BAD_ARGUMENT);
    for (size_t k = 0; k < 40; k++) { // sizes that wrap when they are rounded or multiplied
        options = (acre_pool_options){.block_bytes = SIZE_MAX - k};
        T_EXPECT(acre_pool_init(&pool, memory, 4096, &options) == ACRE_BAD_ARGUMENT);
        options.count = 3;
        T_EXPECT(acre_pool_open(&pool, &sim.pages, &options) == ACRE_BAD_ARGUMENT);
        options = (acre_pool_options){.block_bytes = PTRDIFF_MAX / 64 - k, .count = 200 + k};
        T_EXPECT(acre_pool_open(&pool, &sim.pages, &options) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_pool_init(&pool, memory, 4096, &options) == ACRE_NO_MEMORY);
    }
    options = (acre_pool_options){.block_bytes = 8, .align = 24};
    T_EXPECT(acre_pool_init(&pool, memory, 4096, &options) == ACRE_BAD_ARGUMENT);
    options = (acre_pool_options){.block_bytes = 8, .align = 3};
    T_EXPECT(acre_pool_init(&pool, memory, 4096, &options) == ACRE_BAD_ARGUMENT);
    options = (acre_pool_options){.block_bytes = 8, .flags = 1u << 7};
    T_EXPECT(acre_pool_init(&pool, memory, 4096, &options) == ACRE_BAD_ARGUMENT);
    options = (acre_pool_options){.block_bytes = 8};
    T_EXPECT(acre_pool_open(&pool, &sim.pages, &options) == ACRE_BAD_ARGUMENT);
    options.count = (size_t)INT32_MAX + 1;
    T_EXPECT(acre_pool_init(&pool, memory, 4096, &options) == ACRE_BAD_ARGUMENT);
    T_EXPECT(memcmp(&before, &pool, sizeof(pool)) == 0);
}

static void blocks_are_aligned_as_asked_wherever_the_memory_starts(void)
{
    for (size_t skip = 0; skip < 70; skip++) {
        acre_pool_options options = {.block_bytes = 20, .align = 64};
        T_EXPECT(acre_pool_init(&pool, memory + skip, 1000, &options) == ACRE_OK);
        for (unsigned char *at; (at = acre_pool_get(&pool)) != NULL;) {
            T_EXPECT(((uintptr_t)at & 63) == 0);
            T_EXPECT(at >= memory + skip && at + 64 <= memory + skip + 1000);
        }
        T_EXPECT(pool.count >= 13);
    }
}

static void misuse_is_found_in_plain_and_in_shared_pools(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_KEEP, ACRE_POOL_SHARED};
    for (size_t i = 0; i < 3; i++) {
        T_EXPECT(make(1000, 24, 30, flags[i]));
        unsigned char *a = acre_pool_get(&pool);
        unsigned char *b = acre_pool_get(&pool);
        T_EXPECT(acre_pool_fault(&pool, a) == NULL);
        for (size_t inside = 1; inside < 24; inside++) {
            T_EXPECT(acre_pool_fault(&pool, a + inside) != NULL);
            T_EXPECT(dies(put_in_pool, a + inside, "invalid free"));
        }
        T_EXPECT(dies(put_in_pool, a - 24, "invalid free"));
        T_EXPECT(dies(put_in_pool, memory + 30 * 24, "invalid free"));
        T_EXPECT(dies(put_in_pool, &a, "invalid free"));
        T_EXPECT(acre_pool_fault(&pool, NULL) != NULL);
        acre_pool_put(&pool, a);
        T_EXPECT(dies(put_in_pool, a, "double free"));
        acre_pool_put(&pool, b);
        T_EXPECT(dies(put_in_pool, a, "double free")); // not only the newest
        T_EXPECT(acre_pool_fault(&pool, a) != NULL);
        acre_pool_put(&pool, NULL);
        T_EXPECT_SOUND(acre_pool_audit(&pool));
    }
    T_EXPECT(make(1000, 24, 30, 0));
    T_EXPECT(dies(put_in_pool, memory + 24, "invalid free")); // never handed out
}

static void a_damaged_link_never_leads_to_a_live_block(void)
{
    T_EXPECT(make(1000, 24, 30, 0));
    uint32_t *a = acre_pool_get(&pool);
    uint32_t *b = acre_pool_get(&pool);
    uint32_t *live = acre_pool_get(&pool);
    acre_pool_put(&pool, b);
    acre_pool_put(&pool, a);
    *a = UINT32_MAX;
    void *got;
    T_EXPECT(dies(get_from_pool, &got, "corrupted free block"));
    // Even one that is forged: `a` leads to `live`, whose link would do.
    pool_set_next(
        &pool, (uint32_t)acre_pool_index(&pool, a) + 1, (uint32_t)acre_pool_index(&pool, live) + 1);
    pool_set_next(&pool, (uint32_t)acre_pool_index(&pool, live) + 1, 0);
    T_EXPECT(acre_pool_audit(&pool) != NULL);
    T_EXPECT(
        acre_pool_get(&pool) == a); // what it leads to is looked at when it would be handed out
    T_EXPECT(dies(get_from_pool, &got, "corrupted free block"));
    T_EXPECT(make(1000, 24, 30, ACRE_POOL_KEEP));
    a = acre_pool_get(&pool);
    acre_pool_put(&pool, a);
    memset(a, 0xff, 24);
    T_EXPECT(acre_pool_get(&pool) == a); // links beside the blocks cannot be hit
    T_EXPECT(*a == UINT32_MAX);
}

static bool count_and_put(void *context, void *block)
{
    *(size_t *)context += 1;
    acre_pool_put(&pool, block);
    return true;
}

static bool stop_at_once(void *context, void *block)
{
    *(void **)context = block;
    return false;
}

static void a_small_number_or_a_copy_in_a_link_is_reported(void)
{
    // What programs write to freed blocks: counters, indices, flags, texts, and whole objects.
    static const uint32_t written[] = {0, 1, 2, 3, 4, 29, 30, 31, 0x7fffffff, 0x64636261, 65536};
    static const unsigned flags[] = {0, ACRE_POOL_KEEP};
    for (size_t i = 0; i < 2; i++) {
        for (size_t at = 0; at < sizeof(written) / sizeof(written[0]); at++) {
            T_EXPECT(make(1000, 24, 30, flags[i]));
            unsigned char *blocks[3];
            for (size_t k = 0; k < 3; k++) {
                blocks[k] = acre_pool_get(&pool);
            }
            for (size_t k = 0; k < 3; k++) {
                acre_pool_put(&pool, blocks[k]);
            }
            void *link = pool.links + 2 * pool.link_stride_bytes;
            memcpy(link, &written[at], sizeof(written[at]));
            T_EXPECT(acre_pool_audit(&pool) != NULL);
            T_EXPECT(dies(get_from_pool, &(void *){NULL}, "corrupted free block"));
            // A free block that another free one was copied over.
            memcpy(link, pool.links + pool.link_stride_bytes, 4);
            T_EXPECT(acre_pool_audit(&pool) != NULL);
            T_EXPECT(dies(get_from_pool, &(void *){NULL}, "corrupted free block"));
        }
    }
}

static void a_walk_visits_live_blocks_and_may_put_them_back(void)
{
    static const unsigned flags[] = {0, ACRE_POOL_SHARED};
    for (size_t i = 0; i < 2; i++) {
        T_EXPECT(make(4096, 16, 70, flags[i]));
        void *blocks[70];
        for (size_t k = 0; k < 70; k++) {
            blocks[k] = acre_pool_get(&pool);
            T_EXPECT(blocks[k] != NULL && acre_pool_at(&pool, k) == blocks[k]);
        }
        T_EXPECT(acre_pool_get(&pool) == NULL && acre_pool_at(&pool, 70) == NULL);
        for (size_t k = 0; k < 70; k += 2) {
            acre_pool_put(&pool, blocks[k]);
        }
        acre_pool_stats stats;
        acre_pool_get_stats(&pool, &stats);
        T_EXPECT(stats.live_count == 35 && stats.count == 70 && stats.failed_count == 1);
        T_EXPECT(stats.live_peak == (i == 0 ? 70u : 0u));
        void *first;
        T_EXPECT(!acre_pool_walk(&pool, stop_at_once, &first) && first == blocks[1]);
        size_t visited = 0;
        T_EXPECT(acre_pool_walk(&pool, count_and_put, &visited) && visited == 35);
        acre_pool_get_stats(&pool, &stats);
        T_EXPECT(stats.live_count == 0);
        acre_pool_reset(&pool);
        T_EXPECT(acre_pool_get(&pool) == blocks[0]);
    }
}

static void memory_is_committed_as_it_is_needed_and_given_back(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_pool_options options = {.block_bytes = 100, .align = 4, .count = 1000};
    T_EXPECT(acre_pool_open(&pool, &sim.pages, &options) == ACRE_OK);
    T_EXPECT(sim.committed_bytes == 4096); // the bits
    static void *blocks[1000];
    for (size_t i = 0; i < 1000; i++) {
        blocks[i] = acre_pool_get(&pool);
        T_EXPECT(blocks[i] != NULL && block_is_zero(blocks[i], 100));
        T_EXPECT(sim.committed_bytes == 4096 + ((i + 1) * 100 + 4095) / 4096 * 4096);
        memset(blocks[i], 1, 100);
    }
    T_EXPECT(acre_pool_get(&pool) == NULL);
    size_t full = sim.committed_bytes;
    for (size_t i = 100; i < 1000; i++) {
        acre_pool_put(&pool, blocks[i]);
    }
    acre_pool_put(&pool, blocks[7]);
    T_EXPECT(acre_pool_trim(&pool) == full - 4096 - 12288);
    T_EXPECT(sim.committed_bytes == 4096 + 12288);
    T_EXPECT_SOUND(acre_pool_audit(&pool));
    T_EXPECT(acre_pool_trim(&pool) == 0);
    T_EXPECT(acre_pool_get_zeroed(&pool) == blocks[7] && block_is_zero(blocks[7], 100));
    T_EXPECT(acre_pool_get(&pool) == blocks[100]);
    T_EXPECT(acre_pool_close(&pool) == ACRE_OK);
    T_EXPECT(sim.reserved_bytes == 0 && sim.committed_bytes == 0);
}

static void a_pool_can_live_in_a_heap(void)
{
    heap_open();
    acre_heap_pages source;
    acre_heap_pages_init(&source, subject);
    acre_pool_options options = {.block_bytes = 48, .align = 16, .count = 100};
    T_EXPECT(acre_pool_open(&pool, &source.pages, &options) == ACRE_OK);
    T_EXPECT(acre_heap_usable_size(subject, pool.base) >= 4800);
    for (size_t i = 0; i < 100; i++) {
        void *block = acre_pool_get(&pool);
        T_EXPECT(block != NULL && block_is_zero(block, 48));
    }
    acre_pool_put(&pool, acre_pool_at(&pool, 99));
    T_EXPECT(acre_pool_trim(&pool) == 0); // a heap keeps it
    T_EXPECT_SOUND(acre_pool_audit(&pool));
    T_EXPECT(acre_pool_close(&pool) == ACRE_OK);
    acre_heap_stats stats;
    acre_heap_get_stats(subject, &stats);
    T_EXPECT(stats.live_blocks == 0);
    T_EXPECT_SOUND(heap_close());
}

struct message {
    uint64_t id;
    char text[20];
};
ACRE_POOL_DEFINE(message, struct message, 5)

static void a_typed_pool_needs_no_sizes(void)
{
    T_EXPECT(message_init() == ACRE_OK);
    struct message *kept[5];
    for (size_t i = 0; i < 5; i++) {
        kept[i] = message_get();
        T_EXPECT(kept[i] != NULL && ((uintptr_t)kept[i] & (_Alignof(struct message) - 1)) == 0);
    }
    T_EXPECT(message_get() == NULL && message_pool.count == 5);
    message_put(kept[3]);
    T_EXPECT(message_get() == kept[3]);
}

T_MAIN(
    T_CASE(a_stride_index_is_the_quotient_or_too_large),
    T_CASE(a_pool_fills_its_memory_and_not_a_block_more),
    T_CASE(what_does_not_fit_or_makes_no_sense_is_refused),
    T_CASE(blocks_are_aligned_as_asked_wherever_the_memory_starts),
    T_CASE(misuse_is_found_in_plain_and_in_shared_pools),
    T_CASE(a_damaged_link_never_leads_to_a_live_block),
    T_CASE(a_small_number_or_a_copy_in_a_link_is_reported),
    T_CASE(a_walk_visits_live_blocks_and_may_put_them_back),
    T_CASE(memory_is_committed_as_it_is_needed_and_given_back), T_CASE(a_pool_can_live_in_a_heap),
    T_CASE(a_typed_pool_needs_no_sizes))
