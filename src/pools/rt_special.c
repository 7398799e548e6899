// rt_special.c - see rt_special.h.
//
//     lock -> free two posted blocks -> check -> the call itself -> unlock -> tell what happened
//
// Hooks other than lock and unlock are called without the lock, so that they may take their time, and
// so that on_no_memory may free.
// SPDX-License-Identifier: MIT
#include "pools/rt_special.h"

enum { FILL_BYTE = 0xdd, GUARD_BYTE = 0xa5 };

// ---- guards and filling ----------------------------------------------------------------------------

static unsigned char *guard_address(const acre_rt *rt, uint32_t at, uint32_t count)
{
    return position_address(rt, at + count - 1);
}

static void guard_write(acre_rt *rt, uint32_t at, uint32_t count)
{
    if (guard_granules(rt) != 0) {
        __builtin_memset(guard_address(rt, at, count), GUARD_BYTE, (size_t)1 << rt->granule_log2);
    }
}

bool guard_is_sound(const acre_rt *rt, uint32_t at, uint32_t count)
{
    if (guard_granules(rt) == 0) {
        return true;
    }
    const unsigned char *guard = guard_address(rt, at, count);
    for (size_t i = 0; i < (size_t)1 << rt->granule_log2; i++) {
        if (guard[i] != GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

/// Bytes of a request with its guard. What would wrap becomes what no range has.
static size_t guarded_bytes(const acre_rt *rt, size_t bytes)
{
    size_t guard = (size_t)guard_granules(rt) << rt->granule_log2;
    return bytes == 0 ? 0 : bytes > SIZE_MAX - guard ? SIZE_MAX : bytes + guard;
}

// ---- a call ----------------------------------------------------------------------------------------

static void note_fault(acre_rt *rt, struct rt_call *call, const void *block, acre_rt_kind kind)
{
    rt->faults += 1;
    if (call->kind == ACRE_RT_LIVE) { // the first one is told of
        call->fault = block;
        call->kind = kind;
    }
}

/// Frees a block under the lock, with all that the check level asks for.
static acre_status free_checked(acre_rt *rt, struct rt_call *call, void *block, size_t *bytes)
{
    uint32_t at = position_of_live(rt, block);
    if (at == 0) {
        note_fault(rt, call, block, acre_rt_judge(rt, block));
        return ACRE_BAD_ARGUMENT;
    }
    uint32_t count = rt->engine->length(rt, at);
    if (!guard_is_sound(rt, at, count)) {
        note_fault(rt, call, block, ACRE_RT_OVERRUN); // the block stays live, for a debugger
        return ACRE_BAD_ARGUMENT;
    }
    *bytes = (size_t)(count - guard_granules(rt)) << rt->granule_log2;
    if (rt->check_level >= ACRE_RT_CHECK_FILL) {
        __builtin_memset(block, FILL_BYTE, (size_t)count << rt->granule_log2);
    }
    return rt->engine->free(rt, block);
}

static size_t drain(acre_rt *rt, struct rt_call *call, uint32_t count)
{
    size_t freed = 0;
    for (; rt->posts != NULL && count > 0; count--) {
        size_t bytes;
        void *block = post_take(rt->posts);
        if (block == NULL) {
            break;
        }
        freed += free_checked(rt, call, block, &bytes) == ACRE_OK ? 1 : 0;
    }
    return freed;
}

void special_enter(acre_rt *rt, struct rt_call *call)
{
    *call = (struct rt_call){.kind = ACRE_RT_LIVE};
    if (rt->hooks != NULL && rt->hooks->lock != NULL) {
        call->key = rt->hooks->lock(rt->hooks->context);
    }
    if (rt->check_level >= ACRE_RT_CHECK_ALL && acre_rt_check(rt, ACRE_RT_CHECK_GUARD) != NULL) {
        call->broken = true;
        note_fault(rt, call, NULL, ACRE_RT_BROKEN);
        return;
    }
    call->drained = drain(rt, call, RT_POSTS_PER_CALL);
}

void special_leave(acre_rt *rt, const struct rt_call *call)
{
    const acre_rt_hooks *hooks = rt->hooks;
    if (hooks == NULL) {
        return;
    }
    if (hooks->unlock != NULL) {
        hooks->unlock(hooks->context, call->key);
    }
    if (call->kind != ACRE_RT_LIVE && hooks->on_fault != NULL) {
        hooks->on_fault(hooks->context, rt, call->fault, call->kind);
    }
}

static void trace(acre_rt *rt, acre_rt_event event, void *block, size_t bytes)
{
    if (rt->hooks != NULL && rt->hooks->trace != NULL) {
        rt->hooks->trace(rt->hooks->context, event, block, bytes);
    }
}

// ---- allocation ------------------------------------------------------------------------------------

static void *try_alloc(acre_rt *rt, size_t bytes, size_t align)
{
    size_t all_bytes = guarded_bytes(rt, bytes);
    void *block =
        align == 0 ? rt->engine->alloc(rt, all_bytes) : rt->engine->aligned(rt, align, all_bytes);
    if (block != NULL) {
        uint32_t at = position_of(rt, block);
        guard_write(rt, at, rt->engine->length(rt, at));
    }
    return block;
}

void *special_alloc(acre_rt *rt, size_t bytes, size_t align)
{
    void *block = NULL;
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        struct rt_call call;
        special_enter(rt, &call);
        if (!call.broken) {
            block = try_alloc(rt, bytes, align);
            // What is posted is as good as free; there are at most post_count.
            if (block == NULL && drain(rt, &call, UINT32_MAX) != 0) {
                block = try_alloc(rt, bytes, align);
            }
        }
        special_leave(rt, &call);
        if (block != NULL || attempt != 0 || call.broken || rt->hooks == NULL ||
            rt->hooks->on_no_memory == NULL ||
            !rt->hooks->on_no_memory(rt->hooks->context, rt, bytes)) {
            break;
        }
    }
    trace(rt, ACRE_RT_DID_ALLOC, block, bytes);
    return block;
}

void *special_alloc_at(acre_rt *rt, void *addr, size_t bytes)
{
    struct rt_call call;
    void *block = NULL;
    special_enter(rt, &call);
    uint32_t at = position_of(rt, addr);
    uint32_t count = granules_for(rt, guarded_bytes(rt, bytes));
    if (!call.broken && at != 0 && count != 0) {
        if (rt->engine->claim(rt, at, count)) {
            block = addr;
            guard_write(rt, at, count);
        } else {
            rt->failures += 1;
        }
    }
    special_leave(rt, &call);
    trace(rt, ACRE_RT_DID_ALLOC, block, bytes);
    return block;
}

// ---- free and resize -------------------------------------------------------------------------------

acre_status special_free(acre_rt *rt, void *block)
{
    struct rt_call call;
    size_t bytes = 0;
    acre_status status = ACRE_BAD_ARGUMENT;
    special_enter(rt, &call);
    if (!call.broken) {
        status = block == NULL ? ACRE_OK : free_checked(rt, &call, block, &bytes);
    }
    special_leave(rt, &call);
    if (status == ACRE_OK && block != NULL) {
        trace(rt, ACRE_RT_DID_FREE, block, bytes);
    }
    return status;
}

static acre_status resize_checked(acre_rt *rt, struct rt_call *call, void *block, size_t bytes)
{
    uint32_t at = position_of_live(rt, block);
    if (at == 0) {
        note_fault(rt, call, block, acre_rt_judge(rt, block));
        return ACRE_BAD_ARGUMENT;
    }
    if (!guard_is_sound(rt, at, rt->engine->length(rt, at))) {
        note_fault(rt, call, block, ACRE_RT_OVERRUN);
        return ACRE_BAD_ARGUMENT;
    }
    uint32_t count = granules_for(rt, guarded_bytes(rt, bytes));
    if (count == 0) {
        return bytes == 0 ? ACRE_BAD_ARGUMENT : ACRE_NO_MEMORY;
    }
    if (!rt->engine->resize(rt, at, count)) {
        return ACRE_NO_MEMORY;
    }
    guard_write(rt, at, count);
    return ACRE_OK;
}

acre_status special_resize(acre_rt *rt, void *block, size_t bytes)
{
    struct rt_call call;
    acre_status status = ACRE_BAD_ARGUMENT;
    special_enter(rt, &call);
    if (!call.broken) {
        status = resize_checked(rt, &call, block, bytes);
    }
    special_leave(rt, &call);
    if (status == ACRE_OK) {
        trace(rt, ACRE_RT_DID_RESIZE, block, bytes);
    }
    return status;
}

void *special_move(
    acre_rt *rt, void *block, size_t old_bytes, acre_rt *to, void *moved, size_t bytes)
{
    if (moved == NULL) {
        return NULL;
    }
    __builtin_memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
    if (acre_rt_free(rt, block) != ACRE_OK) {
        (void)acre_rt_free(
            to, moved); // the block was written to behind its end, and stays to be looked at
        return NULL;
    }
    return moved;
}

size_t acre_rt_drain(acre_rt *rt)
{
    struct rt_call call;
    size_t freed = 0;
    if (!is_special(rt) || rt->posts == NULL) {
        return 0;
    }
    special_enter(rt, &call);
    if (!call.broken) {
        freed = call.drained + drain(rt, &call, UINT32_MAX);
    }
    special_leave(rt, &call);
    return freed;
}
