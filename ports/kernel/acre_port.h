// acre_port.h - the hot hooks for a kernel on one processor or many. Contract: acre/port.h.
//
// The `cpu` binding: a slot is a processor, and a commit is plain stores with interrupts off, after a
// look which processor this is. A lock spins, and interrupts are off while it is held. So
//
//   * thread code and interrupt handlers may allocate and free, with interrupts on or off;
//   * threads may be preempted and moved between processors at any point;
//   * no lock is ever held across a point where an interrupt may come in;
//   * code that interrupts cannot mask (NMI, machine check) must not allocate.
//
// What a kernel supplies is four functions (acre/port/kernel.h) and a page source; there is a page
// source over a range of memory in pages_range.c.
//
// Cost: a commit on the hit paths is about six instructions more than on `ports/bare`, and the number of
// the processor. Memory that idle processors keep can be taken over when the kernel can interrupt them
// (acre_port_cpus_sync).
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_H
#define ACRE_PORT_H

#ifndef ACRE_PORT_CPUS_MAX
#define ACRE_PORT_CPUS_MAX 256 // processors; one pointer for each in the struct of every heap
#endif

#define ACRE_PORT_ATOMICS    1
#define ACRE_PORT_HELPER     0
#define ACRE_PORT_MOVE       0
#define ACRE_PORT_SHORT      0
#define ACRE_PORT_RUNS       0
#define ACRE_PORT_SPAN_BYTES ((size_t)1 << 30)
#define ACRE_PORT_SLOTS_MAX  ACRE_PORT_CPUS_MAX
#define ACRE_PORT_TOP_BYTE_0 0 // kernels have their direct map in the upper half of addresses

#include "acre/port.h"
#include "acre/port/kernel.h"
#include "base/atomics.h"
#include "base/plain.h"
#include "interrupts.h"

/// A lock that spins. Locks are dropped in the opposite order of being taken, so each can keep what
/// interrupts were before it.
typedef struct acre_port_lock {
    uint32_t taken;
    uintptr_t interrupts; // the owner's
} acre_port_lock;

void acre_port_lock_take(acre_port_lock *lock);
void acre_port_lock_drop(acre_port_lock *lock);

static inline unsigned acre_port_slots(void)
{
    return ACRE_PORT_SLOTS_MAX;
}

static inline unsigned acre_port_slot_enter(void)
{
    return acre_port_cpu();
}

/// Somebody may be on any slot but ours. With interrupts off we could not wait for the others.
static inline acre_claim acre_port_slot_claim(unsigned slot)
{
    (void)slot;
    return acre_port_interrupts_are_on() ? ACRE_CLAIM_SHARED : ACRE_CLAIM_NO;
}

static inline void acre_port_slot_unclaim(unsigned slot)
{
    (void)slot;
}

/// A processor that has taken an interrupt is in no commit that it was in before.
static inline bool acre_port_barrier(void)
{
    return acre_port_interrupts_are_on() && acre_port_cpus_sync();
}

/// Nothing interrupts a commit.
static inline uint32_t acre_port_aborts(void)
{
    return 0;
}

static inline acre_block *acre_port_pop(acre_bins *const *bins, size_t at, acre_block **next)
{
    uintptr_t state = acre_port_interrupts_off();
    acre_block *block = plain_pop(&bins[acre_port_cpu()]->bin[at], next);
    acre_port_interrupts_restore(state);
    return block;
}

static inline acre_push acre_port_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    uintptr_t state = acre_port_interrupts_off();
    bool here = load_relaxed(owner) == seen && (uint16_t)seen == (uint16_t)acre_port_cpu();
    acre_push pushed = here ? plain_push(hot, block, mark) : ACRE_FOREIGN;
    acre_port_interrupts_restore(state);
    return pushed;
}

// The commits of slow paths are functions, which keeps the code small.
acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out);
acre_pop acre_port_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out);
bool acre_port_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list);
bool acre_port_install(unsigned slot, acre_block **head, acre_block *list);
bool acre_port_due_set(unsigned slot, acre_hot *hot, uint16_t due);
bool acre_port_due_add(unsigned slot, acre_hot *hot, uint16_t delta);

/// No clock is asked for: a heap gives memory back as soon as it has too much.
static inline uint32_t acre_port_ms(void)
{
    return 0;
}

/// No source of randomness is at hand on every machine: the key finds accidents, not attackers. The heap
/// mixes its own address in.
static inline uintptr_t acre_port_key(void)
{
    return (uintptr_t)0x9e3779b97f4a7c15;
}

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

#endif
