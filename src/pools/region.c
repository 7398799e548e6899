// region.c - regions: opening them, and allocation. See acre/region.h.
//
// Memory comes in chunks. When the next block does not fit, the region first commits more of the chunk
// that it is in (if it reserved more than it committed), then takes a spare chunk that is large enough,
// then a new one. A failure at any step leaves everything as it was.
// SPDX-License-Identifier: MIT
#include "pools/region.h"

enum { CHUNK_PAGES = 16 };

_Static_assert(REGION_HEADER_BYTES % (2 * sizeof(void *)) == 0, "blocks start aligned");

acre_status acre_region_init(acre_region *region, void *memory, size_t bytes)
{
    if (memory == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t skip = (size_t)(0 - (word)memory) & (ACRE_REGION_ALIGN - 1);
    skip = skip > bytes ? bytes : skip;
    size_t usable = (bytes - skip) & ~(ACRE_REGION_ALIGN - 1);
    unsigned char *start = (unsigned char *)memory + skip;
    *region =
        (acre_region){.at = start, .end = start + usable, .memory = start, .memory_bytes = usable};
    return ACRE_OK;
}

acre_status acre_region_open(
    acre_region *region, acre_pages *pages, const acre_region_options *options)
{
    static const acre_region_options defaults;
    if (pages == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    options = options == NULL ? &defaults : options;
    size_t page = pages->page_bytes;
    size_t chunk = options->chunk_bytes == 0 ? CHUNK_PAGES * page : options->chunk_bytes;
    size_t reserve = options->reserve_bytes < chunk ? chunk : options->reserve_bytes;
    if (chunk > PTRDIFF_MAX || reserve > PTRDIFF_MAX || !align_up(chunk, page, &chunk) ||
        !align_up(reserve, page, &reserve)) {
        return ACRE_BAD_ARGUMENT;
    }
    *region = (acre_region){
        .pages = pages,
        .chunk_bytes = chunk,
        .reserve_bytes = reserve,
        .keep_bytes = options->keep_bytes == 0 ? chunk : options->keep_bytes,
        .limit_bytes = options->limit_bytes,
    };
    return ACRE_OK;
}

static bool within_limit(const acre_region *region, size_t more_bytes)
{
    return region->limit_bytes == 0 || (region->held_bytes <= region->limit_bytes &&
                                        more_bytes <= region->limit_bytes - region->held_bytes);
}

/// Commits more of a chunk until `need` bytes from its start are, or a step more. False: cannot.
static bool chunk_commit(acre_region *region, struct region_chunk *chunk, size_t need)
{
    if (need > chunk->reserved_bytes) {
        return false;
    }
    // A step at a time, but no more than there is; and if that is too much, only what is needed.
    size_t least = round_up(need, region->pages->page_bytes);
    size_t wanted = chunk->committed_bytes + region->chunk_bytes;
    wanted = wanted < least ? least : wanted;
    wanted = wanted > chunk->reserved_bytes ? chunk->reserved_bytes : wanted;
    wanted = within_limit(region, wanted - chunk->committed_bytes) ? wanted : least;
    size_t more = wanted - chunk->committed_bytes;
    unsigned char *from = (unsigned char *)chunk + chunk->committed_bytes;
    if (!within_limit(region, more) ||
        region->pages->commit(region->pages, from, more) != ACRE_OK) {
        return false;
    }
    chunk->committed_bytes = wanted;
    region->held_bytes += more;
    return true;
}

/// Takes a spare chunk with room for `need` bytes behind its header off the list. NULL: none.
static struct region_chunk *take_spare(acre_region *region, size_t need)
{
    for (struct region_chunk **link = &region->spare; *link != NULL; link = &(*link)->prev) {
        struct region_chunk *chunk = *link;
        size_t before = chunk->committed_bytes;
        if (need > chunk->committed_bytes - REGION_HEADER_BYTES &&
            !chunk_commit(region, chunk, need + REGION_HEADER_BYTES)) {
            continue;
        }
        *link = chunk->prev;
        region->spare_bytes -= before;
        return chunk;
    }
    return NULL;
}

/// A new chunk with room for `need` bytes. NULL: no memory, nothing changed.
static struct region_chunk *make_chunk(acre_region *region, size_t need)
{
    acre_pages *pages = region->pages;
    size_t bytes = round_up(need + REGION_HEADER_BYTES, pages->page_bytes);
    size_t commit = bytes > region->chunk_bytes ? bytes : region->chunk_bytes;
    size_t reserve = bytes > region->reserve_bytes ? bytes : region->reserve_bytes;
    if (!within_limit(region, commit)) {
        commit = bytes;
        if (!within_limit(region, commit)) {
            return NULL;
        }
    }
    if (region->reserve_bytes == region->chunk_bytes) {
        reserve = commit; // no more than can be used
    }
    struct region_chunk *chunk = pages->reserve(pages, reserve, pages->page_bytes);
    if (chunk == NULL) {
        return NULL;
    }
    if (pages->commit(pages, chunk, commit) != ACRE_OK) {
        (void)pages->release(pages, chunk, reserve);
        return NULL;
    }
    *chunk = (struct region_chunk){.reserved_bytes = reserve, .committed_bytes = commit};
    region->held_bytes += commit;
    return chunk;
}

bool region_commit_room(acre_region *region, size_t need)
{
    struct region_chunk *chunk = region->chunk;
    if (chunk == NULL || chunk->committed_bytes == chunk->reserved_bytes ||
        !chunk_commit(region, chunk, (size_t)(region->at - (unsigned char *)chunk) + need)) {
        return false;
    }
    region->end = region_end_of(region, chunk);
    return true;
}

/// Makes room for `need` bytes, a multiple of the alignment, in one piece. False: nothing changed.
static bool make_room(acre_region *region, size_t need)
{
    if (region->pages == NULL) {
        return false;
    }
    if (region_commit_room(region, need)) {
        return true;
    }
    struct region_chunk *chunk = take_spare(region, need);
    if (chunk == NULL) {
        chunk = make_chunk(region, need);
    }
    if (chunk == NULL) {
        return false;
    }
    if (region->chunk != NULL) {
        region->chunk->full_at = region->at;
    }
    chunk->prev = region->chunk;
    region->chunk = chunk;
    region->at = region_chunk_start(chunk);
    region->end = region_end_of(region, chunk);
    return true;
}

static size_t room_of(const acre_region *region)
{
    return (size_t)(region->end - region->at);
}

void *acre_region_alloc_more(acre_region *region, size_t size)
{
    size = size == 0 ? 1 : size;
    // Less than the greatest, so that a header and a page can be added without a thought.
    if (size > PTRDIFF_MAX / 2) {
        return NULL;
    }
    if (size > room_of(region) && !make_room(region, round_up(size, ACRE_REGION_ALIGN))) {
        return NULL;
    }
    return acre_region_alloc(region, size);
}

void *acre_region_aligned(acre_region *region, size_t align, size_t size)
{
    if (!is_power_of_two(align) || size > PTRDIFF_MAX / 2 || align > PTRDIFF_MAX / 4) {
        return NULL;
    }
    if (align <= ACRE_REGION_ALIGN) {
        return acre_region_alloc(region, size);
    }
    size_t skip = (size_t)(0 - (word)region->at) & (align - 1);
    size_t least = size == 0 ? 1 : size;
    if (skip > room_of(region) || least > room_of(region) - skip) {
        if (!make_room(region, round_up(least, ACRE_REGION_ALIGN) + align)) {
            return NULL;
        }
        skip = (size_t)(0 - (word)region->at) & (align - 1);
    }
    region->at += skip;
    return acre_region_alloc(region, size);
}

void *acre_region_zeroed(acre_region *region, size_t count, size_t size)
{
    size_t bytes;
    void *block = mul_size(count, size, &bytes) ? acre_region_alloc(region, bytes) : NULL;
    if (block != NULL) {
        __builtin_memset(block, 0, bytes);
    }
    return block;
}

void *acre_region_copy(acre_region *region, const void *from, size_t bytes)
{
    void *block = acre_region_alloc(region, bytes);
    if (block != NULL && bytes != 0) {
        __builtin_memcpy(block, from, bytes);
    }
    return block;
}

char *acre_region_text(acre_region *region, const char *from)
{
    size_t bytes = 1;
    for (const char *at = from; *at != '\0'; at++) {
        bytes += 1;
    }
    return acre_region_copy(region, from, bytes);
}
