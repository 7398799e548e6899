// x86.h - the instructions that C has no words for, and what this port's files share.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_X86_H
#define ACRE_KERNEL_X86_H

#include <stdint.h>

#include "kernel/machine.h"

static inline void port_write_8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_write_16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_write_32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t port_read_8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void msr_write(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

enum {
    MSR_GS_BASE = (int)0xc0000101,
    VECTOR_TIMER = 32,
    VECTOR_SYNC = 33,
    VECTOR_SPURIOUS = 255,
};

/// Loads the table of interrupts on this processor. The first call fills it.
void interrupts_load(void);

/// What the interrupt with this vector means to processor.c.
void processor_interrupt(unsigned vector);

/// Called at the beginning of each interrupt, unless NULL; set by mapping.c.
extern void (*interrupts_began)(void);

#endif
