// committed.h - which units of a page source are committed: what both sources of this port share.
//
// A unit is cleared when it is committed, one by one under the lock, so that interrupts are off for no
// longer than clearing one takes. Two callers may want the same one at once, and the first may have
// written to it when the second comes: so it is under the lock that it is looked at and cleared.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_COMMITTED_H
#define ACRE_KERNEL_COMMITTED_H

#include "acre/port/kernel.h"
#include "acre_port.h"

enum { UNIT_BYTES = ACRE_PAGES_UNIT };

static inline acre_port_lock *committed_lock(acre_committed *committed)
{
    return (acre_port_lock *)(void *)committed->lock;
}

static inline unsigned committed_unit(const acre_committed *committed, const void *addr)
{
    return (unsigned)(((uintptr_t)addr - committed->first) / UNIT_BYTES);
}

/// Commits what is not committed yet. Takes the lock.
void committed_add(acre_committed *committed, void *addr, size_t bytes);

/// Forgets what a range held. Takes the lock.
void committed_remove(acre_committed *committed, const void *addr, size_t bytes);

#endif
