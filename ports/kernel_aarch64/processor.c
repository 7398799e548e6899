// processor.c - the processors of an Arm machine, which the firmware starts (PSCI), their timers, the
// controller through which they interrupt each other (GIC, version 2), and what each exception is. See
// processor.h.
//
// Source: Arm's PSCI and GICv2 specifications; Arm Architecture Reference Manual, chapter D12 (timer).
// SPDX-License-Identifier: MIT
#include "processor.h"

#include "arm.h"
#include "kernel/kernel.h"
#include "virt.h"

enum {
    GIC = 0x08000000, // the distributor, for all; some registers are one for each processor
    GIC_CONTROL = GIC,
    GIC_ENABLE = GIC + 0x100,
    GIC_SEND = GIC + 0xf00,
    GIC_SEND_OTHERS = 1 << 24,
    GIC_CPU = 0x08010000, // the interface of each processor
    GIC_CPU_CONTROL = GIC_CPU,
    GIC_CPU_PRIORITY = GIC_CPU + 4,
    GIC_CPU_TAKE = GIC_CPU + 0xc,
    GIC_CPU_END = GIC_CPU + 0x10,
    GIC_NUMBER = 0x3ff,
    PRIORITY_ALL = 0xff,

    SYNC = 0, // numbers of interrupts
    TIMER = 27,

    VECTOR_INTERRUPT = 5, // of machine_vectors: while the kernel runs on its own stack
    TIMER_ON = 1,
    US_PER_SECOND = 1000000,
};

extern const unsigned char machine_vectors[];
extern const unsigned char machine_entry_other[];
void machine_exception(uint64_t vector, uint64_t at);

static uint64_t timer_ticks(uint64_t microseconds)
{
    uint64_t rate;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(rate));
    return microseconds * rate / US_PER_SECOND;
}

static uint64_t time_now(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

uint64_t machine_count(void)
{
    const uint64_t ns_per_us = 1000; // an instruction takes one under QEMU with -icount
    return time_now() * ns_per_us / timer_ticks(1);
}

void processor_enter(unsigned cpu)
{
    __asm__ volatile("msr tpidr_el1, %0" : : "r"((uint64_t)cpu));
    __asm__ volatile("msr vbar_el1, %0\n\tisb" : : "r"(machine_vectors));
    *virt_register(GIC_CONTROL) = 1;
    *virt_register(GIC_ENABLE) = (uint32_t)1 << TIMER | (uint32_t)1 << SYNC;
    *virt_register(GIC_CPU_PRIORITY) = PRIORITY_ALL;
    *virt_register(GIC_CPU_CONTROL) = 1;
}

// Registers that a call may change beside its arguments, and memory.
#define PSCI_CHANGES                                                                               \
    "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",    \
        "memory"

// The tree says by which instruction the firmware is called: hvc if there is a hypervisor's level, or
// QEMU in its place, else smc.
long psci_call(uint32_t function, uint64_t first, uint64_t second, uint64_t third)
{
    uint32_t bytes;
    const unsigned char *method = virt_property("psci", "method", &bytes);
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = first;
    register uint64_t x2 __asm__("x2") = second;
    register uint64_t x3 __asm__("x3") = third;
    if (method != NULL && method[0] == 's') {
        __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PSCI_CHANGES);
    } else {
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PSCI_CHANGES);
    }
    return (long)x0;
}

bool processor_start(unsigned cpu)
{
    return psci_call(
               (uint32_t)PSCI_CPU_ON, virt_cpu_name(cpu), (uintptr_t)machine_entry_other, 0) == 0;
}

void processor_wait_us(void)
{
    const uint64_t start = time_now();
    while (time_now() - start < timer_ticks(1)) {
        machine_relax();
    }
}

void processors_interrupt(unsigned running)
{
    (void)running;
    __asm__ volatile("dsb ishst"
                     :
                     :
                     : "memory"); // what was written before is seen by who is interrupted
    *virt_register(GIC_SEND) = GIC_SEND_OTHERS | SYNC;
}

void processor_timer(unsigned pause_us)
{
    const uint64_t on = pause_us == 0 ? 0 : TIMER_ON;
    __asm__ volatile("msr cntv_tval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb"
                     :
                     : "r"(timer_ticks(pause_us)), "r"(on)
                     : "memory");
}

static void take_interrupt(void)
{
    const uint32_t taken = *virt_register(GIC_CPU_TAKE);
    const uint32_t number = taken & GIC_NUMBER;
    if (number == SYNC) {
        cpus_answer();
    } else if (number == TIMER) {
        processor_timer(0);
    } else {
        return; // it is gone again
    }
    *virt_register(GIC_CPU_END) = taken;
    if (number == TIMER) {
        cpus_tick();
    }
}

static _Noreturn void report_exception(uint64_t vector, uint64_t at)
{
    uint64_t why, where;
    __asm__ volatile("mrs %0, esr_el1\n\tmrs %1, far_el1" : "=r"(why), "=r"(where));
    say("exception ");
    say_number(vector);
    say(" at ");
    say_hex(at);
    say(", esr ");
    say_hex(why);
    say(", far ");
    say_hex(where);
    say(", processor ");
    say_number(machine_cpu());
    say("\n");
    kernel_fail("an exception");
}

void machine_exception(uint64_t vector, uint64_t at)
{
    if (vector != VECTOR_INTERRUPT) {
        report_exception(vector, at);
    }
    take_interrupt();
}

void machine_interrupts_on(void)
{
    __asm__ volatile("msr daifclr, #2" : : : "memory");
}

void machine_interrupts_off(void)
{
    __asm__ volatile("msr daifset, #2" : : : "memory");
}

void machine_relax(void)
{
    __asm__ volatile("yield" : : : "memory");
}

void machine_idle(void)
{
    // It wakes for an interrupt also while they are off.
    __asm__ volatile("dsb sy\n\twfi\n\tmsr daifclr, #2" : : : "memory");
}
