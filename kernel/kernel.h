// kernel.h - a kernel that does nothing but manage memory: the reference for who builds one on acre.
//
//   machine (ports/kernel_...)      boot, console, processors, timer: kernel/machine.h
//        |
//   kernel_main    main.c           in the order in which a kernel comes up
//        |-- memory.c               the firmware's map -> frames -> a heap, and acre's hooks
//        |-- kmalloc.c              the names that kernel code likes to call
//        |-- cpus.c                 work for all processors, and a clock that ends what hangs
//        |-- say.c                  the console
//        v
//   kernel_job                      supplied by who builds a kernel: the tests, or docs/porting.md's
//
// It uses of acre only what is in include/acre.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_KERNEL_H
#define ACRE_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acre/acre.h"
#include "acre/port/kernel.h"
#include "kernel/machine.h"

/// Called by the machine on its first processor. Does not return.
_Noreturn void kernel_main(void);

/// What the kernel is for, once it is up; interrupts are on. Returns how many things went wrong.
int kernel_job(const char *arguments);

/// Prints why and ends the machine as failed. From any processor, any time.
_Noreturn void kernel_fail(const char *why);

// ---- say.c: the console. A line that is said in pieces is not torn apart by other processors as long as
// each says whole lines.

void say(const char *text);
void say_number(uint64_t value);
void say_hex(uint64_t value);

/// Whether `word` stands among `words`, which spaces separate.
bool has_word(const char *words, const char *word);

// ---- memory.c

/// From the firmware's map to frames, a page source over them, and the kernel's heap on it.
void memory_start(void);

/// The kernel's frames, page source and heap.
acre_frames *memory_frames(void);
acre_pages_frames *memory_source(void);
acre_heap *memory_heap(void);

/// How often the heap has interrupted all processors, to take over memory that some of them kept.
uint32_t memory_syncs(void);

// ---- cpus.c

/// Starts the clock and the other processors. Returns how many run.
unsigned cpus_start(void);

/// How many run.
unsigned cpus_count(void);

/// Calls `work` on every processor at once and returns when all have returned.
/// On the first processor only.
void cpus_run(void (*work)(unsigned cpu, void *context), void *context);

/// Ends the machine as failed when `seconds` have passed since the last call. Long enough is whatever
/// hangs for certain.
void cpus_deadline(unsigned seconds);

/// Calls `tick` in an interrupt on the caller's processor, with pauses of `pause_us` microseconds, until
/// cpus_tick_stop; the clock goes on. Every processor calls both for itself.
void cpus_tick_start(unsigned pause_us, void (*tick)(void));
void cpus_tick_stop(void);

#endif
