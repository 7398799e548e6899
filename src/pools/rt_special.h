// rt_special.h - what rt heaps with hooks, posts or check levels do around a call.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_RT_SPECIAL_H
#define ACRE_POOLS_RT_SPECIAL_H

#include "pools/rt_layout.h"

/// Whether a heap has hooks, posts or a check level.
static inline bool is_special(const acre_rt *rt)
{
    return (ACRE_RT_PARTS & RT_WITH_SPECIAL) != 0 && rt->special != 0;
}

/// Posted blocks that one call frees at most.
enum { RT_POSTS_PER_CALL = 2 };

/// A call under way: what was found wrong, to be told when the lock is dropped.
struct rt_call {
    uintptr_t key;     // what the hook `lock` returned
    const void *fault; // the block of the misuse
    acre_rt_kind kind; // ACRE_RT_LIVE: nothing was wrong
    size_t drained;    // posted blocks that were freed on entry
    bool broken;       // check level 3 found the heap damaged: the call must not go on
};

void special_enter(acre_rt *rt, struct rt_call *call);
void special_leave(acre_rt *rt, const struct rt_call *call);

/// acre_rt_alloc, or acre_rt_aligned if `align` is not 0.
void *special_alloc(acre_rt *rt, size_t bytes, size_t align);
void *special_alloc_at(acre_rt *rt, void *addr, size_t bytes);
acre_status special_free(acre_rt *rt, void *block);
acre_status special_resize(acre_rt *rt, void *block, size_t bytes);

/// Ends a move: copies what `block` of `rt` holds to `moved`, a new block of `to` or NULL, and frees `block`.
/// Returns `moved`; NULL, with only `block` live, if that could not be freed.
void *special_move(
    acre_rt *rt, void *block, size_t old_bytes, acre_rt *to, void *moved, size_t bytes);

/// Granules at the end of each block that are not the caller's: 1 from check level 2 on, else 0.
static inline uint32_t guard_granules(const acre_rt *rt)
{
    return is_special(rt) && rt->check_level >= ACRE_RT_CHECK_GUARD ? 1 : 0;
}

/// Whether the guard of a live block is unchanged. True for blocks without one.
bool guard_is_sound(const acre_rt *rt, uint32_t at, uint32_t count);

// ---- posts (rt_post.c) -----------------------------------------------------------------------------

/// Addresses of blocks that wait to be freed: a ring.
struct rt_posts {
    uint32_t mask;     // places less one
    uint32_t head;     // where the next post goes; posters
    uint32_t tail;     // where the next block to be freed is; under the lock
    uintptr_t place[]; // 0: empty, or claimed by a post that is not finished
};

/// The next posted block, or NULL.
void *post_take(struct rt_posts *posts);

/// Blocks that wait.
uint32_t post_waiting(const struct rt_posts *posts);

#endif
