// acre_port.h - the bare port: one slot, one thread, no locks. A start for a microcontroller or for
// a kernel that has not started its other CPUs; it masks no interrupts, so interrupt handlers must
// not allocate. docs/porting.md tells how to grow it.
//
// Whoever links it supplies acre_port_fatal, acre_port_halt and a page source.
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_H
#define ACRE_PORT_H

#define ACRE_PORT_ATOMICS    0
#define ACRE_PORT_HELPER     0
#define ACRE_PORT_MOVE       0
#define ACRE_PORT_SHORT      0
#define ACRE_PORT_RUNS       0
#define ACRE_PORT_SPAN_BYTES ((size_t)1 << 22)
#define ACRE_PORT_SLOTS_MAX  1
#define ACRE_PORT_TOP_BYTE_0 0

#include "acre/port.h"
#include "base/plain.h"

typedef struct acre_port_lock {
    unsigned char unused;
} acre_port_lock;

static inline void acre_port_lock_take(acre_port_lock *lock)
{
    (void)lock;
}

static inline void acre_port_lock_drop(acre_port_lock *lock)
{
    (void)lock;
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

static inline uint32_t acre_port_aborts(void)
{
    return 0;
}

static inline acre_block *acre_port_pop(acre_bins *const *bins, size_t at, acre_block **next)
{
    return plain_pop(&bins[0]->bin[at], next);
}

static inline acre_push acre_port_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    (void)owner; // nobody could have changed it
    return (uint16_t)seen == 0 ? plain_push(hot, block, mark) : ACRE_FOREIGN;
}

static inline acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    acre_block *next;
    (void)slot;
    *out = plain_pop(bin, &next);
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
    *list = plain_take(hot, due);
    return true;
}

static inline bool acre_port_install(unsigned slot, acre_block **head, acre_block *list)
{
    (void)slot;
    return plain_install(head, list);
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
    hot->due = (uint16_t)(hot->due + delta);
    return true;
}

static inline uintptr_t acre_port_key(void)
{
    return (uintptr_t)0x5bd1e995; // no source of randomness here: the key only finds accidents
}

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

#endif
