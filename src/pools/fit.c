// fit.c - a fit heap: take a free block and cut it, free a block and join it with its neighbours.
//
//     alloc   choose a free block; cut off what is not needed, if that can be a block of its own
//     free    join with the free block in front, with the one behind, and put what results on the list
//
// There are never two free blocks side by side. fit_list.c chooses, fit_check.c looks.
// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "pools/fit_block.h"

// Where the calling function returns to: who asked. WebAssembly has no such address.
#if defined(__wasm__)
#define FIT_CALLER() ((const void *)NULL)
#else
#define FIT_CALLER() ((const void *)__builtin_return_address(0))
#endif

_Static_assert((FIT_STATE_MASK & ACRE_FIT_SYSTEM) != 0, "every state fits below a size");
_Static_assert(sizeof(struct fit_debug) % FIT_ALIGN == 0, "a payload is aligned with it, too");

acre_status acre_fit_init(
    void *memory, size_t bytes, acre_fit_policy policy, unsigned flags, acre_fit **out)
{
    if ((unsigned)policy > ACRE_FIT_ADDRESS || (flags & ~(ACRE_FIT_DEBUG | ACRE_FIT_REPORT)) != 0) {
        return ACRE_BAD_ARGUMENT;
    }
    // | struct acre_fit | tag | blocks, each one word before what is aligned | tag |
    uintptr_t start = round_up((uintptr_t)memory, FIT_ALIGN);
    uintptr_t payload = round_up(start + sizeof(acre_fit) + 2 * (size_t)FIT_WORD, FIT_ALIGN);
    uintptr_t end = (uintptr_t)memory + bytes;
    uintptr_t least = payload - FIT_WORD + FIT_BLOCK_MIN + sizeof(struct fit_debug) + FIT_ALIGN;
    if (end < (uintptr_t)memory || least < (uintptr_t)memory || end < least) {
        return ACRE_NO_MEMORY;
    }
    acre_fit *fit = (acre_fit *)start;
    *fit = (acre_fit){.policy = policy, .flags = flags};
    fit->debug_bytes = (flags & ACRE_FIT_DEBUG) != 0 ? sizeof(struct fit_debug) : 0;
    fit->first = (struct fit_block *)(payload - FIT_WORD);
    size_t all = (end - FIT_WORD - (uintptr_t)fit->first) & ~(size_t)FIT_STATE_MASK;
    fit->end = block_at(fit->first, all);
    ((size_t *)(void *)fit->first)[-1] = ACRE_FIT_SYSTEM;
    fit->end->tag = ACRE_FIT_SYSTEM;
    list_init(&fit->free);
    fit->rover = &fit->free;
    block_set(fit->first, all, ACRE_FIT_FREE);
    fit_list_add(fit, fit->first);
    *out = fit;
    return ACRE_OK;
}

/// Bytes of a block for a request; 0 if there can be none. The comparison comes before the sum.
static size_t block_bytes_for(const acre_fit *fit, size_t bytes)
{
    size_t range = (uintptr_t)fit->end - (uintptr_t)fit->first;
    if (bytes == 0 || bytes > range) {
        return 0;
    }
    // The debug form guards at least one word behind what was asked for.
    size_t guard = fit->debug_bytes != 0 ? FIT_WORD : 0;
    size_t block = round_up(bytes + guard + fit->debug_bytes + 2 * (size_t)FIT_WORD, FIT_ALIGN);
    return block < FIT_BLOCK_MIN ? FIT_BLOCK_MIN : block;
}

/// Writes what the debug form knows of a block, and its guard.
static void debug_set(acre_fit *fit, struct fit_block *block, size_t bytes, const void *caller)
{
    if (fit->debug_bytes == 0) {
        return;
    }
    struct fit_debug *debug = block_debug(block);
    debug->caller = caller;
    debug->asked_bytes = bytes;
    debug->serial = fit->serial;
    debug->magic = block_magic(block);
    fit->serial += 1;
    unsigned char *payload = block_payload(fit, block);
    size_t room = payload_bytes(fit, block_bytes(block));
    __builtin_memset(payload + bytes, FIT_GUARD_BYTE, room - bytes);
}

/// Cuts what is behind the first `bytes` of a block off, as a free block, if it can be one. The block
/// behind must not be free.
static void cut(acre_fit *fit, struct fit_block *block, size_t bytes, acre_fit_state state)
{
    size_t rest = block_bytes(block) - bytes;
    if (rest < FIT_BLOCK_MIN + fit->debug_bytes) {
        block->tag = block_bytes(block) | (size_t)state;
        *block_footer(block) = block->tag;
        return;
    }
    block_set(block, bytes, state);
    struct fit_block *cut_off = block_next(block);
    block_set(cut_off, rest, ACRE_FIT_FREE);
    fit_list_add(fit, cut_off);
}

static void count_live(acre_fit *fit, size_t bytes)
{
    fit->live_bytes += bytes;
    fit->peak_bytes = fit->live_bytes > fit->peak_bytes ? fit->live_bytes : fit->peak_bytes;
}

/// Makes a free block live, as large as a request needs.
static void *take(
    acre_fit *fit, struct fit_block *block, size_t bytes, size_t asked_bytes, const void *caller)
{
    fit_list_remove(fit, block);
    cut(fit, block, bytes, ACRE_FIT_LIVE);
    debug_set(fit, block, asked_bytes, caller);
    count_live(fit, block_bytes(block));
    return block_payload(fit, block);
}

static void *alloc_for(acre_fit *fit, size_t bytes, const void *caller)
{
    size_t needed = block_bytes_for(fit, bytes);
    struct fit_block *block = needed == 0 ? NULL : fit_list_search(fit, needed);
    return block == NULL ? NULL : take(fit, block, needed, bytes, caller);
}

void *acre_fit_alloc(acre_fit *fit, size_t bytes)
{
    return alloc_for(fit, bytes, FIT_CALLER());
}

void *acre_fit_calloc(acre_fit *fit, size_t count, size_t bytes)
{
    size_t all;
    if (!mul_size(count, bytes, &all)) {
        return NULL;
    }
    void *block = alloc_for(fit, all, FIT_CALLER());
    if (block != NULL) {
        __builtin_memset(block, 0, all);
    }
    return block;
}

void *acre_fit_alloc_largest(acre_fit *fit, size_t at_least, size_t at_most, size_t *got)
{
    struct fit_block *block = fit_list_largest(fit);
    *got = 0;
    if (block == NULL || at_most == 0) {
        return NULL;
    }
    size_t guard = fit->debug_bytes != 0 ? FIT_WORD : 0;
    size_t bytes = payload_bytes(fit, block_bytes(block)) - guard;
    bytes = bytes < at_most ? bytes : at_most;
    if (bytes < at_least) {
        return NULL;
    }
    *got = bytes;
    return take(fit, block, block_bytes_for(fit, bytes), bytes, FIT_CALLER());
}

/// Tells of misuse: ends the program, or makes the caller return.
static acre_status refuse(const acre_fit *fit, const char *what, const void *payload)
{
    if ((fit->flags & ACRE_FIT_REPORT) == 0) {
        acre_port_fatal(what, payload, 0);
    }
    return ACRE_BAD_ARGUMENT;
}

/// Makes a block free and joins it with its neighbours. Tags that are then inside of a free block are
/// cleared, so that freeing what they belonged to once more is found out.
static void release(acre_fit *fit, struct fit_block *block)
{
    size_t bytes = block_bytes(block);
    struct fit_block *next = block_next(block);
    if (block_state(next) == ACRE_FIT_FREE) {
        fit_list_remove(fit, next);
        bytes += block_bytes(next);
        next->tag = 0;
    }
    if (block_prev_state(block) == ACRE_FIT_FREE) {
        struct fit_block *prev = block_prev(block);
        fit_list_remove(fit, prev);
        bytes += block_bytes(prev);
        block->tag = 0;
        block = prev;
    }
    block_set(block, bytes, ACRE_FIT_FREE);
    fit_list_add(fit, block);
}

acre_status acre_fit_free(acre_fit *fit, void *payload)
{
    if (payload == NULL) {
        return ACRE_OK;
    }
    const char *wrong = fit_misuse(fit, payload);
    if (wrong != NULL) {
        return refuse(fit, wrong, payload);
    }
    struct fit_block *block = block_of_payload(fit, payload);
    fit->live_bytes -= block_bytes(block);
    if (fit->debug_bytes != 0) {
        block_debug(block)->magic = 0;
        __builtin_memset(payload, FIT_FILL_BYTE, payload_bytes(fit, block_bytes(block)));
    }
    release(fit, block);
    return ACRE_OK;
}

/// Resizes a block in place. False: the block behind is not free, or not large enough.
static bool resize(acre_fit *fit, struct fit_block *block, size_t bytes)
{
    size_t old_bytes = block_bytes(block);
    size_t all = old_bytes;
    struct fit_block *next = block_next(block);
    if (block_state(next) == ACRE_FIT_FREE) {
        all += block_bytes(next);
    }
    if (all < bytes) {
        return false;
    }
    if (all != old_bytes) {
        fit_list_remove(fit, next);
        block_set(block, all, ACRE_FIT_LIVE);
        next->tag = 0;
    }
    cut(fit, block, bytes, ACRE_FIT_LIVE);
    fit->live_bytes -= old_bytes;
    count_live(fit, block_bytes(block));
    return true;
}

void *acre_fit_realloc(acre_fit *fit, void *payload, size_t bytes)
{
    const void *caller = FIT_CALLER();
    if (payload == NULL) {
        return alloc_for(fit, bytes, caller);
    }
    const char *wrong = fit_misuse(fit, payload);
    if (wrong != NULL) {
        (void)refuse(fit, wrong, payload);
        return NULL;
    }
    struct fit_block *block = block_of_payload(fit, payload);
    size_t needed = block_bytes_for(fit, bytes);
    if (needed == 0) {
        return NULL;
    }
    if (resize(fit, block, needed)) {
        debug_set(fit, block, bytes, caller);
        return payload;
    }
    void *moved = alloc_for(fit, bytes, caller);
    if (moved != NULL) {
        __builtin_memcpy(moved, payload, acre_fit_size(fit, payload)); // it had to grow
        (void)acre_fit_free(fit, payload);
    }
    return moved;
}

acre_status acre_fit_reserve(acre_fit *fit, void *addr, size_t bytes)
{
    const uintptr_t first = (uintptr_t)fit->first;
    const uintptr_t last = (uintptr_t)fit->end - FIT_WORD; // of the last block's tag
    if ((uintptr_t)addr < first + FIT_WORD || (uintptr_t)addr > last || bytes == 0 ||
        bytes > last - (uintptr_t)addr) {
        return ACRE_BAD_ARGUMENT;
    }
    // From a tag in front of it to a tag behind it, where blocks may start and end.
    uintptr_t from = first + (((uintptr_t)addr - FIT_WORD - first) & ~(uintptr_t)FIT_STATE_MASK);
    uintptr_t to = first + round_up((uintptr_t)addr + bytes + FIT_WORD - first, FIT_ALIGN);
    struct fit_block *block = fit->first;
    while ((uintptr_t)block_next(block) <= from) {
        block = block_next(block);
    }
    uintptr_t end = (uintptr_t)block_next(block);
    if (block_state(block) != ACRE_FIT_FREE || to > end) {
        return ACRE_NO_MEMORY;
    }
    fit_list_remove(fit, block);
    size_t front = from - (uintptr_t)block;
    if (front >= FIT_BLOCK_MIN + fit->debug_bytes) {
        block_set(block, front, ACRE_FIT_FREE);
        fit_list_add(fit, block);
        block = block_at(block, front);
        block->tag = (end - from) | (size_t)ACRE_FIT_SYSTEM;
    }
    cut(fit, block, to - (uintptr_t)block, ACRE_FIT_SYSTEM);
    return ACRE_OK;
}
