// machine.h - what the kernel asks of a machine. ports/kernel_<machine> and ports/kernel_common supply all of it, with acre_cpu.h
// (see acre/port/kernel.h), and begins by calling kernel_main on the first processor, with interrupts off.
//
// Processors have numbers from 0, in the order in which they were started; 0 is the one that booted.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_MACHINE_H
#define ACRE_KERNEL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acre/bootmap.h"
#include "acre/port/kernel.h"

enum { MACHINE_CPUS_MAX = 16 };

/// Writes text to the console. Any processor, any time; lines of several may mix.
void machine_write(const char *text);

/// Ends the machine: tells whoever started it whether all went well.
_Noreturn void machine_end(bool passed);

/// Resets the machine, as a fault does that nothing handles: for tests of who started it.
_Noreturn void machine_reset(void);

/// The words that the kernel was started with. Never NULL.
const char *machine_arguments(void);

/// Appends the firmware's memory map, and as taken what the kernel itself occupies. To be called before
/// any other memory is written to. Not ACRE_OK if the map has no room for all of it.
acre_status machine_memory(acre_bootmap *map);

/// Where the kernel can read and write physical memory at `physical`, and how far that goes.
void *machine_address(uint64_t physical);
acre_phys machine_address_limit(void);

/// The number of the processor that runs the caller. A single load.
unsigned machine_cpu(void);

/// Starts the other processors; each calls `run` with its number, which never returns. Returns how many run, with the
/// caller's. One that does not answer within a second is left out.
unsigned machine_cpus_start(void (*run)(unsigned cpu));

/// Interrupts every other processor and returns true once each has taken the interrupt; false if one has
/// not within a second.
/// Called with interrupts on.
bool machine_cpus_sync(void);

/// A range of addresses that are the kernel's own, and how they are mapped: for acre_pages_mapped_init. All
/// processors see it. Only the x86-64 port has it so far.
const acre_mapping *machine_mapping(void **addr, size_t *bytes);

/// Lets `tick` be called in an interrupt on this processor, `pause_us` microseconds after this call and
/// again that long after each time that it has returned: what it interrupts always gets on.
void machine_timer_start(unsigned pause_us, void (*tick)(void));
void machine_timer_stop(void);

void machine_interrupts_on(void);
void machine_interrupts_off(void);

/// Waits a moment in a loop that waits for another processor.
void machine_relax(void);

/// Called with interrupts off: turns them on and waits for one, none of which can come in between.
void machine_idle(void);

/// A counter that runs at a constant rate: of instructions, under QEMU with -icount shift=0.
uint64_t machine_count(void);

#endif
