// port_sim.c - the sim port's commits, locks, claims and ends. See acre_port.h.
//
// A commit's body is what its restartable sequence in ports/linux does, one access to memory a step.
// Before each stands a step, then a look whether the thread has moved (moved_since).
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "acre_port.h"

// A lock that another thread has is tried this often before the test is said to hang.
enum { LOCK_TRIES_MAX = 1000000 };

static struct sim_thread only_thread;

struct sim_port acre_sim = {.self = &only_thread, .slots = 4, .key = (uintptr_t)0x9e3779b97f4a7c15};

void (*acre_sim_step)(void);

static struct sim_end *caught; // NULL outside sim_catch
static jmp_buf catch_return;

void sim_reset(void)
{
    only_thread = (struct sim_thread){.slot = 0};
    acre_sim_step = NULL;
    acre_sim =
        (struct sim_port){.self = &only_thread, .slots = 4, .key = (uintptr_t)0x9e3779b97f4a7c15};
    for (unsigned i = 0; i < ACRE_PORT_SLOTS_MAX; i++) {
        acre_sim.claims[i] = ACRE_CLAIM_SHARED;
    }
}

// ---- commits -------------------------------------------------------------------------------------

/// Whether a commit that began when the thread had moved `moves` times must start again.
static bool moved_since(uint32_t moves)
{
    sim_step();
    return acre_sim.self->moves != moves;
}

static bool pop_once(acre_bins *const *bins, size_t at, acre_block **next, acre_block **out)
{
    uint32_t moves = acre_sim.self->moves;
    if (moved_since(moves)) {
        return false;
    }
    unsigned slot = sim_slot();
    if (moved_since(moves)) {
        return false;
    }
    acre_bins *own = bins[slot];
    if (moved_since(moves)) {
        return false;
    }
    *out = own == NULL ? NULL : own->bin[at];
    if (*out == NULL) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    acre_block *rest = (*out)->next;
    if (moved_since(moves)) {
        return false;
    }
    *next = rest;
    own->bin[at] = rest;
    return true;
}

acre_block *acre_port_pop(acre_bins *const *bins, size_t at, acre_block **next)
{
    acre_block *block;
    while (!pop_once(bins, at, next, &block)) {
    }
    return block;
}

static bool push_once(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark,
    acre_push *out)
{
    uint32_t moves = acre_sim.self->moves;
    if (moved_since(moves)) {
        return false;
    }
    unsigned slot = sim_slot();
    if (moved_since(moves)) {
        return false;
    }
    if (*owner != seen || (seen & 0xffff) != slot) {
        *out = ACRE_FOREIGN;
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    acre_block *head = hot->head;
    if (moved_since(moves)) {
        return false;
    }
    block->next = head;
    if (moved_since(moves)) {
        return false;
    }
    block->tag = (uintptr_t)head ^ mark;
    if (moved_since(moves)) {
        return false;
    }
    hot->due = (uint16_t)(hot->due - 1);
    *out = (int16_t)hot->due <= 0 ? ACRE_PUSHED_DUE : ACRE_PUSHED;
    if (moved_since(moves)) {
        return false;
    }
    hot->head = block;
    return true;
}

acre_push acre_port_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    acre_push pushed;
    while (!push_once(hot, owner, seen, block, mark, &pushed)) {
        acre_sim.aborts += 1;
    }
    return pushed;
}

/// The beginning of every commit for a given slot. False: start again.
static bool begin_on(unsigned slot, uint32_t *moves, bool *moved)
{
    *moves = acre_sim.self->moves;
    if (moved_since(*moves)) {
        return false;
    }
    *moved = sim_slot() != slot;
    return true;
}

static bool pop_on_once(unsigned slot, acre_block **bin, acre_block **out, acre_pop *result)
{
    uint32_t moves;
    bool moved;
    *out = NULL;
    if (!begin_on(slot, &moves, &moved)) {
        return false;
    }
    *result = moved ? ACRE_MOVED : ACRE_BIN_EMPTY;
    if (moved) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    acre_block *block = *bin;
    if (block == NULL) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    acre_block *rest = block->next;
    if (moved_since(moves)) {
        return false;
    }
    *bin = rest;
    *out = block;
    *result = ACRE_POPPED;
    return true;
}

acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    acre_pop result;
    while (!pop_on_once(slot, bin, out, &result)) {
    }
    return result;
}

static bool pop_owned_once(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out, acre_pop *result)
{
    uint32_t moves;
    bool moved;
    *out = NULL;
    if (!begin_on((uint16_t)seen, &moves, &moved) || moved_since(moves)) {
        return false;
    }
    moved = moved || *owner != seen;
    *result = moved ? ACRE_MOVED : ACRE_BIN_EMPTY;
    if (moved) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    acre_block *block = hot->head;
    if (block == NULL) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    acre_block *after = block->next;
    if (moved_since(moves)) {
        return false;
    }
    hot->head = after;
    *out = block;
    *result = ACRE_POPPED;
    return true;
}

acre_pop acre_port_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out)
{
    acre_pop result;
    while (!pop_owned_once(hot, owner, seen, out, &result)) {
    }
    return result;
}

static bool take_once(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list, bool *moved)
{
    uint32_t moves;
    if (!begin_on(slot, &moves, moved)) {
        return false;
    }
    if (*moved) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    acre_block *head = hot->head;
    if (moved_since(moves)) {
        return false;
    }
    hot->due = due;
    if (moved_since(moves)) {
        return false;
    }
    hot->head = NULL;
    *list = head;
    return true;
}

bool acre_port_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list)
{
    bool moved;
    while (!take_once(slot, hot, due, list, &moved)) {
    }
    return !moved;
}

static bool install_once(unsigned slot, acre_block **head, acre_block *list, bool *refused)
{
    uint32_t moves;
    if (!begin_on(slot, &moves, refused)) {
        return false;
    }
    if (*refused) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    *refused = *head != NULL;
    if (*refused) {
        return true;
    }
    if (moved_since(moves)) {
        return false;
    }
    *head = list;
    return true;
}

bool acre_port_install(unsigned slot, acre_block **head, acre_block *list)
{
    bool refused;
    while (!install_once(slot, head, list, &refused)) {
    }
    return !refused;
}

/// `due` becomes keep * due + add: one instruction on its own word, so one step.
static bool due_change(unsigned slot, acre_hot *hot, uint16_t keep, uint16_t add)
{
    while (true) {
        uint32_t moves;
        bool moved;
        if (!begin_on(slot, &moves, &moved)) {
            continue;
        }
        if (moved) {
            return false;
        }
        if (!moved_since(moves)) {
            hot->due = (uint16_t)(keep * hot->due + add);
            return true;
        }
    }
}

bool acre_port_due_set(unsigned slot, acre_hot *hot, uint16_t due)
{
    return due_change(slot, hot, 0, due);
}

bool acre_port_due_add(unsigned slot, acre_hot *hot, uint16_t delta)
{
    return due_change(slot, hot, 1, delta);
}

// ---- locks, claims -------------------------------------------------------------------------------

void acre_port_lock_take(acre_port_lock *lock)
{
    struct sim_thread *self = acre_sim.self;
    sim_step();
    for (unsigned tries = 0; lock->owner != NULL; tries++) {
        if (lock->owner == self) {
            acre_port_halt("a thread takes a lock that it has", __FILE__, __LINE__);
        }
        if (acre_sim_step == NULL || tries == LOCK_TRIES_MAX) {
            acre_port_halt("a lock is never dropped", __FILE__, __LINE__);
        }
        self->waits_for = lock;
        acre_sim_step();
    }
    self->waits_for = NULL;
    lock->owner = self;
    self->locks_held += 1;
}

void acre_port_lock_drop(acre_port_lock *lock)
{
    struct sim_thread *self = acre_sim.self;
    sim_step();
    if (lock->owner != self) {
        acre_port_halt("a lock is dropped by a thread that has it not", __FILE__, __LINE__);
    }
    lock->owner = NULL;
    self->locks_held -= 1;
}

acre_claim acre_port_slot_claim(unsigned slot)
{
    sim_step();
    acre_claim claim = acre_sim.claims[slot];
    if (acre_sim.claim != NULL) {
        claim = acre_sim.claim(slot);
    } else if (slot == sim_slot()) {
        claim = ACRE_CLAIM_NO;
    }
    if (claim == ACRE_CLAIM_EXCLUSIVE) {
        if (acre_sim.claimed[slot]) {
            return ACRE_CLAIM_NO;
        }
        acre_sim.claimed[slot] = true;
    }
    return claim;
}

void acre_port_slot_unclaim(unsigned slot)
{
    sim_step();
    if (!acre_sim.claimed[slot]) {
        acre_port_halt("a slot is unclaimed that nobody claimed", __FILE__, __LINE__);
    }
    acre_sim.claimed[slot] = false;
}

bool acre_port_barrier(void)
{
    sim_step();
    acre_sim.barriers += 1;
    if (acre_sim.self->locks_held != 0) {
        acre_port_halt("a barrier under a lock", __FILE__, __LINE__);
    }
    return acre_sim.barrier != NULL ? acre_sim.barrier() : !acre_sim.barrier_fails;
}

// ---- ends ----------------------------------------------------------------------------------------

struct sim_end sim_catch(void (*act)(void *context), void *context)
{
    static struct sim_end end; // static: its values live through the jump
    end = (struct sim_end){.how = SIM_RETURNED};
    caught = &end;
    if (setjmp(catch_return) == 0) {
        act(context);
    }
    caught = NULL;
    return end;
}

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes)
{
    if (caught != NULL) {
        *caught = (struct sim_end){
            .how = SIM_FATAL, .what = what, .addr = addr, .block_bytes = block_bytes};
        longjmp(catch_return, 1);
    }
    (void)fprintf(stderr, "acre: %s: %p (block of %zu bytes)\n", what, addr, block_bytes);
    abort();
}

_Noreturn void acre_port_halt(const char *what, const char *file, int line)
{
    if (caught != NULL) {
        *caught = (struct sim_end){.how = SIM_HALTED, .what = what};
        longjmp(catch_return, 1);
    }
    (void)fprintf(stderr, "acre: %s:%d: %s\n", file, line, what);
    abort();
}
