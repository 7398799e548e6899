// interrupts.h - interrupts off, and back to what they were: all that the kernel port needs to know
// about the processor.
//
//   uintptr_t state = acre_port_interrupts_off();
//   ...                                             nothing can interrupt this processor here
//   acre_port_interrupts_restore(state);            on again only if they were on before
//
// Both keep the compiler from moving memory accesses across them. They need the processor's highest
// privilege: ring 0 on x86-64, EL1 on aarch64, supervisor mode on riscv64. A kernel that is preempted
// only by interrupts is not preempted meanwhile either.
//
// On x86-64 the way back is a test and a jump, because popf takes several times as long as sti.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_INTERRUPTS_H
#define ACRE_KERNEL_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)

enum { ACRE_PORT_X86_IF = 0x200 }; // the interrupt flag in RFLAGS

static inline bool acre_port_interrupts_are_on(void)
{
    uintptr_t flags;
    __asm__ volatile("pushf\n\tpop %0" : "=r"(flags) : : "memory");
    return (flags & ACRE_PORT_X86_IF) != 0;
}

static inline uintptr_t acre_port_interrupts_off(void)
{
    uintptr_t flags;
    __asm__ volatile("pushf\n\tpop %0\n\tcli" : "=r"(flags) : : "memory");
    return flags & ACRE_PORT_X86_IF;
}

static inline void acre_port_interrupts_restore(uintptr_t state)
{
    if (state != 0) {
        __asm__ volatile("sti" : : : "memory");
    }
}

static inline void acre_port_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

#elif defined(__aarch64__)

enum { ACRE_PORT_ARM_DAIF_I = 0x80 }; // the IRQ mask in DAIF

static inline bool acre_port_interrupts_are_on(void)
{
    uintptr_t daif;
    __asm__ volatile("mrs %0, daif" : "=r"(daif) : : "memory");
    return (daif & ACRE_PORT_ARM_DAIF_I) == 0;
}

static inline uintptr_t acre_port_interrupts_off(void)
{
    uintptr_t daif;
    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(daif) : : "memory");
    return daif;
}

static inline void acre_port_interrupts_restore(uintptr_t state)
{
    __asm__ volatile("msr daif, %0" : : "r"(state) : "memory");
}

static inline void acre_port_relax(void)
{
    __asm__ volatile("yield" : : : "memory");
}

#elif defined(__riscv) && __riscv_xlen == 64

enum { ACRE_PORT_RISCV_SIE = 2 }; // supervisor interrupts are on, in sstatus

static inline bool acre_port_interrupts_are_on(void)
{
    uintptr_t status;
    __asm__ volatile("csrr %0, sstatus" : "=r"(status) : : "memory");
    return (status & ACRE_PORT_RISCV_SIE) != 0;
}

static inline uintptr_t acre_port_interrupts_off(void)
{
    uintptr_t status;
    __asm__ volatile("csrrci %0, sstatus, 2" : "=r"(status) : : "memory");
    return status & ACRE_PORT_RISCV_SIE;
}

static inline void acre_port_interrupts_restore(uintptr_t state)
{
    __asm__ volatile("csrs sstatus, %0" : : "r"(state) : "memory");
}

static inline void acre_port_relax(void)
{
    __asm__ volatile("nop" : : : "memory"); // `pause` is a hint that older assemblers do not know
}

#else
#error                                                                                             \
    "ports/kernel/interrupts.h: no such processor here yet: four functions of one instruction each"
#endif

#endif
