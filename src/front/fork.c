// fork.c - fork with threads: the child has one thread and all of the memory.
//
// Before the fork every lock is taken, so that nothing they guard is half done. Hot words need no
// lock: a commit that the fork interrupts has not happened in the child, but for `due`, of which
// acre_port_aborts warns. The handlers are registered before those of anybody else (the library is
// linked with -z initfirst), so that they run last before the fork and first after it: other handlers
// may allocate, and may wait for threads that do. Should one be registered earlier still, it may
// allocate at least: the forking thread passes its own gate (ports/linux/lock.h).
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "front/boot.h"
#include "heap/giveback.h"
#include "heap/slot.h"

/// Every lock opens again: the gate keeps all others out of what they guard.
static void unlock_all(void)
{
    front_helper_fork_release();
    acre_port_slots_fork_release();
    if (front_heap != NULL) {
        slot_unlock_all(front_heap);
    }
}

static void fork_prepare(void)
{
    front_helper_fork_prepare();
    if (front_heap != NULL) {
        slot_lock_all(front_heap);
    }
    acre_port_slots_fork_prepare();
    acre_port_lock_gate_close();
    unlock_all();
}

static void fork_parent(void)
{
    acre_port_lock_gate_open();
}

static void fork_child(void)
{
    // A thread at the gate has a lock for a moment before it gives it back. In the child nobody does.
    front_helper_fork_child();
    if (front_heap != NULL) {
        slot_reset_locks(front_heap);
    }
    acre_port_slots_fork_child();
    acre_port_lock_gate_open(); // wakes nobody: waiters are the parent's
    if (front_heap != NULL && front_heap->helper != NULL) {
        giveback_forget(front_heap);
    }
}

void front_watch_forks(void)
{
    // Refused only for want of memory, and then a fork with threads is as unsafe as without us.
    (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}
