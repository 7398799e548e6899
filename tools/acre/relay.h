// relay.h - standing between a program and the signals of its caller without being noticed.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_RELAY_H
#define ACRE_TOOL_RELAY_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

/// The state of one relaying, from relay_begin to relay_end.
struct relay {
    sigset_t taken;               // signals that wait for relay_wait
    sigset_t old_mask;            // the mask before
    struct sigaction old_sigchld; // how children's ends were handled before
    int interrupt;                // last of SIGINT, SIGQUIT, SIGTERM, SIGHUP seen, or 0
};

/// Takes over the signals; to be called before the program is started.
void relay_begin(struct relay *relay);

/// Gives the signals back: in the parent at the end, in the child before it becomes the program.
void relay_end(const struct relay *relay);

/// Waits until the program `child` has ended, passing signals on, and stopping and continuing with
/// it. Returns its status as wait4(2) tells it, and what it used.
int relay_wait(struct relay *relay, pid_t child, struct rusage *usage);

/// Returns the exit status that a shell gives to a program that ended so: of a signal, 128 and its
/// number.
int relay_shell_status(int wait_status);

/// Ends this process as the program ended: with its exit status, or by the same signal. Returns the
/// exit status to end with if the signal did not do it.
int relay_end_like(int wait_status);

#endif
