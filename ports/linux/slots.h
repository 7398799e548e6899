// slots.h - the bindings of slots in a Linux process: which one, and the leases of the thread binding.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_SLOTS_H
#define ACRE_LINUX_SLOTS_H

#include <stdbool.h>

/// What ACRE_CONF's key `slots` asks for.
enum slots_wanted { SLOTS_AUTO, SLOTS_RSEQ, SLOTS_THREAD };

/// Chooses the binding. Called once, before the first heap is created. False if what was asked for is
/// not to be had and the other was taken.
bool acre_port_slots_choose(enum slots_wanted wanted);

/// Called with each number before a thread first gets it, for heaps whose hit path expects an entry
/// in their table of bins.
void acre_port_slots_on_lease(void (*prepare)(unsigned slot));

/// From now on acre_port_barrier is refused without a system call.
void acre_port_barrier_forbid(void);

/// Lets leases end with their threads. Called once, as soon as threads can have keys.
void acre_port_slots_watch_threads(void);

/// Around fork: locks the leases, and unlocks them once lock.h's gate is closed. In the child, the
/// slots of the threads that are not there any more become free.
void acre_port_slots_fork_prepare(void);
void acre_port_slots_fork_release(void);
void acre_port_slots_fork_child(void);

#endif
