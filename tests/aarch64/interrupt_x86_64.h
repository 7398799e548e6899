// interrupt_x86_64.h - part of interrupt.h: the processor traps after every instruction (the trap
// flag), and the handler of the traps counts them until the sequence is left. A place is a number of
// instructions since the trial began, or since the last interrupt.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TEST_INTERRUPT_X86_64_H
#define ACRE_TEST_INTERRUPT_X86_64_H

enum { INTERRUPT_TRAP_FLAG = 0x100 };

static unsigned interrupt_place; // of the instruction to come
static bool interrupt_entered;   // the sequence, since the thread last started over
static bool interrupt_left;

/// Follows the thread through its sequence. Returns whether it may be interrupted here.
static inline bool interrupt_follow(uint64_t pc)
{
    const struct interrupt_sequence *now = interrupt_announced();
    bool inside = interrupt_is_inside(pc);
    if (interrupt_entered && !inside) {
        if (pc == now->start + now->length) {
            interrupt_trial->committed();
        }
        interrupt_left = true;
        return false;
    }
    // The kernel forgets an announcement that it sees outside the sequence, so this must not happen.
    (void)CHECK(now == NULL || inside);
    interrupt_entered = inside;
    return true;
}

static inline void interrupt_step(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t pc = (uint64_t)registers[REG_RIP];
    (void)signal;
    (void)info;
    if (!interrupt_follow(pc)) {
        registers[REG_EFL] &= ~(greg_t)INTERRUPT_TRAP_FLAG;
        return;
    }
    registers[REG_EFL] |= INTERRUPT_TRAP_FLAG;
    if (interrupt_done < interrupt_wanted && interrupt_place == interrupt_at[interrupt_done]) {
        registers[REG_RIP] = (greg_t)interrupt_thread(pc, 0x53053053);
        interrupt_place = 0;
        interrupt_entered = false;
    } else {
        interrupt_place += 1;
    }
}

static inline void interrupt_start(void)
{
    interrupt_on_trap(interrupt_step);
}

static inline unsigned interrupt_run(
    const struct interrupt_trial *trial, const unsigned *at, unsigned count)
{
    interrupt_prepare(trial, at, count);
    interrupt_place = 0;
    interrupt_entered = false;
    interrupt_left = false;
    // The handler switches the trap flag on, until the sequence is left.
    __asm__ volatile("int3" : : : "memory");
    trial->act();
    return interrupt_done;
}

static inline unsigned interrupt_places(const struct interrupt_trial *trial)
{
    (void)interrupt_run(trial, NULL, 0);
    (void)CHECK(interrupt_left);
    return interrupt_place;
}

#endif
