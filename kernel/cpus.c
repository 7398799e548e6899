// cpus.c - work for all processors, and the clock.
//
// The other processors wait for a round: a number that the first one counts up once it has written
// what to do. Each counts itself as done afterwards. The first processor's timer counts milliseconds, and
// when the deadline has passed it ends the machine: a kernel under test must not hang.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "kernel/sync.h"

enum { CLOCK_PERIOD_US = 1000, MS_PER_SECOND = 1000, DEADLINE_SECONDS = 60 };

static struct {
    void (*work)(unsigned cpu, void *context);
    void *context;
    uint32_t round;
    uint32_t done;
} job;

static uint32_t clock_us;
static uint32_t deadline_us;
static uint32_t tick_us;         // between ticks of the first processor's timer
static void (*first_tick)(void); // what else it is to do
static unsigned running;

static void clock_tick(void)
{
    clock_us += tick_us;
    if ((int32_t)(deadline_us - clock_us) < 0) {
        kernel_fail("a test did not end in time");
    }
    if (first_tick != NULL) {
        first_tick();
    }
}

static void clock_start(unsigned pause_us, void (*tick)(void))
{
    machine_interrupts_off();
    tick_us = pause_us;
    first_tick = tick;
    machine_timer_start(pause_us, clock_tick);
    machine_interrupts_on();
}

void cpus_deadline(unsigned seconds)
{
    machine_interrupts_off();
    deadline_us = clock_us + seconds * MS_PER_SECOND * CLOCK_PERIOD_US;
    machine_interrupts_on();
}

void cpus_tick_start(unsigned pause_us, void (*tick)(void))
{
    if (machine_cpu() == 0) {
        clock_start(pause_us, tick);
    } else {
        machine_timer_start(pause_us, tick);
    }
}

void cpus_tick_stop(void)
{
    if (machine_cpu() == 0) {
        clock_start(CLOCK_PERIOD_US, NULL);
    } else {
        machine_timer_stop();
    }
}

/// What every other processor does for ever.
static void serve(unsigned cpu)
{
    uint32_t round = 0;
    while (true) {
        machine_interrupts_off();
        while (sync_load(&job.round) == round) {
            machine_idle(); // cpus_run interrupts it
            machine_interrupts_off();
        }
        machine_interrupts_on();
        round += 1;
        job.work(cpu, job.context);
        (void)sync_add(&job.done, 1);
    }
}

unsigned cpus_start(void)
{
    running = 1;
    deadline_us = DEADLINE_SECONDS * MS_PER_SECOND * CLOCK_PERIOD_US;
    clock_start(CLOCK_PERIOD_US, NULL);
    running = machine_cpus_start(serve);
    return running;
}

unsigned cpus_count(void)
{
    return running;
}

void cpus_run(void (*work)(unsigned cpu, void *context), void *context)
{
    job.work = work;
    job.context = context;
    sync_store(&job.done, 0);
    sync_store(&job.round, job.round + 1);
    if (!machine_cpus_sync()) {
        kernel_fail("a processor takes no interrupt");
    }
    work(0, context);
    machine_interrupts_off();
    while (sync_load(&job.done) != running - 1) {
        machine_idle(); // the clock interrupts it
        machine_interrupts_off();
    }
    machine_interrupts_on();
}
