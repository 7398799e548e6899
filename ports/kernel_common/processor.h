// processor.h - what cpus.c asks of a machine's processors, and what it is told by them. Each
// ports/kernel_<machine> supplies the first half.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_PROCESSOR_H
#define ACRE_KERNEL_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/machine.h"

// ---- supplied by the machine

/// Makes the caller processor `cpu`: sets what acre_port_cpu reads, where interrupts go, and readies its interrupt
/// controller. With interrupts off.
void processor_enter(unsigned cpu);

/// How many processors there are; the numbers of those that do not run yet follow those that do.
unsigned processors_present(void);

/// Tells processor `cpu` to begin, with machine_boot_other on the stack that ends at machine_other_stack.
/// False if it is known already that it will not.
bool processor_start(unsigned cpu);

/// Waits about a microsecond, or longer.
void processor_wait_us(void);

/// Interrupts the processors from 0 to `running` - 1 but the caller's; each then calls cpus_answer. What the
/// caller has written before is seen by them. With interrupts off.
void processors_interrupt(unsigned running);

/// Lets the timer of this processor interrupt it once, `pause_us` microseconds from now, and call
/// cpus_tick. 0: not at all.
void processor_timer(unsigned pause_us);

// ---- supplied by cpus.c

/// The end of the stack of the processor that is being started.
extern uintptr_t machine_other_stack;

/// The first C code of every processor but the first, with interrupts off.
_Noreturn void machine_boot_other(void);

/// This processor was interrupted by processors_interrupt.
void cpus_answer(void);

/// This processor was interrupted by its timer, which is still now.
void cpus_tick(void);

#endif
