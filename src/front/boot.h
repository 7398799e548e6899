// boot.h - how the process's heap comes to be.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRONT_BOOT_H
#define ACRE_FRONT_BOOT_H

#include "acre/heap.h"
#include "acre_port.h"

/// The process's heap; NULL until the first allocation.
extern ACRE_PORT_HIDDEN acre_heap *front_heap;

/// Reads the options, chooses the binding, creates the heap and switches malloc and free over, unless
/// that has happened. False if there is no memory for it.
bool front_boot(void);

/// Lets malloc and free use the binding that was chosen.
void front_use_binding(void);

/// Lets a helper look after the heap. Before the heap can be used.
void front_helper_for(acre_heap *heap);

/// Around a fork: waits for the helper's step, lets it go on; and in the child there is none.
void front_helper_fork_prepare(void);
void front_helper_fork_release(void);
void front_helper_fork_child(void);

/// Registers the fork handlers. Once, after the boot.
void front_watch_forks(void);

#endif
