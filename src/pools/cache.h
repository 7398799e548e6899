// cache.h - what the two files of the object cache share.
//
//     struct acre_cache | struct cache_chunk, one for each chunk |  chunk 0  |  chunk 1  | ...
//
//     chunk:  [ object 0 | object 1 | ... | object per-1 |  links  |  out  ]     chunk_log2
//                                                          pointer    word, for each object
//
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_CACHE_H
#define ACRE_POOLS_CACHE_H

#include "acre/cache.h"
#include "base/atomics.h"
#include "base/bits.h"
#include "pools/stride.h"

/// Where a chunk stands. Several threads may commit a chunk that is coming, each on its own: the first that
/// is done makes it present, so that none waits for another. A chunk that somebody still commits does
/// not leave; so nobody commits what another is giving back.
enum cache_chunk_state {
    CHUNK_ABSENT, // no memory
    CHUNK_COMING, // being committed
    CHUNK_PRESENT,
    CHUNK_LEAVING, // being decommitted; no object of it is anywhere
};

struct cache_chunk {
    uint32_t state;
    uint32_t bringers; // threads that are committing it
    uint32_t made;     // objects that were ever taken since it came: raw ones from here on
    uint32_t used;     // objects of it that are constructed
    void *raw;         // those that were taken and are raw again, linked
};

struct acre_cache {
    unsigned char *base; // of chunk 0
    size_t stride_bytes;
    word inverse;
    unsigned twos;
    unsigned chunk_log2;
    size_t span_bytes;    // of all chunks
    uint32_t per_chunk;   // objects in a chunk
    uint32_t chunk_count; // at most
    size_t links_offset;  // in a chunk
    size_t out_offset;
    struct cache_chunk *chunks;
    acre_cache_options options;
    acre_pages *pages;    // or NULL
    unsigned char *range; // what was reserved, the cache itself at its start
    size_t reserved_bytes;
    size_t head_bytes; // of the cache and its descriptors of chunks, committed from the start

    acre_port_lock lock; // guards all that follows, the chunks, and the links
    void *depot;         // constructed, free objects, linked
    uint32_t depot_count;
    uint32_t constructed_count; // raw objects that are taken count from that moment on
    uint32_t hint;              // no chunk before it has raw objects or is absent
    uint32_t present_count;
    size_t constructions;
    size_t destructions;
    size_t failed_count;
};

static inline unsigned char *cache_chunk_of(const acre_cache *cache, const void *object)
{
    size_t offset = (word)object - (word)cache->base;
    return cache->base + (offset >> cache->chunk_log2 << cache->chunk_log2);
}

/// The object's index in its chunk; at least per_chunk if no object starts there.
static inline word cache_index_of(const acre_cache *cache, const void *object)
{
    size_t offset = (word)object - (word)cache->base;
    word inside = offset & (((word)1 << cache->chunk_log2) - 1);
    return stride_index(inside, cache->inverse, cache->twos);
}

/// 1 while the caller has the object, else 0.
static inline uint32_t *cache_out_of(const acre_cache *cache, const void *object)
{
    unsigned char *out = cache_chunk_of(cache, object) + cache->out_offset;
    return (uint32_t *)(void *)out + cache_index_of(cache, object);
}

static inline void **cache_link_of(const acre_cache *cache, const void *object)
{
    unsigned char *links = cache_chunk_of(cache, object) + cache->links_offset;
    return (void **)(void *)links + cache_index_of(cache, object);
}

static inline struct cache_chunk *cache_descriptor_of(const acre_cache *cache, const void *object)
{
    size_t offset = (word)object - (word)cache->base;
    return &cache->chunks[offset >> cache->chunk_log2];
}

/// Takes a raw object; NULL if there is none and no memory for one. Takes the lock.
void *cache_take_raw(acre_cache *cache);

/// Gives it back. Takes the lock.
void cache_give_raw(acre_cache *cache, void *object);

#endif
