// hits.c - see hits.h: the hit paths in C.
// SPDX-License-Identifier: MIT
#include "front/hits.h"

#include "front/front.h"
#include "heap/hit.h"

static inline __attribute__((always_inline)) void *hit(size_t size, hit_pop *pop)
{
    acre_heap *heap = load_relaxed(&front_heap);
    if (unlikely(heap == NULL || size > SMALL_BYTES_MAX)) {
        return hit_miss_malloc(size);
    }
    void *block = hit_take(heap, hit_class(heap, size), pop);
    return likely(block != NULL) ? block : hit_miss_malloc(size);
}

void *hit_malloc(size_t size)
{
    return acre_port_is_rseq() ? hit(size, rseq_pop) : hit(size, thread_pop);
}

#ifndef HIT_NO_MALLOC
void *malloc(size_t size)
{
    return acre_port_is_rseq() ? hit(size, rseq_pop) : hit(size, thread_pop);
}
#endif

void hit_free_thread(void *block)
{
    hit_free(front_heap, block, thread_push);
}

void hit_free_rseq(void *block)
{
    hit_free(front_heap, block, rseq_push);
}
