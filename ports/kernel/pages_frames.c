// pages_frames.c - a page source over frames, through a direct map. See acre/port/kernel.h.
//
//   reserve -> a run of frames          release -> the run goes back
//   commit, decommit: what reads as zero; the frames stay the range's
//
// An address is a frame here, so addresses without memory do not exist: what a heap decommits goes
// back to the pool when it releases the whole range. To have it back page by page, give the heap a
// range of an address space instead.
//
// Lock: that of `committed`, for its bitmap and the sums. The pool needs none.
// SPDX-License-Identifier: MIT
#include "base/bits.h"
#include "committed.h"

static void count_reserved(acre_pages_frames *source, size_t add, size_t subtract)
{
    acre_port_lock_take(committed_lock(&source->committed));
    source->reserved_frames = source->reserved_frames + add - subtract;
    acre_port_lock_drop(committed_lock(&source->committed));
}

static void *frames_reserve(acre_pages *self, size_t bytes, size_t align)
{
    acre_pages_frames *source = (acre_pages_frames *)self;
    const acre_frames_run_request request = {.frames = bytes / UNIT_BYTES, .align = align};
    acre_frame first = acre_frames_run(source->pool, &request);
    if (acre_frame_is_none(first)) {
        // Frames that slots hold back may be what is missing.
        acre_frames_drain(source->pool);
        first = acre_frames_run(source->pool, &request);
    }
    if (acre_frame_is_none(first)) {
        return NULL;
    }
    count_reserved(source, bytes / UNIT_BYTES, 0);
    return source->direct_map + acre_frame_phys(first).addr;
}

static acre_status frames_commit(acre_pages *self, void *addr, size_t bytes)
{
    committed_add(&((acre_pages_frames *)self)->committed, addr, bytes);
    return ACRE_OK;
}

static acre_status frames_decommit(acre_pages *self, void *addr, size_t bytes)
{
    committed_remove(&((acre_pages_frames *)self)->committed, addr, bytes);
    return ACRE_OK;
}

static acre_status frames_release(acre_pages *self, void *addr, size_t bytes)
{
    acre_pages_frames *source = (acre_pages_frames *)self;
    const acre_phys at = {(uint64_t)((unsigned char *)addr - source->direct_map)};
    acre_status status;
    committed_remove(&source->committed, addr, bytes);
    do { // busy: another processor is giving frames to the same 16 MiB for the first time
        status = acre_frames_give(source->pool, acre_frame_at(at), bytes / UNIT_BYTES);
    } while (status == ACRE_BUSY);
    if (status == ACRE_OK) {
        count_reserved(source, 0, bytes / UNIT_BYTES);
    }
    return status;
}

acre_status acre_pages_frames_init(acre_pages_frames *source, acre_frames *pool, void *direct_map)
{
    acre_frame first;
    uint64_t count;
    if (source == NULL || pool == NULL || direct_map == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    acre_frames_get_span(pool, &first, &count);
    if (count > UINT32_MAX / 2) {
        return ACRE_BAD_ARGUMENT;
    }
    const size_t bytes = round_up((size_t)count / __CHAR_BIT__ + sizeof(word), UNIT_BYTES);
    const acre_frames_run_request request = {.frames = bytes / UNIT_BYTES};
    const acre_frame at = acre_frames_run(pool, &request);
    if (acre_frame_is_none(at)) {
        return ACRE_NO_MEMORY;
    }
    unsigned char *base = direct_map;
    word *bits = (word *)(void *)(base + acre_frame_phys(at).addr);
    __builtin_memset(bits, 0, bytes);
    *source = (acre_pages_frames){
        .pages =
            {
                .reserve = frames_reserve,
                .commit = frames_commit,
                .decommit = frames_decommit,
                .release = frames_release,
                .page_bytes = UNIT_BYTES,
            },
        .committed = {.first = (uintptr_t)base + acre_frame_phys(first).addr, .bits = bits},
        .pool = pool,
        .direct_map = base,
    };
    return ACRE_OK;
}

size_t acre_pages_frames_committed(const acre_pages_frames *source)
{
    return load_relaxed(&source->committed.units) * UNIT_BYTES;
}

size_t acre_pages_frames_reserved(const acre_pages_frames *source)
{
    return load_relaxed(&source->reserved_frames) * UNIT_BYTES;
}
