// cpus.c - processors: their numbers, starting them, interrupting them, and each one's timer. All of it
// is the local interrupt controller (APIC) of each processor, at the same address for all.
//
// QEMU tells the number of processors (fw_cfg, item 5), and their APIC ids are 0, 1, 2 and so on, so no
// table of the firmware is read. Source: Intel's manual, volume 3, chapter "APIC" and section
// "Multiple-processor initialization".
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "kernel/sync.h"
#include "x86.h"

enum {
    STACK_BYTES = 16384, // as in boot.S
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
    DIVIDE_BY_1 = 0xb,
    TIMER_PER_US = 1000, // QEMU's APIC counts nanoseconds

    FW_CFG_SELECT = 0x510,
    FW_CFG_DATA = 0x511,
    FW_CFG_CPUS = 5,
    DELAY_PORT = 0x80, // a write takes about a microsecond on real hardware

    START_TRIES = 100000,
    SYNC_TRIES = 1000000000,
};

/// One processor's own data: gs leads to it.
struct cpu {
    uint32_t number;
    uint32_t synced; // the last question of machine_cpus_sync that it has answered
    uint32_t pause;  // of the timer
    void (*tick)(void);
};

extern const unsigned char machine_trampoline[];
extern const unsigned char machine_trampoline_end[];
extern uint64_t machine_other_stack;
void machine_boot_other(void);

static struct cpu cpus[MACHINE_CPUS_MAX];
static unsigned char stacks[MACHINE_CPUS_MAX][STACK_BYTES] __attribute__((aligned(16)));
static uint32_t cpus_running;
static uint32_t sync_question;
static void (*run_other)(unsigned cpu);
uint64_t machine_other_stack; // of the processor that is being started

static volatile uint32_t *apic(unsigned offset)
{
    return (volatile uint32_t *)machine_address(0xfee00000u + offset);
}

unsigned machine_cpu(void)
{
    unsigned number;
    __asm__ volatile("movl %%gs:0, %0" : "=r"(number));
    return number;
}

void cpus_enter(unsigned cpu)
{
    cpus[cpu].number = cpu;
    msr_write((uint32_t)MSR_GS_BASE, (uintptr_t)&cpus[cpu]);
    interrupts_load();
    *apic(APIC_SPURIOUS) = APIC_ENABLE | VECTOR_SPURIOUS;
    sync_store(&cpus[cpu].synced, sync_load(&sync_question));
}

static void delay_us(unsigned microseconds)
{
    for (unsigned i = 0; i < microseconds; i++) {
        port_write_8(DELAY_PORT, 0);
    }
}

static void command(unsigned target, uint32_t what)
{
    while ((*apic(APIC_COMMAND) & APIC_BUSY) != 0) {
        machine_relax();
    }
    *apic(APIC_TARGET) = target << 24;
    *apic(APIC_COMMAND) = what; // this write sends it
}

/// The first C code of another processor, on its own stack.
void machine_boot_other(void)
{
    const unsigned cpu = sync_load(&cpus_running);
    cpus_enter(cpu);
    sync_store(&cpus_running, cpu + 1);
    run_other(cpu);
    kernel_fail("a processor came back");
}

static bool start(unsigned cpu)
{
    machine_other_stack = (uintptr_t)(stacks[cpu] + STACK_BYTES);
    command(cpu, COMMAND_INIT);
    delay_us(200);
    command(cpu, COMMAND_START | TRAMPOLINE >> 12);
    for (unsigned tries = 0; tries < START_TRIES; tries++) {
        if (sync_load(&cpus_running) == cpu + 1) {
            return true;
        }
        delay_us(1);
        machine_relax();
    }
    return false;
}

static unsigned cpus_present(void)
{
    port_write_16(FW_CFG_SELECT, FW_CFG_CPUS);
    unsigned low = port_read_8(FW_CFG_DATA);
    unsigned present = low | (unsigned)port_read_8(FW_CFG_DATA) << 8;
    present = present == 0 || present == 0xffff ? 1 : present; // no such device: not QEMU
    return present < (unsigned)MACHINE_CPUS_MAX ? present : (unsigned)MACHINE_CPUS_MAX;
}

unsigned machine_cpus_start(void (*run)(unsigned cpu))
{
    unsigned char *to = machine_address(TRAMPOLINE);
    const size_t bytes = (uintptr_t)machine_trampoline_end - (uintptr_t)machine_trampoline;
    for (size_t i = 0; i < bytes; i++) {
        to[i] = machine_trampoline[i];
    }
    run_other = run;
    sync_store(&cpus_running, 1);
    const unsigned present = cpus_present();
    for (unsigned cpu = 1; cpu < present; cpu++) {
        if (!start(cpu)) {
            command(cpu, COMMAND_INIT); // it must not come up later, with a number that is in use
            break;
        }
    }
    return sync_load(&cpus_running);
}

// A processor answers a question by taking the interrupt. Who asks answers, too, what others ask
// meanwhile: it is interrupted like everybody.
bool machine_cpus_sync(void)
{
    const uint32_t question = sync_add(&sync_question, 1);
    const unsigned self = machine_cpu();
    const uint32_t running = sync_load(&cpus_running);
    if (running <= 1) {
        return true;
    }
    machine_interrupts_off(); // the command takes two writes
    command(0, COMMAND_OTHERS | VECTOR_SYNC);
    machine_interrupts_on();
    for (unsigned cpu = 0; cpu < running; cpu++) {
        unsigned tries = 0;
        while (cpu != self && (int32_t)(sync_load(&cpus[cpu].synced) - question) < 0) {
            if (++tries == SYNC_TRIES) {
                return false;
            }
            machine_relax();
        }
    }
    return true;
}

void cpus_interrupt(unsigned vector)
{
    struct cpu *cpu = &cpus[machine_cpu()];
    if (vector == VECTOR_SPURIOUS) {
        return; // by the manual, this one is not acknowledged
    }
    if (vector == VECTOR_SYNC) {
        sync_store(&cpu->synced, sync_load(&sync_question));
    }
    *apic(APIC_END) = 0;
    if (vector == VECTOR_TIMER && cpu->tick != NULL) {
        cpu->tick();
        *apic(APIC_TIMER_COUNT) = cpu->pause; // the timer counts down once
    }
}

void machine_timer_start(unsigned pause_us, void (*tick)(void))
{
    struct cpu *cpu = &cpus[machine_cpu()];
    machine_timer_stop();
    cpu->tick = tick;
    cpu->pause = pause_us * TIMER_PER_US;
    *apic(APIC_TIMER_DIVIDE) = DIVIDE_BY_1;
    *apic(APIC_TIMER) = VECTOR_TIMER;
    *apic(APIC_TIMER_COUNT) = cpu->pause;
}

void machine_timer_stop(void)
{
    *apic(APIC_TIMER) = APIC_MASKED;
    *apic(APIC_TIMER_COUNT) = 0;
    cpus[machine_cpu()].tick = NULL; // one that is on its way finds nothing to do
}
