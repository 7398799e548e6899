// helper.h - a thread of the library's own, for work that nobody should wait for.
//
// It is a thread for the kernel only: libc does not know it (docs/design/0014 says why). So what runs on
// it may use libc's wrappers of system calls, and nothing else of libc, and no slot.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_HELPER_H
#define ACRE_LINUX_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#define HELPER_HIDDEN __attribute__((visibility("hidden")))

/// Remembers which process this is: at its start, and in the child of a fork, which has no helper. Where
/// it was not called, as in a child of vfork, no helper starts.
HELPER_HIDDEN void acre_port_helper_here(void);

/// Starts the helper with `body`, at whose return it ends; one that is just ending is waited for. All
/// signals are blocked in it. Returns false where it cannot be: no memory, too many processes, a filter
/// of system calls. Callers take turns. errno is kept.
HELPER_HIDDEN bool acre_port_helper_start(void (*body)(void));

/// Whether the process has rights that it may give up. A thread that libc does not know keeps them then.
HELPER_HIDDEN bool acre_port_helper_is_privileged(void);

/// For the helper itself: sleeps.
HELPER_HIDDEN void acre_port_helper_sleep(uint32_t ms);

#endif
