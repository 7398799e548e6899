// samples.c - firmware without a heap: an interrupt handler takes blocks from a pool and fills them, the main
// loop works on them and gives them back. 16 KiB of RAM are plenty.
//
//     SysTick_Handler    get a sample from the pool, fill it, put it into the queue; none: count it as lost
//     main               take it out, allocate what the work needs from a region, rewind, put the sample back;
//                        each 16th makes a report of its own size in a bounded-time heap, which the handler
//                        "sends" and hands over to be freed by acre_rt_post_free
//
// The pool is plain: the handler cannot be interrupted by main, and main masks interrupts around its put.
// With ACRE_POOL_SHARED it need not, on all but the M0, M0+ and M23. Build: docs/porting.md, section 5.
// SPDX-License-Identifier: MIT
#include "acre/pool.h"
#include "acre/region.h"
#include "acre/rt.h"
#include "cortex_m.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010)
#define SYSTICK_RELOAD  (*(volatile uint32_t *)0xE000E014)

enum { SAMPLES = 24, QUEUE = 32, DONE = 500, TICKS = 20000, REPORT_EACH = 16, READINGS = 8 };

struct sample {
    uint32_t number;
    uint16_t readings[READINGS];
};

ACRE_POOL_DEFINE(sample, struct sample, SAMPLES)
ACRE_RT_DEFINE(report, 2048, 8, ACRE_RT_QUICK);

static struct sample *volatile queue[QUEUE];
static volatile uint32_t queue_in;
static volatile uint32_t queue_out;
static volatile uint32_t lost;
static void *volatile report; // to be sent by the handler
static acre_rt *reports;
static uint32_t number; // the handler's

int main(void);
void SysTick_Handler(void); // NOLINT(readability-identifier-naming): CMSIS's

static uint32_t mask(void)
{
    uint32_t was;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(was) : : "memory");
    return was;
}

static void unmask(uint32_t was)
{
    __asm__ volatile("msr primask, %0" : : "r"(was) : "memory");
}

void SysTick_Handler(void)
{
    // A report that was sent is freed by one of main's next calls; there is always room for one.
    if (report != NULL && acre_rt_post_free(reports, report) == ACRE_OK) {
        report = NULL;
    }
    struct sample *sample = sample_get();
    if (sample == NULL) {
        lost += 1; // main is behind: a number that is known, not a fault
        return;
    }
    number += 1;
    sample->number = number;
    for (uint32_t i = 0; i < READINGS; i++) {
        sample->readings[i] = (uint16_t)(number * i);
    }
    queue[queue_in % QUEUE] = sample; // never full: it has more places than there are samples
    queue_in += 1;
}

/// Sums up a sample, with memory that lives as long as the work on it.
static uint32_t work(acre_region *region, const struct sample *sample)
{
    acre_mark mark;
    if (acre_region_mark(region, &mark) != ACRE_OK) {
        cortex_m_exit(10);
    }
    uint32_t *sums = acre_region_zeroed(region, READINGS, sizeof(*sums));
    if (sums == NULL) {
        cortex_m_exit(11);
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < READINGS; i++) {
        sum += sample->readings[i];
        sums[i] = sum;
    }
    sum = sums[READINGS - 1];
    if (acre_region_rewind(region, mark) != ACRE_OK) {
        cortex_m_exit(12);
    }
    return sum;
}

/// Leaves a report for the handler, unless it has not sent the last one.
static void make_report(uint32_t sum)
{
    size_t bytes = 16 + (sum & 127);
    unsigned char *made = report == NULL ? acre_rt_alloc(reports, bytes) : NULL;
    if (made != NULL) {
        made[0] = (unsigned char)sum;
        made[bytes - 1] = (unsigned char)sum;
        report = made;
    }
}

static void open_all(acre_region *region)
{
    static unsigned char scratch[512];
    // Posts take memory of their own, behind what ACRE_RT_DEFINE has room for.
    static _Alignas(void *) unsigned char meta[sizeof(report_meta) + 64];
    const acre_rt_options options = {.engine = ACRE_RT_QUICK, .granule_bytes = 8, .post_count = 2};
    if (sample_init() != ACRE_OK || acre_region_init(region, scratch, sizeof(scratch)) != ACRE_OK ||
        acre_rt_init_split(
            meta, sizeof(meta), report_memory, sizeof(report_memory), &options, &reports) !=
            ACRE_OK) {
        cortex_m_exit(13);
    }
}

int main(void)
{
    acre_region region;
    open_all(&region);
    SYSTICK_RELOAD = TICKS;
    SYSTICK_CONTROL = 7; // on, with its interrupt, the processor's clock
    uint32_t sum = 0;
    while (queue_out != DONE) {
        if (queue_out == queue_in) {
            __asm__ volatile("wfi");
            continue;
        }
        struct sample *sample = queue[queue_out % QUEUE];
        queue_out += 1;
        sum += work(&region, sample);
        if (sample->number % REPORT_EACH == 0) {
            make_report(sum);
        }
        uint32_t was = mask();
        sample_put(sample);
        unmask(was);
    }
    SYSTICK_CONTROL = 0;
    (void)acre_rt_drain(reports);
    acre_pool_stats stats;
    acre_pool_get_stats(&sample_pool, &stats);
    bool sound = acre_pool_audit(&sample_pool) == NULL && acre_region_audit(&region) == NULL &&
                 acre_rt_check(reports, 2) == NULL && stats.live_count == queue_in - queue_out;
    cortex_m_say("samples ");
    cortex_m_say_number(queue_out);
    cortex_m_say(", at most at once ");
    cortex_m_say_number((uint32_t)stats.live_peak);
    cortex_m_say(", lost ");
    cortex_m_say_number(lost);
    cortex_m_say(sound ? "\nPASS\n" : "\nFAIL\n");
    return sound ? 0 : 1;
}
