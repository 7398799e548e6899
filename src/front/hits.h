// hits.h - the hit paths of malloc and free: malloc itself, and a free for each binding of slots.
//
// hits.c has them in C, for any machine; hits_x86_64.S has the same by hand, because a compiler makes
// nine instructions more of each. The build takes one of the two files. The numbers below are where
// the assembler finds the fields; the compiler checks them.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRONT_HITS_H
#define ACRE_FRONT_HITS_H

#define HIT_SLAB_BASE     0
#define HIT_SLAB_INVERSE  8
#define HIT_SLAB_LIMIT    16
#define HIT_SLAB_OWNER    24
#define HIT_SLAB_HEAD     64
#define HIT_SLAB_DUE      72
#define HIT_HEAP_KEY      128
#define HIT_HEAP_MAP_MASK 136
#define HIT_HEAP_CLASS_OF 184
#define HIT_HEAP_TINY     1209
#define HIT_HEAP_BINS     3136
#define HIT_HEAP_MAP      134208
#define HIT_SMALL_MAX     16384
#define HIT_KEY_TOP_BYTE  0xa5
#define HIT_RSEQ_CS       8
#define HIT_RSEQ_MM_CID   24
#define HIT_THREAD_SLOT   0

#ifndef __ASSEMBLER__

#include "front/boot.h"
#include "heap/block.h"
#include "heap/layout.h"

#if defined(__x86_64__)
_Static_assert(HIT_SLAB_BASE == offsetof(struct slab, base), "HIT_SLAB_BASE");
_Static_assert(HIT_SLAB_INVERSE == offsetof(struct slab, inverse), "HIT_SLAB_INVERSE");
_Static_assert(HIT_SLAB_LIMIT == offsetof(struct slab, limit), "HIT_SLAB_LIMIT");
_Static_assert(HIT_SLAB_OWNER == offsetof(struct slab, owner), "HIT_SLAB_OWNER");
_Static_assert(HIT_SLAB_HEAD == offsetof(struct slab, hot.head), "HIT_SLAB_HEAD");
_Static_assert(HIT_SLAB_DUE == offsetof(struct slab, hot.due), "HIT_SLAB_DUE");
_Static_assert(HIT_HEAP_KEY == offsetof(acre_heap, key), "HIT_HEAP_KEY");
_Static_assert(HIT_HEAP_MAP_MASK == offsetof(acre_heap, map_mask), "HIT_HEAP_MAP_MASK");
_Static_assert(HIT_HEAP_CLASS_OF == offsetof(acre_heap, class_of), "HIT_HEAP_CLASS_OF");
_Static_assert(HIT_HEAP_TINY == offsetof(acre_heap, class_of_tiny), "HIT_HEAP_TINY");
_Static_assert(HIT_THREAD_SLOT == offsetof(struct acre_port_thread, slot), "HIT_THREAD_SLOT");
_Static_assert(HIT_HEAP_BINS == offsetof(acre_heap, bins), "HIT_HEAP_BINS");
_Static_assert(HIT_HEAP_MAP == offsetof(acre_heap, map), "HIT_HEAP_MAP");
_Static_assert(HIT_SMALL_MAX == SMALL_BYTES_MAX, "HIT_SMALL_MAX");
_Static_assert(HIT_KEY_TOP_BYTE == KEY_TOP_BYTE, "HIT_KEY_TOP_BYTE");
_Static_assert(ACRE_SLICE_LOG2 == 16 && GRANULE_LOG2 == 4, "shifts in hits_x86_64.S");
#endif

/// malloc, under a second name that tests can link without taking the process's malloc over: they
/// define HIT_NO_MALLOC.
ACRE_PORT_HIDDEN void *hit_malloc(size_t size);

ACRE_PORT_HIDDEN void hit_free_thread(void *block);
ACRE_PORT_HIDDEN void hit_free_rseq(void *block);

/// Sizes below it may be looked up in front_heap's class_of_tiny: TINY_BYTES_MAX + 1 in the rseq binding,
/// the other in the thread binding; else, and until front_heap is set, 0.
extern ACRE_PORT_HIDDEN size_t hit_tiny_end;
extern ACRE_PORT_HIDDEN size_t hit_tiny_end_thread;

/// What malloc does when it does not hit, and at the first call of all. Sets errno if there is no memory.
ACRE_PORT_HIDDEN void *hit_miss_malloc(size_t size);

#endif
#endif
