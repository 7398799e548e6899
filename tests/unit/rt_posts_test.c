// rt_posts_test.c - blocks that other threads post to an rt heap. The one part of its tests that needs threads.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "acre/rt.h"
#include "t.h"

enum { RANGE_BYTES = 1600, GRANULE_BYTES = 16 };

static _Alignas(16) unsigned char memory[RANGE_BYTES];
static acre_rt *rt;

enum { POSTERS = 3, POSTS = 4000 };

static unsigned posters_done;

static void *post_many(void *context)
{
    void *(*blocks)[16] = context;
    for (unsigned i = 0; i < POSTS; i++) {
        void **at = &(*blocks)[i % 16];
        void *block = __atomic_exchange_n(at, NULL, __ATOMIC_ACQUIRE);
        while (block != NULL && acre_rt_post_free(rt, block) != ACRE_OK) {
        }
    }
    (void)__atomic_fetch_add(&posters_done, 1, __ATOMIC_RELEASE);
    return NULL;
}

// Posts from several threads at once, while this one allocates and frees. The simulator's port has
// atomics, as an operating system's has.
static void posts_may_come_from_anywhere(void)
{
    static void *blocks[POSTERS][16];
    pthread_t threads[POSTERS];
    static _Alignas(8) unsigned char meta[4096];
    const acre_rt_options options = {
        .engine = ACRE_RT_QUICK, .granule_bytes = GRANULE_BYTES, .post_count = 8};
    T_EXPECT(
        acre_rt_init_split(meta, sizeof(meta), memory, sizeof(memory), &options, &rt) == ACRE_OK);
    for (unsigned i = 0; i < POSTERS; i++) {
        T_EXPECT(pthread_create(&threads[i], NULL, post_many, &blocks[i]) == 0);
    }
    for (unsigned i = 0; __atomic_load_n(&posters_done, __ATOMIC_ACQUIRE) != POSTERS; i++) {
        void **at = &blocks[i % POSTERS][i / POSTERS % 16];
        if (__atomic_load_n(at, __ATOMIC_RELAXED) == NULL) {
            void *block = acre_rt_alloc(rt, 16); // which frees two posted ones
            if (block != NULL) {
                __atomic_store_n(at, block, __ATOMIC_RELEASE);
            }
        }
    }
    for (unsigned i = 0; i < POSTERS; i++) {
        T_EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    (void)acre_rt_drain(rt);
    for (unsigned i = 0; i < POSTERS * 16; i++) {
        T_EXPECT(acre_rt_free(rt, blocks[i / 16][i % 16]) == ACRE_OK);
    }
    acre_rt_stats stats;
    acre_rt_get_stats(rt, &stats);
    T_EXPECT(stats.live_blocks == 0 && stats.faults == 0);
    T_EXPECT_SOUND(acre_rt_check(rt, 3));
}

T_MAIN(T_CASE(posts_may_come_from_anywhere))
