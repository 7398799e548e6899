// hits.h - the hit paths of malloc and free, one pair for each binding of slots.
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
#define HIT_SLAB_PEEK     24
#define HIT_SLAB_OWNER    32
#define HIT_SLAB_HEAD     64
#define HIT_SLAB_DUE      72
#define HIT_HEAP_KEY      128
#define HIT_HEAP_MAP_MASK 136
#define HIT_HEAP_CLASS_OF 192
#define HIT_HEAP_BINS     2048
#define HIT_HEAP_MAP      133120
#define HIT_SMALL_MAX     16384
#define HIT_KEY_TOP_BYTE  0xa5
#define HIT_RSEQ_CS       8
#define HIT_RSEQ_MM_CID   24

#ifndef __ASSEMBLER__

#include "front/boot.h"
#include "heap/block.h"
#include "heap/layout.h"

#if defined(__x86_64__)
_Static_assert(HIT_SLAB_BASE == offsetof(struct slab, base), "HIT_SLAB_BASE");
_Static_assert(HIT_SLAB_INVERSE == offsetof(struct slab, inverse), "HIT_SLAB_INVERSE");
_Static_assert(HIT_SLAB_LIMIT == offsetof(struct slab, limit), "HIT_SLAB_LIMIT");
_Static_assert(HIT_SLAB_PEEK == offsetof(struct slab, peek), "HIT_SLAB_PEEK");
_Static_assert(HIT_SLAB_OWNER == offsetof(struct slab, owner), "HIT_SLAB_OWNER");
_Static_assert(HIT_SLAB_HEAD == offsetof(struct slab, hot.head), "HIT_SLAB_HEAD");
_Static_assert(HIT_SLAB_DUE == offsetof(struct slab, hot.due), "HIT_SLAB_DUE");
_Static_assert(HIT_HEAP_KEY == offsetof(acre_heap, key), "HIT_HEAP_KEY");
_Static_assert(HIT_HEAP_MAP_MASK == offsetof(acre_heap, map_mask), "HIT_HEAP_MAP_MASK");
_Static_assert(HIT_HEAP_CLASS_OF == offsetof(acre_heap, class_of), "HIT_HEAP_CLASS_OF");
_Static_assert(HIT_HEAP_BINS == offsetof(acre_heap, bins), "HIT_HEAP_BINS");
_Static_assert(HIT_HEAP_MAP == offsetof(acre_heap, map), "HIT_HEAP_MAP");
_Static_assert(HIT_SMALL_MAX == SMALL_BYTES_MAX, "HIT_SMALL_MAX");
_Static_assert(HIT_KEY_TOP_BYTE == KEY_TOP_BYTE, "HIT_KEY_TOP_BYTE");
_Static_assert(ACRE_SLICE_LOG2 == 16 && GRANULE_LOG2 == 4, "shifts in hits_x86_64.S");
#endif

ACRE_PORT_HIDDEN void *hit_malloc_thread(size_t size);
ACRE_PORT_HIDDEN void hit_free_thread(void *block);
ACRE_PORT_HIDDEN void *hit_malloc_rseq(size_t size);
ACRE_PORT_HIDDEN void hit_free_rseq(void *block);

/// What a hit path that does not hit calls for malloc: sets errno if there is no memory.
ACRE_PORT_HIDDEN void *hit_miss_malloc(size_t size);

#endif
#endif
