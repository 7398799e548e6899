// rt_special_test.c - rt heaps with hooks, posts and check levels, and groups of them.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "acre/rt.h"
#include "t.h"

enum { RANGE_BYTES = 1600, GRANULE_BYTES = 16 };

static _Alignas(16) unsigned char memory[2][8192];
static acre_rt *rt;

/// What the hooks saw.
static struct {
    int depth; // of the lock
    int locks;
    int faults;
    acre_rt_kind kind;
    const void *fault;
    int no_memory;
    void *spare; // freed when there is no memory
    int events[3];
    size_t bytes;
    bool called_under_lock;
} saw;

static uintptr_t lock(void *context)
{
    (void)context;
    saw.depth += 1;
    saw.locks += 1;
    return 42;
}

static void unlock(void *context, uintptr_t key)
{
    (void)context;
    saw.depth -= key == 42 ? 1 : 100;
}

static bool on_no_memory(void *context, acre_rt *of, size_t bytes)
{
    (void)context;
    saw.called_under_lock = saw.called_under_lock || saw.depth != 0;
    saw.no_memory += 1;
    saw.bytes = bytes;
    void *spare = saw.spare;
    saw.spare = NULL;
    return spare != NULL && acre_rt_free(of, spare) == ACRE_OK;
}

static void on_fault(void *context, acre_rt *of, const void *block, acre_rt_kind kind)
{
    (void)context;
    (void)of;
    saw.called_under_lock = saw.called_under_lock || saw.depth != 0;
    saw.faults += 1;
    saw.fault = block;
    saw.kind = kind;
}

static void trace(void *context, acre_rt_event event, void *block, size_t bytes)
{
    (void)context;
    (void)block;
    (void)bytes;
    saw.called_under_lock = saw.called_under_lock || saw.depth != 0;
    saw.events[event] += 1;
}

static const acre_rt_hooks hooks = {
    .lock = lock,
    .unlock = unlock,
    .on_no_memory = on_no_memory,
    .on_fault = on_fault,
    .trace = trace};

static bool open_with(acre_rt_engine engine, unsigned check_level, uint32_t posts)
{
    static _Alignas(8) unsigned char meta[4096];
    const acre_rt_options options = {
        .engine = engine,
        .granule_bytes = GRANULE_BYTES,
        .check_level = check_level,
        .post_count = posts,
        .hooks = &hooks,
    };
    memset(&saw, 0, sizeof(saw));
    return acre_rt_init_split(meta, sizeof(meta), memory[0], RANGE_BYTES, &options, &rt) == ACRE_OK;
}

static void hooks_are_called_and_never_under_the_lock(void)
{
    T_EXPECT(open_with(ACRE_RT_EXACT, 0, 0));
    void *block = acre_rt_alloc(rt, 100);
    T_EXPECT(block != NULL && acre_rt_resize(rt, block, 300) == ACRE_OK);
    T_EXPECT(acre_rt_free(rt, block) == ACRE_OK);
    T_EXPECT(saw.events[ACRE_RT_DID_ALLOC] == 1 && saw.events[ACRE_RT_DID_RESIZE] == 1);
    T_EXPECT(saw.events[ACRE_RT_DID_FREE] == 1 && saw.locks == 3 && saw.depth == 0);
    T_EXPECT(acre_rt_free(rt, block) == ACRE_BAD_ARGUMENT);
    T_EXPECT(saw.faults == 1 && saw.fault == block && saw.kind == ACRE_RT_FREE);
    T_EXPECT(acre_rt_free(rt, &saw) == ACRE_BAD_ARGUMENT && saw.kind == ACRE_RT_FOREIGN);
    void *at = acre_rt_alloc_at(rt, memory[0] + 160, 32);
    T_EXPECT(at == memory[0] + 160 && acre_rt_alloc_at(rt, at, 32) == NULL);
    T_EXPECT(acre_rt_resize(rt, memory[0] + 176, 8) == ACRE_BAD_ARGUMENT);
    T_EXPECT(saw.kind == ACRE_RT_INTERIOR && saw.depth == 0 && !saw.called_under_lock);
}

static void no_memory_may_be_mended_once(void)
{
    T_EXPECT(open_with(ACRE_RT_EXACT, 0, 0));
    saw.spare = acre_rt_alloc(rt, 800);
    void *kept = acre_rt_alloc(rt, 800);
    T_EXPECT(saw.spare != NULL && kept != NULL);
    T_EXPECT(acre_rt_alloc(rt, 700) == memory[0] && saw.no_memory == 1 && saw.bytes == 700);
    T_EXPECT(acre_rt_alloc(rt, 700) == NULL && saw.no_memory == 2); // nothing was freed
    saw.spare = kept;
    T_EXPECT(acre_rt_alloc(rt, 1600) == NULL && saw.no_memory == 3); // not enough was freed
    T_EXPECT(saw.depth == 0 && !saw.called_under_lock);
}

static void guards_find_what_is_written_behind_a_block(void)
{
    for (unsigned engine = 0; engine < 2; engine++) {
        T_EXPECT(open_with((acre_rt_engine)engine, ACRE_RT_CHECK_GUARD, 0));
        unsigned char *block = acre_rt_alloc(rt, 32);
        T_EXPECT(block == memory[0] && acre_rt_size(rt, block) == 32);
        volatile size_t huge = SIZE_MAX; // compilers know that this is wrong
        memset(block, 1, 32);
        T_EXPECT(acre_rt_resize(rt, block, 64) == ACRE_OK && acre_rt_size(rt, block) == 64);
        T_EXPECT_SOUND(acre_rt_check(rt, 3));
        unsigned char was = memory[0][64];
        memory[0][64] ^= 1;
        T_EXPECT(acre_rt_check(rt, 2) == NULL && acre_rt_check(rt, 3) != NULL);
        T_EXPECT(acre_rt_free(rt, block) == ACRE_BAD_ARGUMENT && saw.kind == ACRE_RT_OVERRUN);
        T_EXPECT(acre_rt_resize(rt, block, 32) == ACRE_BAD_ARGUMENT && acre_rt_owns(rt, block));
        memory[0][64] = was;
        memset(memory[0], 1, 64);
        T_EXPECT(acre_rt_free(rt, block) == ACRE_OK);
        T_EXPECT(memory[0][40] == 0xdd); // filled; QUICK's links are at the start and at the end
        T_EXPECT(acre_rt_alloc(rt, huge) == NULL && acre_rt_alloc(rt, huge - 15) == NULL);
        T_EXPECT(
            acre_rt_alloc(rt, 0) == NULL && acre_rt_largest(rt) == RANGE_BYTES - GRANULE_BYTES);
    }
}

static void no_way_to_resize_hides_an_overrun(void)
{
    acre_rt *other;
    acre_rt_options options = {.engine = ACRE_RT_EXACT, .granule_bytes = GRANULE_BYTES};
    T_EXPECT(open_with(ACRE_RT_EXACT, ACRE_RT_CHECK_GUARD, 0));
    T_EXPECT(acre_rt_init(memory[1], 4000, &options, &other) == ACRE_OK);
    const acre_rt_member members[] = {{rt, 0}, {other, 0}};
    acre_rt_group group = {.members = members, .count = 2};
    (void)!acre_rt_alloc(rt, 16);
    unsigned char *block = acre_rt_alloc(rt, 32);
    void *behind = acre_rt_alloc(rt, 16);
    T_EXPECT(block == memory[0] + 32 && behind != NULL);
    acre_rt_stats before;
    acre_rt_stats after;
    acre_rt_stats others;
    acre_rt_get_stats(rt, &before);
    block[32] ^= 1;
    // It would have to move: to an alignment, for lack of room, and out of its member.
    T_EXPECT(acre_rt_realloc_aligned(rt, block, 256, 64) == NULL);
    T_EXPECT(saw.faults == 1 && saw.kind == ACRE_RT_OVERRUN && saw.fault == block);
    T_EXPECT(acre_rt_realloc(rt, block, 64) == NULL && saw.faults == 2);
    T_EXPECT(acre_rt_group_realloc(&group, 0, block, 64) == NULL && saw.faults == 3);
    T_EXPECT(acre_rt_group_realloc(&group, 0, block, 2000) == NULL && saw.faults == 4);
    T_EXPECT(saw.kind == ACRE_RT_OVERRUN && acre_rt_owns(rt, block));
    acre_rt_get_stats(rt, &after);
    acre_rt_get_stats(other, &others);
    T_EXPECT(after.live_blocks == before.live_blocks && after.live_bytes == before.live_bytes);
    T_EXPECT(others.live_blocks == 0);
    // A block that is not live is told of wherever it would have to go.
    T_EXPECT(acre_rt_realloc_aligned(rt, block + 16, 256, 64) == NULL);
    T_EXPECT(saw.faults == 5 && saw.kind == ACRE_RT_INTERIOR);
    T_EXPECT(acre_rt_group_realloc(&group, 0, block + 16, 64) == NULL && saw.faults == 6);
    block[32] ^= 1;
    T_EXPECT(acre_rt_group_realloc(&group, 0, block, 2000) != NULL && !acre_rt_owns(rt, block));
    T_EXPECT(saw.faults == 6 && saw.depth == 0);
}

static void level_3_refuses_a_damaged_heap(void)
{
    T_EXPECT(open_with(ACRE_RT_QUICK, ACRE_RT_CHECK_ALL, 0));
    unsigned char *block = acre_rt_alloc(rt, 32);
    T_EXPECT(block != NULL && saw.faults == 0);
    memset(
        memory[0] + 48, 0xff,
        16); // over the guard: into the free block behind, where its links are
    T_EXPECT(acre_rt_alloc(rt, 16) == NULL && saw.kind == ACRE_RT_BROKEN);
    T_EXPECT(acre_rt_free(rt, block) == ACRE_BAD_ARGUMENT && saw.faults == 2 && saw.depth == 0);
}

static void posted_blocks_are_freed_by_later_calls(void)
{
    void *blocks[8];
    acre_rt_stats stats;
    T_EXPECT(open_with(ACRE_RT_EXACT, 0, 4));
    for (unsigned i = 0; i < 8; i++) {
        blocks[i] = acre_rt_alloc(rt, 190);
    }
    T_EXPECT(blocks[7] != NULL && acre_rt_alloc(rt, 200) == NULL);
    for (unsigned i = 0; i < 4; i++) {
        T_EXPECT(acre_rt_post_free(rt, blocks[i]) == ACRE_OK);
    }
    T_EXPECT(acre_rt_post_free(rt, blocks[4]) == ACRE_NO_MEMORY);
    T_EXPECT(acre_rt_post_free(rt, blocks) == ACRE_BAD_ARGUMENT);
    acre_rt_get_stats(rt, &stats);
    T_EXPECT(stats.posted_blocks == 4 && stats.live_blocks == 8);
    T_EXPECT(acre_rt_free(rt, NULL) == ACRE_OK); // frees two
    acre_rt_get_stats(rt, &stats);
    T_EXPECT(stats.posted_blocks == 2 && stats.live_blocks == 6);
    T_EXPECT(acre_rt_drain(rt) == 2 && acre_rt_drain(rt) == 0);
    // All that is posted is freed before a request is refused.
    for (unsigned i = 4; i < 8; i++) {
        T_EXPECT(acre_rt_post_free(rt, blocks[i]) == ACRE_OK);
    }
    T_EXPECT(acre_rt_alloc(rt, RANGE_BYTES) == memory[0]);
    // Posted twice: found when it is freed.
    T_EXPECT(acre_rt_post_free(rt, memory[0]) == ACRE_OK);
    T_EXPECT(acre_rt_post_free(rt, memory[0]) == ACRE_OK);
    T_EXPECT(acre_rt_drain(rt) == 1 && saw.kind == ACRE_RT_FREE);
}

enum { FAST = 1, DMA = 2 };

static void groups_choose_and_find_their_member(void)
{
    acre_rt *fast;
    acre_rt *slow;
    T_EXPECT(acre_rt_init(memory[0], 1000, NULL, &fast) == ACRE_OK);
    T_EXPECT(acre_rt_init(memory[1], 4000, NULL, &slow) == ACRE_OK);
    const acre_rt_member members[] = {{fast, FAST}, {slow, DMA}};
    acre_rt_group group = {.members = members, .count = 2};
    void *first = acre_rt_group_alloc(&group, 0, 100);
    void *dma = acre_rt_group_alloc(&group, DMA, 100);
    T_EXPECT(acre_rt_owns(fast, first) && acre_rt_owns(slow, dma));
    T_EXPECT(
        acre_rt_group_owner(&group, dma) == slow && acre_rt_group_owner(&group, &group) == NULL);
    T_EXPECT(acre_rt_group_alloc(&group, FAST | DMA, 16) == NULL);
    memset(first, 7, 100);
    unsigned char *moved = acre_rt_group_realloc(&group, 0, first, 2000);
    T_EXPECT(acre_rt_owns(slow, moved) && moved[99] == 7 && !acre_rt_owns(fast, first));
    T_EXPECT(
        acre_rt_group_realloc(&group, FAST, moved, 100000) == NULL && acre_rt_owns(slow, moved));
    void *aligned = acre_rt_group_aligned(&group, 0, 256, 100);
    T_EXPECT(aligned != NULL && ((uintptr_t)aligned & 255) == 0);
    T_EXPECT(acre_rt_group_aligned(&group, 0, 24, 100) == NULL);
    T_EXPECT(acre_rt_group_free(&group, aligned) == ACRE_OK);
    T_EXPECT(acre_rt_group_free(&group, aligned) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_rt_group_free(&group, &group) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_rt_group_free(&group, NULL) == ACRE_OK);
    // Large holes last longer: the small range is asked first although it comes last.
    const acre_rt_member turned[] = {{slow, DMA}, {fast, FAST}};
    group = (acre_rt_group){.members = turned, .count = 2, .smallest = true};
    T_EXPECT(acre_rt_owns(fast, acre_rt_group_alloc(&group, 0, 100)));
    T_EXPECT(acre_rt_owns(slow, acre_rt_group_alloc(&group, 0, 1000)));
    T_EXPECT(acre_rt_group_alloc(&group, 0, 100000) == NULL);
}

T_MAIN(
    T_CASE(hooks_are_called_and_never_under_the_lock), T_CASE(no_memory_may_be_mended_once),
    T_CASE(guards_find_what_is_written_behind_a_block), T_CASE(no_way_to_resize_hides_an_overrun),
    T_CASE(level_3_refuses_a_damaged_heap), T_CASE(posted_blocks_are_freed_by_later_calls),
    T_CASE(groups_choose_and_find_their_member))
