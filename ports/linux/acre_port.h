// acre_port.h - the hot hooks of the Linux port. Contract: acre/port.h.
//
// Two bindings of slots live in one library, and the process chooses at its first allocation
// (slots.c): `rseq` where the kernel gives threads concurrency ids, else `thread`. Slow paths ask
// here which one it is; free has a hit path for each, malloc one for both (front/hits.h).
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_H
#define ACRE_PORT_H

#define ACRE_PORT_ATOMICS    1
#define ACRE_PORT_HELPER     1
#define ACRE_PORT_MOVE       1
#define ACRE_PORT_SHORT      1
#define ACRE_PORT_RUNS       1
#define ACRE_PORT_SPAN_BYTES ((size_t)1 << 34)
#define ACRE_PORT_SLOTS_MAX  16384
#define ACRE_PORT_TOP_BYTE_0 1

#include "acre/port.h"
#include "base/atomics.h"
#include "base/plain.h"
#include "helper.h"
#include "lock.h"
#include "slots.h"

#define ACRE_PORT_HIDDEN __attribute__((visibility("hidden")))

// Slot numbers of the thread binding. A thread without a slot has 0, which nobody owns anything
// under; one that cannot have any works on the limbo slot, always under its lock.
enum { SLOT_UNLEASED = 0, SLOT_LIMBO = 1, SLOT_FIRST_LEASED = 2 };

/// Distance from the thread pointer to the kernel's rseq area of each thread; 0 in the thread
/// binding. Written once, before the first heap is created.
extern ACRE_PORT_HIDDEN ptrdiff_t acre_port_rseq_area;

/// Pushes that were aborted by the kernel and started again.
extern ACRE_PORT_HIDDEN uint32_t acre_port_abort_count;

/// What the library keeps for a thread: all of it for the thread binding.
struct acre_port_thread {
    unsigned slot;
    unsigned leases; // slots leased so far
};

extern ACRE_PORT_HIDDEN __thread struct acre_port_thread acre_port_thread
    __attribute__((tls_model("initial-exec")));

#include "rseq_commits.h"

ACRE_PORT_HIDDEN unsigned acre_port_slots(void);
ACRE_PORT_HIDDEN unsigned acre_port_slot_lease(void);
ACRE_PORT_HIDDEN acre_claim acre_port_slot_claim(unsigned slot);
ACRE_PORT_HIDDEN void acre_port_slot_unclaim(unsigned slot);
ACRE_PORT_HIDDEN bool acre_port_barrier(void);
ACRE_PORT_HIDDEN uintptr_t acre_port_key(void);
ACRE_PORT_HIDDEN uint32_t acre_port_ms(void);

ACRE_PORT_HIDDEN _Noreturn void acre_port_fatal(
    const char *what, const void *addr, size_t block_bytes);
ACRE_PORT_HIDDEN _Noreturn void acre_port_halt(const char *what, const char *file, int line);

static inline bool acre_port_is_rseq(void)
{
    return acre_port_rseq_area != 0;
}

static inline uint32_t acre_port_aborts(void)
{
    return load_relaxed(&acre_port_abort_count);
}

static inline unsigned acre_port_slot_enter(void)
{
    if (acre_port_is_rseq()) {
        return rseq_slot(acre_port_rseq_area);
    }
    unsigned slot = acre_port_thread.slot;
    return slot != SLOT_UNLEASED ? slot : acre_port_slot_lease();
}

/// The thread binding's pop for a heap whose `bins` has an entry for every leased slot.
static inline acre_block *thread_pop(acre_bins *const *bins, size_t at, acre_block **next)
{
    return plain_pop(&bins[acre_port_thread.slot]->bin[at], next);
}

static inline acre_push thread_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    // What is the thread's own changes through the thread alone: what it has seen still is.
    (void)owner;
    if (__builtin_expect((uint16_t)seen != (uint16_t)acre_port_thread.slot, 0)) {
        return ACRE_FOREIGN;
    }
    return plain_push(hot, block, mark);
}

static inline acre_block *acre_port_pop(acre_bins *const *bins, size_t at, acre_block **next)
{
    if (acre_port_is_rseq()) {
        return rseq_pop(bins, at, next);
    }
    acre_bins *own = bins[acre_port_thread.slot];
    return own == NULL ? NULL : plain_pop(&own->bin[at], next);
}

static inline acre_push acre_port_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    return acre_port_is_rseq() ? rseq_push(hot, owner, seen, block, mark)
                               : thread_push(hot, owner, seen, block, mark);
}

/// Whether the caller may change hot words of `slot` in the thread binding: it is there, or the slot is
/// the limbo slot, where that takes the slot's lock.
static inline bool thread_is_on(unsigned slot)
{
    return slot == acre_port_thread.slot || slot == SLOT_LIMBO;
}

static inline acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    acre_block *next;
    if (acre_port_is_rseq()) {
        return rseq_pop_on(slot, bin, out);
    }
    *out = NULL;
    if (!thread_is_on(slot)) {
        return ACRE_MOVED;
    }
    *out = plain_pop(bin, &next);
    return *out == NULL ? ACRE_BIN_EMPTY : ACRE_POPPED;
}

static inline acre_pop acre_port_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out)
{
    acre_block *next;
    if (acre_port_is_rseq()) {
        return rseq_pop_owned(hot, owner, seen, out);
    }
    *out = NULL;
    if ((uint16_t)seen != (uint16_t)acre_port_thread.slot) { // see thread_push
        return ACRE_MOVED;
    }
    *out = plain_pop(&hot->head, &next);
    return *out == NULL ? ACRE_BIN_EMPTY : ACRE_POPPED;
}

static inline bool acre_port_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list)
{
    if (acre_port_is_rseq()) {
        return rseq_take(slot, hot, due, list);
    }
    if (!thread_is_on(slot)) {
        return false;
    }
    *list = plain_take(hot, due);
    return true;
}

static inline bool acre_port_install(unsigned slot, acre_block **head, acre_block *list)
{
    if (acre_port_is_rseq()) {
        return rseq_install(slot, head, list);
    }
    return thread_is_on(slot) && plain_install(head, list);
}

static inline bool acre_port_due_set(unsigned slot, acre_hot *hot, uint16_t due)
{
    if (acre_port_is_rseq()) {
        return rseq_due_set(slot, hot, due);
    }
    if (!thread_is_on(slot)) {
        return false;
    }
    hot->due = due;
    return true;
}

static inline bool acre_port_due_add(unsigned slot, acre_hot *hot, uint16_t delta)
{
    if (acre_port_is_rseq()) {
        return rseq_due_add(slot, hot, delta);
    }
    if (!thread_is_on(slot)) {
        return false;
    }
    hot->due = (uint16_t)(hot->due + delta);
    return true;
}

#endif
