// interrupt_x86_64.h - part of interrupt.h: the processor traps after every instruction (the trap
// flag), and the handler of the traps counts those that lie in the sequence.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TEST_INTERRUPT_X86_64_H
#define ACRE_TEST_INTERRUPT_X86_64_H

enum { INTERRUPT_TRAP_FLAG = 0x100 };

static bool interrupt_stepping;
static unsigned interrupt_place; // of the instruction to come, in its sequence
static unsigned interrupt_places_max;

static inline void interrupt_step(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t pc = (uint64_t)registers[REG_RIP];
    const struct interrupt_sequence *now = interrupt_announced();
    (void)signal;
    (void)info;
    if (interrupt_stepping) {
        registers[REG_EFL] |= INTERRUPT_TRAP_FLAG;
    } else {
        registers[REG_EFL] &= ~(greg_t)INTERRUPT_TRAP_FLAG;
    }
    if (!interrupt_stepping || now == NULL || pc - now->start > now->length) {
        return;
    }
    if (pc == now->start) {
        interrupt_place = 0;
    }
    if (pc == now->start + now->length) {
        interrupt_trial->committed();
    } else if (
        interrupt_done < interrupt_wanted && interrupt_place == interrupt_at[interrupt_done]) {
        registers[REG_RIP] = (greg_t)interrupt_abort(pc, 0x53053053);
        return;
    } else {
        interrupt_place += 1;
    }
    if (interrupt_place > interrupt_places_max) {
        interrupt_places_max = interrupt_place;
    }
}

static inline void interrupt_start(void)
{
    interrupt_on_trap(interrupt_step);
}

static inline void interrupt_step_through(void (*act)(void))
{
    interrupt_stepping = true;
    __asm__ volatile("int3" : : : "memory"); // its handler switches the trap flag on
    act();
    interrupt_stepping = false;
    __asm__ volatile("nop" : : : "memory"); // and that of the next trap off
}

static inline unsigned interrupt_positions(const struct interrupt_trial *trial)
{
    interrupt_places_max = 0;
    interrupt_prepare(trial, NULL, 0);
    interrupt_step_through(trial->act);
    return interrupt_places_max;
}

static inline unsigned interrupt_run(
    const struct interrupt_trial *trial, const unsigned *at, unsigned count)
{
    interrupt_prepare(trial, at, count);
    interrupt_step_through(trial->act);
    return interrupt_done;
}

#endif
