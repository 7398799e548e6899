// rt_post.c - blocks that interrupts hand over to be freed later: a ring of addresses.
//
//     tail: freed next            head: posted next
//        v                           v
//     [ A | B | (claimed, still 0) | . | . ]
//
// A post claims the place at `head` by a compare-and-swap and then stores the address there. A place
// that is claimed and still 0 ends what can be taken: the post was interrupted by the taker, or runs on
// another processor, and the block is taken another time. Where the port has no atomics the claim is a
// plain load and store, which is why interrupts that post must not interrupt each other there.
// SPDX-License-Identifier: MIT
#include "base/atomics.h"
#include "pools/rt_special.h"

acre_status acre_rt_post_free(acre_rt *rt, void *block)
{
    struct rt_posts *posts = rt->posts;
    if (posts == NULL || position_of(rt, block) == 0) {
        return ACRE_BAD_ARGUMENT;
    }
    uint32_t head = load_relaxed(&posts->head);
    do {
        // Acquire: pairs with store_release in post_take. The place is empty before it is used again.
        if (head - load_acquire(&posts->tail) > posts->mask) {
            return ACRE_NO_MEMORY;
        }
    } while (!cas_release(&posts->head, &head, head + 1));
    // Release: pairs with load_acquire in post_take. What was done to the block comes before its free.
    store_release(&posts->place[head & posts->mask], (uintptr_t)block);
    return ACRE_OK;
}

void *post_take(struct rt_posts *posts)
{
    uint32_t tail = load_relaxed(&posts->tail);
    uintptr_t *place = &posts->place[tail & posts->mask];
    uintptr_t block = load_acquire(place); // pairs with store_release in acre_rt_post_free
    if (block != 0) {
        store_relaxed(place, 0);
        store_release(&posts->tail, tail + 1); // pairs with load_acquire in acre_rt_post_free
    }
    return (void *)block;
}

uint32_t post_waiting(const struct rt_posts *posts)
{
    return load_relaxed(&posts->head) - load_relaxed(&posts->tail);
}
