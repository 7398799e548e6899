// processor.c - the processors of a PC: all of it is the local interrupt controller (APIC) of each one,
// at the same address for all. See processor.h.
//
// QEMU tells the number of processors (fw_cfg, item 5), and their APIC ids are 0, 1, 2 and so on, so no
// table of the firmware is read. Source: Intel's manual, volume 3, chapter "APIC" and section
// "Multiple-processor initialization".
// SPDX-License-Identifier: MIT
#include "processor.h"
#include "x86.h"

enum {
    TRAMPOLINE = 0x8000,

    APIC_END = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_COMMAND = 0x300,
    APIC_TARGET = 0x310,
    APIC_TIMER = 0x320,
    APIC_TIMER_COUNT = 0x380,
    APIC_TIMER_DIVIDE = 0x3e0,
    APIC_ENABLE = 0x100,
    APIC_MASKED = 0x10000,
    APIC_BUSY = 0x1000,
    COMMAND_INIT = 0x4500,
    COMMAND_START = 0x4600, // with the page number of where to start
    COMMAND_OTHERS = 0xc0000,
    INIT_US = 200, // from COMMAND_INIT to COMMAND_START
    DIVIDE_BY_1 = 0xb,
    TIMER_PER_US = 1000, // QEMU's APIC counts nanoseconds

    FW_CFG_SELECT = 0x510,
    FW_CFG_DATA = 0x511,
    FW_CFG_CPUS = 5,
    DELAY_PORT = 0x80, // a write takes about a microsecond on real hardware
};

extern const unsigned char machine_trampoline[];
extern const unsigned char machine_trampoline_end[];

static uint32_t numbers[MACHINE_CPUS_MAX]; // gs leads each processor to its own

static volatile uint32_t *apic(unsigned offset)
{
    return (volatile uint32_t *)machine_address(0xfee00000u + offset);
}

void processor_enter(unsigned cpu)
{
    numbers[cpu] = cpu;
    msr_write((uint32_t)MSR_GS_BASE, (uintptr_t)&numbers[cpu]);
    interrupts_load();
    *apic(APIC_SPURIOUS) = APIC_ENABLE | VECTOR_SPURIOUS;
}

void processor_wait_us(void)
{
    port_write_8(DELAY_PORT, 0);
}

unsigned processors_present(void)
{
    port_write_16(FW_CFG_SELECT, FW_CFG_CPUS);
    unsigned low = port_read_8(FW_CFG_DATA);
    unsigned present = low | (unsigned)port_read_8(FW_CFG_DATA) << 8;
    return present == 0 || present == 0xffff ? 1 : present; // no such device: not QEMU
}

static void command(unsigned target, uint32_t what)
{
    while ((*apic(APIC_COMMAND) & APIC_BUSY) != 0) {
        machine_relax();
    }
    *apic(APIC_TARGET) = target << 24;
    *apic(APIC_COMMAND) = what; // this write sends it
}

bool processor_start(unsigned cpu)
{
    unsigned char *to = machine_address(TRAMPOLINE);
    const size_t bytes = (uintptr_t)machine_trampoline_end - (uintptr_t)machine_trampoline;
    for (size_t i = 0; i < bytes; i++) {
        to[i] = machine_trampoline[i];
    }
    command(cpu, COMMAND_INIT);
    for (unsigned i = 0; i < INIT_US; i++) {
        processor_wait_us();
    }
    command(cpu, COMMAND_START | TRAMPOLINE >> 12);
    return true;
}

void processors_interrupt(unsigned running)
{
    (void)running;
    command(0, COMMAND_OTHERS | VECTOR_SYNC);
}

void processor_timer(unsigned pause_us)
{
    *apic(APIC_TIMER_DIVIDE) = DIVIDE_BY_1;
    *apic(APIC_TIMER) = pause_us == 0 ? APIC_MASKED : VECTOR_TIMER;
    *apic(APIC_TIMER_COUNT) = pause_us * TIMER_PER_US; // it counts down once
}

void processor_interrupt(unsigned vector)
{
    if (vector == VECTOR_SPURIOUS) {
        return; // by the manual, this one is not acknowledged
    }
    if (vector == VECTOR_SYNC) {
        cpus_answer();
    }
    *apic(APIC_END) = 0;
    if (vector == VECTOR_TIMER) {
        cpus_tick();
    }
}
