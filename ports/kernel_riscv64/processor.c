// processor.c - the harts of a RISC-V machine, which the firmware starts, interrupts and wakes by their
// timers, and what each trap is. See processor.h.
//
// Source: SBI specification, extensions "HSM", "IPI" and "TIME".
// SPDX-License-Identifier: MIT
#include "processor.h"

#include "kernel/kernel.h"
#include "riscv.h"
#include "virt.h"

enum {
    STATUS_INTERRUPTS_ON = 2, // in sstatus
    SOFTWARE = 1,             // numbers of interrupts: of bits in sie and sip, and in scause
    TIMER = 5,
    SYNC_BIT = 1 << SOFTWARE,
    TIMER_BIT = 1 << TIMER,
    US_PER_SECOND = 1000000,
};

static const uint64_t cause_interrupt = (uint64_t)1 << 63;

extern const unsigned char machine_trap_entry[];
extern const unsigned char machine_entry_other[];
void machine_trap(uint64_t cause, uint64_t at);

static uint64_t ticks_per_us;

static uint64_t time_now(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

static void read_rate(void)
{
    uint32_t bytes;
    const unsigned char *value = virt_property("cpus", "timebase-frequency", &bytes);
    if (value == NULL) {
        kernel_fail("the devicetree does not tell the rate of the clock");
    }
    ticks_per_us = tree_number(value, bytes) / US_PER_SECOND;
}

void processor_enter(unsigned cpu)
{
    __asm__ volatile("mv tp, %0" : : "r"((uint64_t)cpu));
    __asm__ volatile("csrw stvec, %0" : : "r"(machine_trap_entry));
    if (ticks_per_us == 0) {
        read_rate(); // the first processor does this, before there are others
    }
    __asm__ volatile("csrw sie, %0" : : "r"((uint64_t)SYNC_BIT));
}

bool processor_start(unsigned cpu)
{
    return sbi_call(SBI_HSM, 0, virt_cpu_name(cpu), (uintptr_t)machine_entry_other, 0) == 0;
}

void processor_wait_us(void)
{
    const uint64_t start = time_now();
    while (time_now() - start < ticks_per_us) {
        machine_relax();
    }
}

void processors_interrupt(unsigned running)
{
    const unsigned self = machine_cpu();
    for (unsigned cpu = 0; cpu < running; cpu++) {
        if (cpu != self) {
            (void)sbi_call(SBI_IPI, 0, 1, virt_cpu_name(cpu), 0); // one bit, of this hart
        }
    }
}

void processor_timer(unsigned pause_us)
{
    const uint64_t timer = TIMER_BIT;
    if (pause_us == 0) {
        __asm__ volatile("csrc sie, %0" : : "r"(timer) : "memory"); // due as it may be
        return;
    }
    (void)sbi_call(SBI_TIME, 0, time_now() + pause_us * ticks_per_us, 0, 0);
    __asm__ volatile("csrs sie, %0" : : "r"(timer) : "memory");
}

static _Noreturn void report_exception(uint64_t cause, uint64_t at)
{
    uint64_t value;
    __asm__ volatile("csrr %0, stval" : "=r"(value));
    say("exception ");
    say_number(cause);
    say(" at ");
    say_hex(at);
    say(", stval ");
    say_hex(value);
    say(", processor ");
    say_number(machine_cpu());
    say("\n");
    kernel_fail("an exception");
}

void machine_trap(uint64_t cause, uint64_t at)
{
    if (cause == (cause_interrupt | SOFTWARE)) {
        __asm__ volatile("csrc sip, %0" : : "r"((uint64_t)SYNC_BIT) : "memory");
        cpus_answer();
    } else if (cause == (cause_interrupt | TIMER)) {
        processor_timer(0);
        cpus_tick();
    } else {
        report_exception(cause, at);
    }
}

void machine_interrupts_on(void)
{
    __asm__ volatile("csrs sstatus, %0" : : "i"(STATUS_INTERRUPTS_ON) : "memory");
}

void machine_interrupts_off(void)
{
    __asm__ volatile("csrc sstatus, %0" : : "i"(STATUS_INTERRUPTS_ON) : "memory");
}

void machine_relax(void)
{
    __asm__ volatile("nop" : : : "memory");
}

void machine_idle(void)
{
    // It wakes for an interrupt also while they are off.
    __asm__ volatile("wfi\n\tcsrs sstatus, %0" : : "i"(STATUS_INTERRUPTS_ON) : "memory");
}
