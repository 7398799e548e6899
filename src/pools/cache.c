// cache.c - object caches: getting and putting. See acre/cache.h and pools/cache.h.
//
// The word `out` of an object changes from 1 to 0 by a swap: of two threads that put the same object back,
// one finds 0, whatever their timing. It becomes 1 by a store of the thread that alone has it.
// SPDX-License-Identifier: MIT
#include "pools/cache.h"

#include "base/check.h"

#define OUT_OF_LINE __attribute__((noinline))

static void *hand_out(acre_cache *cache, void *object)
{
    store_relaxed(cache_out_of(cache, object), 1);
    return object;
}

/// Moves up to `most` objects from the depot into an array. Returns how many.
static uint32_t take_from_depot(acre_cache *cache, void **objects, uint32_t most)
{
    uint32_t count = 0;
    acre_port_lock_take(&cache->lock);
    while (count < most && cache->depot != NULL) {
        objects[count] = cache->depot;
        cache->depot = *cache_link_of(cache, cache->depot);
        count += 1;
    }
    cache->depot_count -= count;
    acre_port_lock_drop(&cache->lock);
    return count;
}

static void give_to_depot(acre_cache *cache, void *const *objects, uint32_t count)
{
    acre_port_lock_take(&cache->lock);
    for (uint32_t i = 0; i < count; i++) {
        *cache_link_of(cache, objects[i]) = cache->depot;
        cache->depot = objects[i];
    }
    cache->depot_count += count;
    acre_port_lock_drop(&cache->lock);
}

static void *construct_one(acre_cache *cache)
{
    void *object = cache_take_raw(cache);
    if (object != NULL && cache->options.construct != NULL &&
        !cache->options.construct(object, cache->options.argument)) {
        cache_give_raw(cache, object);
        object = NULL;
    }
    acre_port_lock_take(&cache->lock);
    if (object != NULL) {
        cache->constructions += 1;
    } else {
        cache->failed_count += 1;
    }
    acre_port_lock_drop(&cache->lock);
    return object;
}

/// The local is empty, or there is none.
OUT_OF_LINE static void *get_from_depot(acre_cache *cache, acre_cache_local *local)
{
    void *object = NULL;
    if (local == NULL) {
        if (take_from_depot(cache, &object, 1) == 0) {
            object = construct_one(cache);
        }
    } else {
        local->count = take_from_depot(cache, local->objects, ACRE_CACHE_BATCH);
        if (local->count == 0) {
            object = construct_one(cache);
        } else {
            local->count -= 1;
            object = local->objects[local->count];
        }
    }
    return object != NULL ? hand_out(cache, object) : NULL;
}

void *acre_cache_get(acre_cache *cache, acre_cache_local *local)
{
    if (unlikely(local == NULL || local->count == 0)) {
        return get_from_depot(cache, local);
    }
    local->count -= 1;
    return hand_out(cache, local->objects[local->count]);
}

OUT_OF_LINE static void put_to_depot(acre_cache *cache, acre_cache_local *local, void *object)
{
    if (local == NULL) {
        give_to_depot(cache, &object, 1);
        return;
    }
    // The older half goes: what was put back last is most likely in the processor's cache.
    give_to_depot(cache, local->objects, ACRE_CACHE_BATCH);
    for (uint32_t i = 0; i < ACRE_CACHE_BATCH; i++) {
        local->objects[i] = local->objects[ACRE_CACHE_BATCH + i];
    }
    local->count = ACRE_CACHE_BATCH + 1;
    local->objects[ACRE_CACHE_BATCH] = object;
}

OUT_OF_LINE static void refuse_put(const acre_cache *cache, const void *object, const char *what)
{
    if (object != NULL) {
        acre_port_fatal(what, object, what[0] == 'd' ? cache->stride_bytes : 0);
    }
}

void acre_cache_put(acre_cache *cache, acre_cache_local *local, void *object)
{
    size_t offset = (word)object - (word)cache->base;
    size_t at = offset >> cache->chunk_log2;
    size_t chunk_offset = at << cache->chunk_log2;
    word index = stride_index(offset - chunk_offset, cache->inverse, cache->twos);
    if (unlikely(
            at >= cache->chunk_count || index >= cache->per_chunk ||
            load_relaxed(&cache->chunks[at].state) != CHUNK_PRESENT)) {
        refuse_put(cache, object, "invalid free");
        return;
    }
    uint32_t *out = (uint32_t *)(void *)(cache->base + chunk_offset + cache->out_offset) + index;
    if (unlikely(swap_acquire(out, 0) != 1)) {
        refuse_put(cache, object, "double free");
        return;
    }
    if (unlikely(local == NULL || local->count == 2 * ACRE_CACHE_BATCH)) {
        put_to_depot(cache, local, object);
        return;
    }
    local->objects[local->count] = object;
    local->count += 1;
}

void acre_cache_flush(acre_cache *cache, acre_cache_local *local)
{
    give_to_depot(cache, local->objects, local->count);
    local->count = 0;
}
