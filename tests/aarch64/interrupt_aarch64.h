// interrupt_aarch64.h - part of interrupt.h: a breakpoint is written over the instruction at which the
// thread is to be interrupted, and over the one behind the end of the sequence. A place is the number
// of an instruction, from the three before the start on, which announce the sequence.
//
// A compiler may make two copies of a sequence, one of them for when it starts over. Which one a
// second interrupt will meet is found out by a run with one interrupt only.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TEST_INTERRUPT_AARCH64_H
#define ACRE_TEST_INTERRUPT_AARCH64_H

enum { INTERRUPT_INSTRUCTION_BYTES = 4, INTERRUPT_ANNOUNCE_BYTES = 12 };

struct interrupt_breakpoint {
    uint32_t *at; // NULL: none
    uint32_t replaced;
};

static struct interrupt_breakpoint interrupt_chosen;
static struct interrupt_breakpoint interrupt_behind;

// Where each start of the sequence runs; NULL where that is not known yet.
static const struct interrupt_sequence *interrupt_copies[INTERRUPTS_MAX];

static inline void interrupt_write(uint32_t *at, uint32_t instruction)
{
    *at = instruction;
    __builtin___clear_cache((char *)at, (char *)(at + 1));
}

static inline void interrupt_plant(struct interrupt_breakpoint *breakpoint, uint64_t at)
{
    const uint32_t brk = 0xd4200000;
    breakpoint->at = (uint32_t *)(uintptr_t)at;
    breakpoint->replaced = *breakpoint->at;
    interrupt_write(breakpoint->at, brk);
}

static inline void interrupt_unplant(struct interrupt_breakpoint *breakpoint)
{
    if (breakpoint->at != NULL) {
        interrupt_write(breakpoint->at, breakpoint->replaced);
        breakpoint->at = NULL;
    }
}

/// Plants what the coming start of the sequence is to run into, as far as it is known where it runs.
static inline void interrupt_plant_next(void)
{
    unsigned next = interrupt_done;
    const struct interrupt_sequence *copy = next < INTERRUPTS_MAX ? interrupt_copies[next] : NULL;
    if (copy == NULL) {
        return;
    }
    interrupt_plant(&interrupt_behind, copy->start + copy->length);
    if (next < interrupt_wanted) {
        interrupt_plant(
            &interrupt_chosen, copy->start - INTERRUPT_ANNOUNCE_BYTES +
                                   (uint64_t)interrupt_at[next] * INTERRUPT_INSTRUCTION_BYTES);
    }
}

static inline void interrupt_trapped(int signal, siginfo_t *info, void *context)
{
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    bool chosen = machine->pc == (uintptr_t)interrupt_chosen.at;
    (void)signal;
    (void)info;
    bool behind = machine->pc == (uintptr_t)interrupt_behind.at;
    if (!CHECK(chosen || behind)) {
        _exit(1); // a trap that nobody planted would come again
    }
    interrupt_unplant(&interrupt_chosen);
    interrupt_unplant(&interrupt_behind);
    if (chosen) {
        // The push that was tried again may have been left by a jump, for one elsewhere: the kernel
        // forgets what that announced.
        bool stale = interrupt_announced() != interrupt_copies[interrupt_done];
        interrupt_area.sequence = stale ? 0 : interrupt_area.sequence;
        machine->pc = interrupt_thread(machine->pc, 0xd428bc00);
        interrupt_plant_next();
    } else {
        interrupt_trial->committed();
    }
}

static inline void interrupt_start(void)
{
    interrupt_on_trap(interrupt_trapped);
}

static inline void interrupt_act(
    const struct interrupt_trial *trial, const unsigned *at, unsigned count)
{
    interrupt_prepare(trial, at, count);
    interrupt_plant_next();
    trial->act();
    interrupt_unplant(&interrupt_chosen);
    interrupt_unplant(&interrupt_behind);
}

/// Makes the page of the sequence one that can be written.
static inline void interrupt_open(const struct interrupt_sequence *sequence)
{
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (sequence->start - INTERRUPT_ANNOUNCE_BYTES) & ~(page_bytes - 1);
    uintptr_t to = sequence->start + sequence->length + INTERRUPT_INSTRUCTION_BYTES;
    (void)CHECK(mprotect((void *)from, to - from, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
}

static inline unsigned interrupt_places(const struct interrupt_trial *trial)
{
    memset(interrupt_copies, 0, sizeof(interrupt_copies));
    interrupt_act(trial, NULL, 0);
    interrupt_copies[0] = interrupt_announced();
    if (!CHECK(interrupt_copies[0] != NULL)) {
        return 0;
    }
    interrupt_open(interrupt_copies[0]);
    interrupt_act(trial, NULL, 0); // once more, now that the end is known
    uint64_t bytes = INTERRUPT_ANNOUNCE_BYTES + interrupt_copies[0]->length;
    return (unsigned)(bytes / INTERRUPT_INSTRUCTION_BYTES);
}

static inline unsigned interrupt_run(
    const struct interrupt_trial *trial, const unsigned *at, unsigned count)
{
    if (count > 1) {
        interrupt_copies[1] = NULL;
        interrupt_act(trial, at, 1);
        if (interrupt_done == 0) {
            return 0;
        }
        interrupt_copies[1] = interrupt_announced();
        interrupt_open(interrupt_copies[1]);
    }
    interrupt_act(trial, at, count);
    return interrupt_done;
}

#endif
