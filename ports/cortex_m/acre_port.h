// acre_port.h - the hot hooks for one Cortex-M: threads and interrupt handlers on one processor. Contract:
// acre/port.h.
//
// There is one slot. A commit is plain stores, and a lock is a few, with interrupts masked by PRIMASK: so thread
// code, an RTOS's tasks and interrupt handlers of any priority that PRIMASK masks may all allocate and free.
// An allocator that says "one at a time" is masked by its caller. Shared pools need no mask where the
// processor has exclusive loads (all but the M0, M0+ and M23); there they are no safer than plain ones.
//
// Cost: four instructions for a mask and its end. The longest time with interrupts off is that of the longest
// stretch under a lock (docs/locking.md).
//
// Whoever links it supplies acre_port_fatal and acre_port_halt (semihosting.c has them), and for a heap a
// page source.
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_H
#define ACRE_PORT_H

#ifdef __ARM_FEATURE_LDREX
#define ACRE_PORT_ATOMICS 1
#else
#define ACRE_PORT_ATOMICS 0
#endif
#define ACRE_PORT_HELPER     0
#define ACRE_PORT_MOVE       0
#define ACRE_PORT_SHORT      0
#define ACRE_PORT_RUNS       0
#define ACRE_PORT_SPAN_BYTES ((size_t)1 << 20)
#define ACRE_PORT_SLOTS_MAX  1
#define ACRE_PORT_TOP_BYTE_0 0

#include "acre/port.h"
#include "base/plain.h"

/// Masks interrupts. Returns what to restore.
static inline uint32_t cortex_m_mask(void)
{
    uint32_t was;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(was) : : "memory");
    return was;
}

static inline void cortex_m_unmask(uint32_t was)
{
    __asm__ volatile("msr primask, %0" : : "r"(was) : "memory");
}

/// Locks are dropped in the opposite order of being taken, so each can keep what interrupts were before it.
typedef struct acre_port_lock {
    uint32_t was;
} acre_port_lock;

static inline void acre_port_lock_take(acre_port_lock *lock)
{
    uint32_t was = cortex_m_mask();
    lock->was = was;
}

static inline void acre_port_lock_drop(acre_port_lock *lock)
{
    cortex_m_unmask(lock->was);
}

static inline unsigned acre_port_slots(void)
{
    return 1;
}

static inline unsigned acre_port_slot_enter(void)
{
    return 0;
}

static inline acre_claim acre_port_slot_claim(unsigned slot)
{
    (void)slot;
    return ACRE_CLAIM_NO;
}

static inline void acre_port_slot_unclaim(unsigned slot)
{
    (void)slot;
}

static inline bool acre_port_barrier(void)
{
    return false;
}

static inline uint32_t acre_port_ms(void)
{
    return 0;
}

/// Nothing interrupts a commit.
static inline uint32_t acre_port_aborts(void)
{
    return 0;
}

static inline acre_block *acre_port_pop(acre_bins *const *bins, size_t at, acre_block **next)
{
    uint32_t was = cortex_m_mask();
    acre_block *block = plain_pop(&bins[0]->bin[at], next);
    cortex_m_unmask(was);
    return block;
}

static inline acre_push acre_port_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    uint32_t was = cortex_m_mask();
    bool here = *owner == seen && (uint16_t)seen == 0;
    acre_push pushed = here ? plain_push(hot, block, mark) : ACRE_FOREIGN;
    cortex_m_unmask(was);
    return pushed;
}

static inline acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    acre_block *next;
    (void)slot;
    uint32_t was = cortex_m_mask();
    *out = plain_pop(bin, &next);
    cortex_m_unmask(was);
    return *out == NULL ? ACRE_BIN_EMPTY : ACRE_POPPED;
}

static inline acre_pop acre_port_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out)
{
    (void)owner;
    return acre_port_pop_on((unsigned)seen, &hot->head, out);
}

static inline bool acre_port_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list)
{
    (void)slot;
    uint32_t was = cortex_m_mask();
    *list = plain_take(hot, due);
    cortex_m_unmask(was);
    return true;
}

static inline bool acre_port_install(unsigned slot, acre_block **head, acre_block *list)
{
    (void)slot;
    uint32_t was = cortex_m_mask();
    bool installed = plain_install(head, list);
    cortex_m_unmask(was);
    return installed;
}

static inline bool acre_port_due_set(unsigned slot, acre_hot *hot, uint16_t due)
{
    (void)slot;
    hot->due = due;
    return true;
}

static inline bool acre_port_due_add(unsigned slot, acre_hot *hot, uint16_t delta)
{
    (void)slot;
    uint32_t was = cortex_m_mask();
    hot->due = (uint16_t)(hot->due + delta);
    cortex_m_unmask(was);
    return true;
}

/// No source of randomness is at hand on every machine: the key finds accidents, not attackers.
static inline uintptr_t acre_port_key(void)
{
    return (uintptr_t)0x5bd1e995;
}

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

#endif
