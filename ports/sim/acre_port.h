// acre_port.h - the hot hooks of the sim port: a test decides what happens. Contract: acre/port.h.
//
// Simulated threads take turns on one real one, so everything here is plain C. Before each access to
// a word that threads share stands a step: a call to acre_sim_step, when it is set. There a test may
//
//   move the thread that runs       sim_move(slot); a commit it was in starts again
//   preempt it                      sim_move(sim_slot()); the same, on the slot it was on
//   let another thread run          switch to it and set acre_sim.self; when it comes back the thread
//                                   must count as moved if another was on its slot meanwhile
//
// Commits are functions (port_sim.c) that look after each step whether the thread has moved since
// they began, and if so start again, exactly as a restartable sequence does.
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_H
#define ACRE_PORT_H

#ifdef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_4 // all but the smallest processors
#define ACRE_PORT_ATOMICS 1
#else
#define ACRE_PORT_ATOMICS 0
#endif
#define ACRE_PORT_HELPER     1
#define ACRE_PORT_MOVE       1
#define ACRE_PORT_SHORT      1
#define ACRE_PORT_RUNS       1
#define ACRE_PORT_SPAN_BYTES ((size_t)1 << 28)
#define ACRE_PORT_SLOTS_MAX  64
#define ACRE_PORT_TOP_BYTE_0 (__SIZEOF_POINTER__ > 4)

#include "acre/port.h"

typedef struct acre_port_lock acre_port_lock;

/// A simulated thread. The scheduler owns these; without one there is a single thread.
struct sim_thread {
    unsigned slot;
    uint32_t moves;                  // times moved or preempted
    unsigned locks_held;             // a page source must not be called under a lock
    const acre_port_lock *waits_for; // the lock that it wants and another has; NULL if none
};

struct acre_port_lock {
    struct sim_thread *owner; // NULL = open
};

/// All that a test may set or look at. sim_reset makes everything as new.
struct sim_port {
    struct sim_thread *self; // the thread that runs; never NULL after sim_reset
    unsigned slots;          // what acre_port_slots answers; 4 after sim_reset
    uintptr_t key;
    uint32_t aborts; // pushes that started again
    uint32_t ms;     // what acre_port_ms answers: no clock after sim_reset

    // Taking over. `claims` holds the answer for each slot, ACRE_CLAIM_SHARED after sim_reset; the
    // slot that the caller is on is never to be had. Functions, where set, answer instead.
    acre_claim claims[ACRE_PORT_SLOTS_MAX];
    bool claimed[ACRE_PORT_SLOTS_MAX]; // exclusively, not unclaimed yet: no thread may be put there
    bool barrier_fails;
    unsigned barriers; // how many were asked for
    acre_claim (*claim)(unsigned slot);
    bool (*barrier)(void);

    // Compare-and-swaps so far, and which one of them fails though the word is as expected; 0 = none.
    uint32_t cas_count;
    uint32_t cas_fail_at;
};

extern struct sim_port acre_sim;

/// Called at each step when not NULL.
extern void (*acre_sim_step)(void);

/// Makes the port as new: one thread on slot 0, no hooks.
void sim_reset(void);

static inline unsigned sim_slot(void)
{
    return acre_sim.self->slot;
}

/// Puts the running thread on `slot`, be it the one it was on: a commit under way starts again.
static inline void sim_move(unsigned slot)
{
    acre_sim.self->slot = slot;
    acre_sim.self->moves += 1;
}

static inline void sim_step(void)
{
    if (acre_sim_step != NULL) {
        acre_sim_step();
    }
}

static inline bool sim_cas_fails(void)
{
    acre_sim.cas_count += 1;
    return acre_sim.cas_count == acre_sim.cas_fail_at;
}

#define ACRE_PORT_STEP()      sim_step()
#define ACRE_PORT_CAS_FAILS() sim_cas_fails()

/// How an act ended: by itself, by a misuse that was found, or by a check that failed.
struct sim_end {
    enum { SIM_RETURNED, SIM_FATAL, SIM_HALTED } how;
    const char *what;
    const void *addr;   // SIM_FATAL
    size_t block_bytes; // SIM_FATAL
};

/// Runs `act`, ended at once by a call to acre_port_fatal or acre_port_halt. After such an end locks
/// may still be taken and the heap is good for nothing: only its page source may be used again.
/// Without this, both end the program with a message.
struct sim_end sim_catch(void (*act)(void *context), void *context);

/// Locks. Where a taken one is wanted without a scheduler, or for ever with one, the test halts.
void acre_port_lock_take(acre_port_lock *lock);
void acre_port_lock_drop(acre_port_lock *lock);

static inline unsigned acre_port_slots(void)
{
    return acre_sim.slots;
}

static inline unsigned acre_port_slot_enter(void)
{
    sim_step();
    return sim_slot();
}

static inline uint32_t acre_port_ms(void)
{
    return acre_sim.ms;
}

static inline uint32_t acre_port_aborts(void)
{
    sim_step();
    return acre_sim.aborts;
}

static inline uintptr_t acre_port_key(void)
{
    return acre_sim.key;
}

acre_claim acre_port_slot_claim(unsigned slot);
void acre_port_slot_unclaim(unsigned slot);
bool acre_port_barrier(void);

acre_block *acre_port_pop(acre_bins *const *bins, size_t at, acre_block **next);
acre_push acre_port_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark);
acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out);
acre_pop acre_port_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out);
bool acre_port_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list);
bool acre_port_install(unsigned slot, acre_block **head, acre_block *list);
bool acre_port_due_set(unsigned slot, acre_hot *hot, uint16_t due);
bool acre_port_due_add(unsigned slot, acre_hot *hot, uint16_t delta);

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

#endif
