// acre/cache.h - an object cache: objects of one type that stay constructed while they are free.
//
//     local (one a thread or a CPU)      depot (under a lock)         chunks (raw memory)
//     [ objects ready to be had ]  <->   constructed, free      <-    get: construct
//        no lock, no atomic                                     ->    shrink: destroy, give back
//
// To get an object is to take a pointer from the caller's own local; when that is empty, sixteen come
// from the depot; when the depot is empty, one object is constructed. To put one back is the reverse, so that
// a construction is paid for once and used many times. Objects keep their contents while they are free:
// put back an object in the state that the next user expects to find.
//
// Nothing of the cache lies in or between objects. One word for each says whether the caller has it, so
// that a double put, a pointer into an object and one from elsewhere are found, by any thread.
//
// Cost, counted by scripts/measure_pools.py: get 31, put 42 instructions on x86-64. Memory beside an
// object: 4 bytes and a pointer.
//
// Threads: safe from any thread; a local from one at a time. Nothing is called under a lock.
// Misuse ends in acre_port_fatal (port.h).
// Idea: J. Bonwick and J. Adams, "Magazines and Vmem", USENIX 2001.
// SPDX-License-Identifier: MIT
#ifndef ACRE_CACHE_H
#define ACRE_CACHE_H

#include "acre/pages.h"

ACRE_BEGIN

typedef struct acre_cache acre_cache;

/// Makes an object out of raw memory, all of it zero or left by `destroy`. Returns whether it could; the
/// get that asked for it returns NULL if not. It must not use this cache.
typedef bool acre_cache_construct(void *object, void *argument);

/// Ends a constructed object. It must not use this cache.
typedef void acre_cache_destroy(void *object, void *argument);

/// What a cache is to be.
typedef struct acre_cache_options {
    size_t object_bytes; // at least 1
    size_t align;        // of each object: a power of two, at most 4096; 0 = that of a pointer
    size_t count;        // objects at most, to 2^31 - 1; 0 = as many as fit (acre_cache_init only)
    acre_cache_construct *construct; // or NULL
    acre_cache_destroy *destroy;     // or NULL
    void *argument;                  // for both
} acre_cache_options;

/// How many objects a local passes to or takes from the depot at once; it holds twice as many.
enum { ACRE_CACHE_BATCH = 16 };

/// A caller's own free objects: one for each thread, or for each CPU where the caller cannot be moved.
/// All zero is an empty one. The fields are the cache's.
typedef struct acre_cache_local {
    uint32_t count;
    void *objects[2 * ACRE_CACHE_BATCH];
} acre_cache_local;

/// Makes a cache in `bytes` of memory of the caller.
///
/// out     set only on ACRE_OK
/// Errors  ACRE_BAD_ARGUMENT (no object size, an alignment out of range, a size that overflows),
///         ACRE_NO_MEMORY (fewer than `count` objects fit, or none)
acre_status acre_cache_init(
    void *memory, size_t bytes, const acre_cache_options *options, acre_cache **out) ACRE_MUST_USE;

/// Makes a cache of up to options->count objects over a page source, which must outlive it. Addresses
/// for all are reserved; memory comes in chunks of 16 pages, or of 8 objects if they are large.
/// Errors: as acre_cache_init; nothing stays reserved after an error.
acre_status acre_cache_open(acre_pages *pages, const acre_cache_options *options, acre_cache **out)
    ACRE_MUST_USE;

/// Destroys all objects and gives everything back. Errors: ACRE_BAD_ARGUMENT: objects are live or in a
/// local, or the source refuses; then the cache can be used on. Threads: nobody else may use the cache.
acre_status acre_cache_close(acre_cache *cache) ACRE_MUST_USE;

/// Returns a constructed object, or NULL when all are live or in other locals, there is no memory, or it
/// cannot be constructed. NULL may come early while another thread is giving the chunk back that is wanted,
/// in acre_cache_shrink.
///
/// local  NULL: straight from the depot
/// Time   a pop; at times 16 steps under a lock; else a construction, and perhaps a commit of a chunk
void *acre_cache_get(acre_cache *cache, acre_cache_local *local) ACRE_MUST_USE;

/// Puts an object back, still constructed. NULL is ignored. The local need not be the one it came through.
///
/// Misuse  anything but a live object of this cache
/// Time    a push; at times 16 steps under a lock
void acre_cache_put(acre_cache *cache, acre_cache_local *local, void *object);

/// Passes all objects of a local to the depot: before its thread ends, or to let others have them.
void acre_cache_flush(acre_cache *cache, acre_cache_local *local);

/// Destroys the objects in the depot, and gives chunks back on which nothing is left. Returns the bytes
/// given back; 0 in memory of the caller. Time: the depot's objects, and one step for each chunk.
size_t acre_cache_shrink(acre_cache *cache);

/// Numbers of a cache.
typedef struct acre_cache_stats {
    size_t object_bytes;      // of one, rounded up to its alignment
    size_t count;             // objects at most
    size_t constructed_count; // objects that exist: live, in locals, in the depot
    size_t depot_count;       // of them, in the depot
    size_t constructions;     // ever
    size_t destructions;      // ever
    size_t failed_count;      // gets that returned NULL
    size_t committed_bytes;   // memory held from the page source; 0 in memory of the caller
} acre_cache_stats;

/// Fills `out`. Time: constant, under the lock.
void acre_cache_get_stats(acre_cache *cache, acre_cache_stats *out);

/// Checks every invariant. Returns NULL if all hold, else a sentence naming the broken one. For tests
/// and debuggers. Threads: nobody else may use the cache. Time: one step for each object.
const char *acre_cache_audit(acre_cache *cache) ACRE_MUST_USE;

ACRE_END

// NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in them

/// Names for a cache of one type: type *name_get(acre_cache *, acre_cache_local *), and name_put.
#define ACRE_CACHE_DEFINE(name, type)                                                              \
    static inline type *name##_get(acre_cache *cache, acre_cache_local *local)                     \
    {                                                                                              \
        return (type *)acre_cache_get(cache, local);                                               \
    }                                                                                              \
    static inline void name##_put(acre_cache *cache, acre_cache_local *local, type *object)        \
    {                                                                                              \
        acre_cache_put(cache, local, object);                                                      \
    }

// NOLINTEND(bugprone-macro-parentheses)

#endif
