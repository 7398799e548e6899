// interrupt.h - does to a function with a restartable sequence what the kernel does when it takes the
// processor away: at a chosen instruction inside the sequence, the thread continues at the abort
// address; before it, where it was, and what was announced is forgotten.
//
// The kernel is left out. acre's rseq area is one of ours, a thread-local variable, so that the tests
// choose the slot and see the descriptors, and so that they run where there is no rseq at all, as
// under qemu-user. How the thread is stopped at the chosen instruction differs between machines:
// interrupt_x86_64.h steps, interrupt_aarch64.h plants breakpoints.
//
// What the kernel would check is checked at each abort: version and flags, the alignment of the
// descriptor, and the signature before the abort address. Also checked is that the announcement is made
// inside the sequence or just before it, and nowhere else, where the kernel would forget it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TEST_INTERRUPT_H
#define ACRE_TEST_INTERRUPT_H

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "../conform/conform.h"
#include "acre_port.h"

/// A thread is interrupted at most so often in one run.
enum { INTERRUPTS_MAX = 2 };

/// What a descriptor says (Linux, include/uapi/linux/rseq.h).
struct interrupt_sequence {
    uint32_t version;
    uint32_t flags;
    uint64_t start;
    uint64_t length;
    uint64_t abort;
};

/// The part of the area that the kernel and the program share.
struct interrupt_area {
    uint32_t cpu_id_start;
    uint32_t cpu_id;
    uint64_t sequence;
    uint32_t flags;
    uint32_t node_id;
    uint32_t mm_cid;
};

/// One thing to try.
struct interrupt_trial {
    void (*prepare)(void);   // sets the scene; called before each run
    void (*act)(void);       // runs one sequence, over and over while it is aborted
    void (*meanwhile)(void); // what others do while the thread is away
    void (*committed)(void); // called when the thread leaves the sequence at its end
};

static __thread struct interrupt_area interrupt_area __attribute__((aligned(32)));

// Of the run that is under way.
static const struct interrupt_trial *interrupt_trial;
static unsigned interrupt_at[INTERRUPTS_MAX]; // places, counted from where the thread started over
static unsigned interrupt_wanted;
static unsigned interrupt_done;
static unsigned interrupt_aborts; // of those done: inside the sequence

/// The sequence that the thread has announced last; NULL if none, or it was aborted.
static inline const struct interrupt_sequence *interrupt_announced(void)
{
    return (const struct interrupt_sequence *)(uintptr_t)interrupt_area.sequence;
}

/// Whether an instruction is one of the announced sequence.
static inline bool interrupt_is_inside(uint64_t pc)
{
    const struct interrupt_sequence *now = interrupt_announced();
    return now != NULL && pc - now->start < now->length;
}

/// Takes the processor away before the instruction at `pc`. Returns where the thread continues.
static inline uint64_t interrupt_thread(uint64_t pc, uint32_t signature)
{
    const struct interrupt_sequence *now = interrupt_announced();
    if (interrupt_is_inside(pc)) {
        uint32_t before_abort;
        memcpy(&before_abort, (const char *)(uintptr_t)now->abort - 4, sizeof(before_abort));
        (void)CHECK(now->version == 0 && now->flags == 0);
        (void)CHECK((uintptr_t)now % 32 == 0);
        (void)CHECK(before_abort == signature);
        (void)CHECK(now->abort - now->start >= now->length);
        interrupt_aborts += 1;
        pc = now->abort;
    } else {
        (void)CHECK(now == NULL);
    }
    interrupt_done += 1;
    interrupt_trial->meanwhile();
    interrupt_area.sequence = 0;
    return pc;
}

static inline void interrupt_on_trap(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    (void)CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    acre_port_rseq_area = (char *)&interrupt_area - (char *)__builtin_thread_pointer();
}

/// Begins a run of the trial.
static inline void interrupt_prepare(
    const struct interrupt_trial *trial, const unsigned *at, unsigned count)
{
    interrupt_trial = trial;
    interrupt_wanted = count;
    interrupt_done = 0;
    interrupt_aborts = 0;
    for (unsigned i = 0; i < count; i++) {
        interrupt_at[i] = at[i];
    }
    trial->prepare();
    interrupt_area.sequence = 0;
}

#if defined(__x86_64__)
#include "interrupt_x86_64.h"
#else
#include "interrupt_aarch64.h"
#endif

// Those two offer:
//
//   void interrupt_start(void)
//       Once, before anything else here.
//   unsigned interrupt_places(const struct interrupt_trial *)
//       Runs the trial without an interrupt. Every instruction of its sequence, and at least the
//       three before it, have numbers that are smaller than the result.
//   unsigned interrupt_run(const struct interrupt_trial *, const unsigned *at, unsigned count)
//       Runs the trial, interrupting it at place at[0], when it has started over at at[1], and so on.
//       Returns how often it was interrupted: fewer times than asked if it left the sequence before.

/// Runs the trial with every single interrupt and with every pair of them, and calls `verify` after
/// each with their number. Returns the number of runs in which sequences were aborted.
static inline unsigned interrupt_everywhere(
    const struct interrupt_trial *trial, void (*verify)(unsigned interrupts))
{
    unsigned runs = 0;
    unsigned at[INTERRUPTS_MAX];
    unsigned places = interrupt_places(trial);
    verify(0);
    for (at[0] = 0; at[0] < places; at[0]++) {
        unsigned interrupts = interrupt_run(trial, at, 1);
        runs += interrupt_aborts != 0;
        verify(interrupts);
        bool reached = interrupts == 1;
        for (at[1] = 0; reached && at[1] < places; at[1]++) {
            interrupts = interrupt_run(trial, at, 2);
            runs += interrupt_aborts != 0;
            verify(interrupts);
            reached = interrupts == 2; // if this place was not, those after it are not either
        }
    }
    return runs;
}

#endif
