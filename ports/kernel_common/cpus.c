// cpus.c - processors: their numbers, starting them, interrupting them, and each one's timer. How a machine
// does each of these is behind processor.h.
// SPDX-License-Identifier: MIT
#include "acre_cpu.h"
#include "kernel/kernel.h"
#include "kernel/sync.h"
#include "processor.h"

enum {
    STACK_BYTES = 16384,
    START_US = 1000000,
    SYNC_TRIES = 1000000000,
};

/// What belongs to one processor.
struct cpu {
    uint32_t synced;   // the last question of machine_cpus_sync that it has answered
    uint32_t pause_us; // of the timer
    void (*tick)(void);
};

static struct cpu cpus[MACHINE_CPUS_MAX];
static unsigned char stacks[MACHINE_CPUS_MAX][STACK_BYTES] __attribute__((aligned(16)));
static uint32_t cpus_running;
static uint32_t starting; // the number for the processor that is being started; 0: for none
static uint32_t sync_question;
static void (*run_other)(unsigned cpu);
uintptr_t machine_other_stack;

unsigned machine_cpu(void)
{
    return acre_port_cpu();
}

_Noreturn void machine_boot_other(void)
{
    const unsigned cpu = sync_swap(&starting, 0);
    if (cpu == 0) { // too late: nobody waits for it any more
        while (true) {
            machine_relax();
        }
    }
    processor_enter(cpu);
    sync_store(&cpus[cpu].synced, sync_load(&sync_question));
    sync_store(&cpus_running, cpu + 1);
    run_other(cpu);
    kernel_fail("a processor came back");
}

static bool start(unsigned cpu)
{
    machine_other_stack = (uintptr_t)(stacks[cpu] + STACK_BYTES);
    sync_store(&starting, cpu);
    bool waiting = processor_start(cpu);
    for (unsigned tries = 0; waiting && sync_load(&starting) != 0; tries++) {
        processor_wait_us();
        waiting = tries < START_US;
    }
    if (sync_swap(&starting, 0) != 0) {
        return false;
    }
    while (sync_load(&cpus_running) != cpu + 1) {
        machine_relax();
    }
    return true;
}

unsigned machine_cpus_start(void (*run)(unsigned cpu))
{
    const unsigned max = MACHINE_CPUS_MAX;
    unsigned present = processors_present();
    present = present < max ? present : max;
    run_other = run;
    sync_store(&cpus_running, 1);
    for (unsigned cpu = 1; cpu < present && start(cpu); cpu++) {
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
    machine_interrupts_off(); // to ask may take several steps
    processors_interrupt(running);
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

void cpus_answer(void)
{
    sync_store(&cpus[machine_cpu()].synced, sync_load(&sync_question));
}

void cpus_tick(void)
{
    struct cpu *cpu = &cpus[machine_cpu()];
    if (cpu->tick != NULL) {
        cpu->tick();
        processor_timer(cpu->pause_us);
    }
}

void machine_timer_start(unsigned pause_us, void (*tick)(void))
{
    struct cpu *cpu = &cpus[machine_cpu()];
    machine_timer_stop();
    cpu->tick = tick;
    cpu->pause_us = pause_us;
    processor_timer(pause_us);
}

void machine_timer_stop(void)
{
    processor_timer(0);
    cpus[machine_cpu()].tick = NULL; // one that is on its way finds nothing to do
}
