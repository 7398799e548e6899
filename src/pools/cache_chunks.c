// cache_chunks.c - the memory of an object cache: chunks that come and go, and raw objects in them. See
// acre/cache.h and pools/cache.h.
//
// The page source is called without the lock. A chunk that is being committed or decommitted is in a state
// of its own meanwhile, so that no other thread touches it.
// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "pools/cache.h"

enum { CHUNK_PAGES = 16, CHUNK_OBJECTS_MIN = 8, ALIGN_MAX = 4096 };

static const size_t count_max = INT32_MAX;

/// Bytes of an object with what stands beside it.
static size_t each_bytes(const acre_cache *cache)
{
    return cache->stride_bytes + sizeof(void *) + sizeof(uint32_t);
}

static acre_status cache_prepare(acre_cache *cache, const acre_cache_options *options)
{
    size_t align = options->align == 0 ? sizeof(void *) : options->align;
    // Whole pointers, so that links behind the objects are aligned.
    align = align < sizeof(void *) ? sizeof(void *) : align;
    size_t stride;
    if (options->object_bytes == 0 || (options->align & (options->align - 1)) != 0 ||
        align > ALIGN_MAX || options->count > count_max ||
        !align_up(options->object_bytes, align, &stride) || stride > PTRDIFF_MAX / 64) {
        return ACRE_BAD_ARGUMENT;
    }
    *cache = (acre_cache){.stride_bytes = stride, .options = *options};
    cache->inverse = stride_inverse(stride, &cache->twos);
    return ACRE_OK;
}

/// Sets how a chunk of `bytes` is divided.
static void divide_chunk(acre_cache *cache, size_t bytes)
{
    size_t fits = stride_quotient(bytes, each_bytes(cache));
    cache->per_chunk = (uint32_t)(fits > count_max ? count_max : fits);
    cache->links_offset = cache->per_chunk * cache->stride_bytes;
    cache->out_offset = cache->links_offset + cache->per_chunk * sizeof(void *);
}

acre_status acre_cache_init(
    void *memory, size_t bytes, const acre_cache_options *options, acre_cache **out)
{
    acre_cache made;
    if (memory == NULL || bytes > PTRDIFF_MAX || cache_prepare(&made, options) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t skip = (size_t)(0 - (word)memory) & (_Alignof(acre_cache) - 1);
    size_t head = skip + sizeof(acre_cache) + sizeof(struct cache_chunk);
    size_t align = options->align > sizeof(void *) ? options->align : sizeof(void *);
    head += (size_t)(0 - ((word)memory + head)) & (align - 1);
    if (head >= bytes) {
        return ACRE_NO_MEMORY;
    }
    divide_chunk(&made, bytes - head);
    if (made.per_chunk == 0 || made.per_chunk < options->count) {
        return ACRE_NO_MEMORY;
    }
    made.options.count = options->count == 0 ? made.per_chunk : options->count;
    made.base = (unsigned char *)memory + head;
    made.chunk_log2 = (unsigned)WORD_BITS - 1;
    made.span_bytes = made.links_offset;
    made.chunk_count = 1;
    made.present_count = 1;
    acre_cache *cache = (acre_cache *)(void *)((unsigned char *)memory + skip);
    made.chunks = (struct cache_chunk *)(void *)(cache + 1);
    made.chunks[0] = (struct cache_chunk){.state = CHUNK_PRESENT};
    __builtin_memset(made.base + made.out_offset, 0, made.per_chunk * sizeof(uint32_t));
    *cache = made;
    *out = cache;
    return ACRE_OK;
}

acre_status acre_cache_open(acre_pages *pages, const acre_cache_options *options, acre_cache **out)
{
    acre_cache made;
    if (pages == NULL || options->count == 0 || cache_prepare(&made, options) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t least = CHUNK_PAGES * pages->page_bytes;
    size_t wanted = CHUNK_OBJECTS_MIN * each_bytes(&made);
    made.chunk_log2 = highest_bit((wanted > least ? wanted : least) - 1) + 1;
    size_t chunk = (size_t)1 << made.chunk_log2;
    divide_chunk(&made, chunk);
    made.chunk_count =
        (uint32_t)stride_quotient(options->count + made.per_chunk - 1, made.per_chunk);
    made.head_bytes = round_up(
        sizeof(acre_cache) + made.chunk_count * sizeof(struct cache_chunk), pages->page_bytes);
    size_t align = options->align > pages->page_bytes ? options->align : pages->page_bytes;
    made.head_bytes = round_up(made.head_bytes, align);
    size_t all;
    if (!mul_size(made.chunk_count, chunk, &made.span_bytes) ||
        !add_size(made.span_bytes, made.head_bytes, &all) || all > PTRDIFF_MAX) {
        return ACRE_BAD_ARGUMENT;
    }
    unsigned char *range = pages->reserve(pages, all, align);
    if (range == NULL) {
        return ACRE_NO_MEMORY;
    }
    if (pages->commit(pages, range, made.head_bytes) != ACRE_OK) {
        (void)pages->release(pages, range, all);
        return ACRE_NO_MEMORY;
    }
    made.range = range;
    made.reserved_bytes = all;
    made.pages = pages;
    made.base = range + made.head_bytes;
    acre_cache *cache = (acre_cache *)(void *)range;
    made.chunks = (struct cache_chunk *)(void *)(cache + 1); // committed memory is zero: all absent
    *cache = made;
    *out = cache;
    return ACRE_OK;
}

// ---- raw objects ---------------------------------------------------------------------------------

/// A raw object of a chunk that is present; NULL if it has none. The lock is held.
static void *take_from_chunk(acre_cache *cache, uint32_t at)
{
    struct cache_chunk *chunk = &cache->chunks[at];
    void *object = chunk->raw;
    if (object != NULL) {
        chunk->raw = *cache_link_of(cache, object);
    } else if (chunk->made < cache->per_chunk) {
        object =
            cache->base + ((size_t)at << cache->chunk_log2) + chunk->made * cache->stride_bytes;
        chunk->made += 1;
    } else {
        return NULL;
    }
    chunk->used += 1;
    cache->constructed_count += 1;
    return object;
}

/// Commits a chunk that is absent or coming; the lock is held, and dropped meanwhile. False: no memory,
/// and it is not there.
static bool bring_chunk(acre_cache *cache, uint32_t at)
{
    struct cache_chunk *chunk = &cache->chunks[at];
    size_t bytes = (size_t)1 << cache->chunk_log2;
    unsigned char *start = cache->base + ((size_t)at << cache->chunk_log2);
    store_relaxed(&chunk->state, CHUNK_COMING);
    chunk->bringers += 1;
    acre_port_lock_drop(&cache->lock);
    bool came = cache->pages->commit(cache->pages, start, bytes) == ACRE_OK;
    acre_port_lock_take(&cache->lock);
    chunk->bringers -= 1;
    if (chunk->state == CHUNK_COMING && came) {
        chunk->made = 0;
        chunk->raw = NULL;
        store_relaxed(&chunk->state, CHUNK_PRESENT);
        cache->present_count += 1;
        cache->hint = at < cache->hint ? at : cache->hint;
    } else if (chunk->state == CHUNK_COMING && chunk->bringers == 0) {
        store_relaxed(&chunk->state, CHUNK_ABSENT);
    }
    return chunk->state == CHUNK_PRESENT; // by whomever
}

void *cache_take_raw(acre_cache *cache)
{
    void *object = NULL;
    acre_port_lock_take(&cache->lock);
    for (uint32_t at = cache->hint; at < cache->chunk_count && object == NULL;) {
        if (cache->constructed_count >= cache->options.count) {
            break;
        }
        uint32_t state = cache->chunks[at].state;
        if (state == CHUNK_ABSENT || state == CHUNK_COMING) {
            if (!bring_chunk(cache, at)) {
                break;
            }
            continue; // others may have been quicker: look again
        }
        if (state == CHUNK_PRESENT) {
            object = take_from_chunk(cache, at);
            if (object == NULL && cache->hint == at) {
                cache->hint = at + 1; // full
            }
        }
        at += object == NULL ? 1 : 0;
    }
    acre_port_lock_drop(&cache->lock);
    return object;
}

/// The lock is held.
static void give_to_chunk(acre_cache *cache, void *object)
{
    struct cache_chunk *chunk = cache_descriptor_of(cache, object);
    uint32_t at = (uint32_t)(chunk - cache->chunks);
    *cache_link_of(cache, object) = chunk->raw;
    chunk->raw = object;
    chunk->used -= 1;
    cache->constructed_count -= 1;
    cache->hint = at < cache->hint ? at : cache->hint;
}

void cache_give_raw(acre_cache *cache, void *object)
{
    acre_port_lock_take(&cache->lock);
    give_to_chunk(cache, object);
    acre_port_lock_drop(&cache->lock);
}

// ---- shrinking and ending ------------------------------------------------------------------------

/// Destroys what is in the depot.
static void empty_depot(acre_cache *cache)
{
    acre_port_lock_take(&cache->lock);
    void *object = cache->depot;
    cache->depot = NULL;
    cache->depot_count = 0;
    acre_port_lock_drop(&cache->lock);
    while (object != NULL) {
        void *next = *cache_link_of(cache, object); // ours alone: the list was taken whole
        if (cache->options.destroy != NULL) {
            cache->options.destroy(object, cache->options.argument);
        }
        acre_port_lock_take(&cache->lock);
        give_to_chunk(cache, object);
        cache->destructions += 1;
        acre_port_lock_drop(&cache->lock);
        object = next;
    }
}

size_t acre_cache_shrink(acre_cache *cache)
{
    size_t given_bytes = 0;
    size_t bytes = (size_t)1 << cache->chunk_log2;
    empty_depot(cache);
    for (uint32_t at = 0; at < cache->chunk_count && cache->pages != NULL; at++) {
        struct cache_chunk *chunk = &cache->chunks[at];
        acre_port_lock_take(&cache->lock);
        bool leaves = chunk->state == CHUNK_PRESENT && chunk->used == 0 && chunk->bringers == 0;
        if (leaves) {
            store_relaxed(&chunk->state, CHUNK_LEAVING);
            cache->present_count -= 1;
        }
        acre_port_lock_drop(&cache->lock);
        if (!leaves) {
            continue;
        }
        unsigned char *start = cache->base + ((size_t)at << cache->chunk_log2);
        bool gone = cache->pages->decommit(cache->pages, start, bytes) == ACRE_OK;
        acre_port_lock_take(&cache->lock);
        store_relaxed(&chunk->state, gone ? CHUNK_ABSENT : CHUNK_PRESENT);
        cache->present_count += gone ? 0 : 1;
        cache->hint = at < cache->hint ? at : cache->hint;
        acre_port_lock_drop(&cache->lock);
        given_bytes += gone ? bytes : 0;
    }
    return given_bytes;
}

acre_status acre_cache_close(acre_cache *cache)
{
    if (cache->depot_count != cache->constructed_count) {
        return ACRE_BAD_ARGUMENT;
    }
    empty_depot(cache);
    acre_pages *pages = cache->pages;
    if (pages != NULL && pages->release(pages, cache->range, cache->reserved_bytes) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    return ACRE_OK;
}

// ---- looking at it -------------------------------------------------------------------------------

void acre_cache_get_stats(acre_cache *cache, acre_cache_stats *out)
{
    acre_port_lock_take(&cache->lock);
    *out = (acre_cache_stats){
        .object_bytes = cache->stride_bytes,
        .count = cache->options.count,
        .constructed_count = cache->constructed_count,
        .depot_count = cache->depot_count,
        .constructions = cache->constructions,
        .destructions = cache->destructions,
        .failed_count = cache->failed_count,
    };
    if (cache->pages != NULL) {
        out->committed_bytes =
            cache->head_bytes + ((size_t)cache->present_count << cache->chunk_log2);
    }
    acre_port_lock_drop(&cache->lock);
}

static const char *audit_chunk(acre_cache *cache, uint32_t at, size_t *out_count)
{
    struct cache_chunk *chunk = &cache->chunks[at];
    unsigned char *start = cache->base + ((size_t)at << cache->chunk_log2);
    uint32_t raw = 0;
    for (void *object = chunk->raw; object != NULL; object = *cache_link_of(cache, object)) {
        raw += 1;
        if (cache_chunk_of(cache, object) != start || raw > chunk->made) {
            return "a list of raw objects leads astray";
        }
        if (*cache_out_of(cache, object) != 0) {
            return "a raw object is live";
        }
    }
    for (uint32_t i = 0; i < chunk->made; i++) {
        *out_count += *cache_out_of(cache, start + i * cache->stride_bytes);
    }
    return raw + chunk->used == chunk->made ? NULL : "an object is neither raw nor used";
}

const char *acre_cache_audit(acre_cache *cache)
{
    size_t used = 0;
    size_t out = 0;
    uint32_t present = 0;
    for (uint32_t at = 0; at < cache->chunk_count; at++) {
        if (cache->chunks[at].state == CHUNK_PRESENT) {
            const char *broken = audit_chunk(cache, at, &out);
            if (broken != NULL) {
                return broken;
            }
            used += cache->chunks[at].used;
            present += 1;
        }
    }
    uint32_t depot = 0;
    for (void *object = cache->depot; object != NULL; object = *cache_link_of(cache, object)) {
        depot += 1;
        if (depot > cache->depot_count || *cache_out_of(cache, object) != 0) {
            return "the depot has an object that is live, or a loop";
        }
    }
    if (depot != cache->depot_count || used != cache->constructed_count ||
        present != cache->present_count) {
        return "the counts are not those of the objects";
    }
    return out + depot <= used ? NULL : "more objects are live than exist";
}
