// relay.c - standing between a program and the signals of its caller without being noticed.
//
// No handler is installed: every signal is blocked and fetched with sigwaitinfo. So there is no
// moment at which one can be lost, and the dispositions that the program inherits (nohup ignores
// SIGHUP, a shell's background job SIGINT) are never touched.
//
// What comes from the terminal reached the whole process group, the program included, and is not
// passed on. Everything else was sent to acre and is meant for the program.
//
//     ^Z -> SIGTSTP to both. acre holds it back; the program stops, or catches it and goes on.
//           If it stops, acre stops by the same signal, and the shell sees the job stopped.
//     fg -> SIGCONT to both.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "relay.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL_SIGNAL_BASE 128 // what a shell adds to the number of a signal

// Signals that a fault or a limit of acre itself raises. Blocking them would change nothing, or
// hang.
static const int relay_own_signals[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,
                                        SIGSYS,  SIGABRT, SIGPIPE, SIGXCPU, SIGXFSZ};

void relay_begin(struct relay *relay)
{
    relay->interrupt = 0;
    sigfillset(&relay->taken);
    for (size_t i = 0; i < sizeof relay_own_signals / sizeof relay_own_signals[0]; i++) {
        sigdelset(&relay->taken, relay_own_signals[i]);
    }
    // A caller that ignores SIGCHLD would have the kernel throw away the program's status.
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &standard, &relay->old_sigchld);
    sigprocmask(SIG_BLOCK, &relay->taken, &relay->old_mask);
}

void relay_end(const struct relay *relay)
{
    sigaction(SIGCHLD, &relay->old_sigchld, NULL);
    sigprocmask(SIG_SETMASK, &relay->old_mask, NULL);
}

// Whether the kernel sent the signal to the whole process group on behalf of the terminal.
static bool relay_reached_group(const siginfo_t *info)
{
    if (info->si_code <= 0) {
        return false; // from a process: kill, sigqueue, tgkill
    }
    switch (info->si_signo) {
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGHUP:
    case SIGCONT:
    case SIGWINCH:
        return true;
    default:
        return false; // an alarm that was set before acre was started, for one
    }
}

static void relay_pass_on(struct relay *relay, pid_t child, const siginfo_t *info)
{
    int sig = info->si_signo;
    bool from_process = info->si_code <= 0;
    if (from_process && info->si_pid == child) {
        return; // it signals its process group, and so had it already
    }
    if (sig == SIGINT || sig == SIGQUIT || sig == SIGTERM || sig == SIGHUP) {
        relay->interrupt = sig;
    }
    if (relay_reached_group(info)) {
        return;
    }
    if (info->si_code == SI_QUEUE) {
        sigqueue(child, sig, info->si_value);
    } else {
        kill(child, sig);
    }
}

// Stops this process as `sig` stopped the program. Returns when it is continued.
static void relay_stop(int sig)
{
    struct sigaction action;
    if (sigaction(sig, NULL, &action) != 0 || action.sa_handler == SIG_IGN) {
        sig = SIGSTOP;
    }
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, sig);
    // The terminal's own signal may be waiting already; two that wait count as one.
    kill(getpid(), sig);
    sigset_t before;
    sigprocmask(SIG_UNBLOCK, &only, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int relay_wait(struct relay *relay, pid_t child, struct rusage *usage)
{
    for (;;) {
        siginfo_t info;
        int sig = sigwaitinfo(&relay->taken, &info);
        if (sig < 0) {
            continue;
        }
        if (sig != SIGCHLD) {
            relay_pass_on(relay, child, &info);
            continue;
        }
        int status = 0;
        while (wait4(child, &status, WNOHANG | WUNTRACED, usage) == child) {
            if (!WIFSTOPPED(status)) {
                return status;
            }
            relay_stop(WSTOPSIG(status));
        }
    }
}

int relay_shell_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? SHELL_SIGNAL_BASE + WTERMSIG(wait_status)
                                    : WEXITSTATUS(wait_status);
}

int relay_end_like(int wait_status)
{
    if (!WIFSIGNALED(wait_status)) {
        return relay_shell_status(wait_status);
    }
    int sig = WTERMSIG(wait_status);
    // The program has written its core; ours would only hide it.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(sig, &standard, NULL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, sig);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    kill(getpid(), sig);
    // Process 1 of a container is not killed by its own signal.
    return relay_shell_status(wait_status);
}
