// rt_witness.c - counts the instructions of real calls to acre_rt_alloc and acre_rt_free on a Cortex-M4 in
// QEMU. With -icount shift=10 an instruction takes 1.024 us of the board's time, so the SysTick timer,
// which runs at 25 MHz, counts 25.6 for each: the counts are exact.
// scripts/check_rt_bounds.py compares them with the bounds.
// SPDX-License-Identifier: MIT
#include "acre/rt.h"
#include "base/text.h"

enum { POOL_BYTES = 64 << 10, GRANULE_BYTES = 8, BLOCKS = 1500, CALLS = 12000 };

void host_write(const char *text);
_Noreturn void leave(int status);
int main(void);

void *memset(void *to, int value, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);

void *memset(void *to, int value, size_t bytes)
{
    volatile unsigned char *at = to;
    while (bytes-- > 0) {
        *at++ = (unsigned char)value;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    volatile unsigned char *at = to;
    const unsigned char *source = from;
    while (bytes-- > 0) {
        *at++ = *source++;
    }
    return to;
}

#define SYST_CSR (*(volatile uint32_t *)0xe000e010)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018)

struct counts {
    uint32_t most;
    uint32_t least;
    uint32_t sum;
    uint32_t calls;
};

ACRE_RT_DEFINE(exact, POOL_BYTES, GRANULE_BYTES, ACRE_RT_EXACT);
ACRE_RT_DEFINE(quick, POOL_BYTES, GRANULE_BYTES, ACRE_RT_QUICK);
static void *blocks[BLOCKS];
static uint32_t alloc_overhead; // of reading the timer and calling
static uint32_t free_overhead;
static uint32_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return (uint32_t)((uint64_t)random_state * bound >> 32);
}

static uint32_t instructions(uint32_t from, uint32_t to)
{
    uint32_t ticks = (from - to) & 0xffffff;
    return (ticks * 5 + 64) / 128; // 25.6 each
}

static void add(struct counts *counts, uint32_t from, uint32_t to)
{
    uint32_t count = instructions(from, to);
    counts->most = count > counts->most ? count : counts->most;
    counts->least = count < counts->least ? count : counts->least;
    counts->sum += count;
    counts->calls += 1;
}

typedef void *alloc_function(acre_rt *, size_t);
typedef acre_status free_function(acre_rt *, void *);

// Functions of one and of two instructions, to know what is around a call.
static void *alloc_nothing(acre_rt *rt, size_t bytes)
{
    (void)bytes;
    return rt;
}

static acre_status free_nothing(acre_rt *rt, void *block)
{
    (void)rt;
    (void)block;
    return ACRE_OK;
}

static uint32_t random_size(uint32_t phase)
{
    static const uint16_t most[] = {16, 64, 400, 1500, 6000};
    return 1 + random_below(most[random_below(1 + phase % 5)]);
}

static __attribute__((noinline)) bool run(
    acre_rt *rt, alloc_function *alloc, free_function *release, struct counts *allocs,
    struct counts *frees)
{
    for (uint32_t i = 0; i < CALLS; i++) {
        void **at = &blocks[random_below(BLOCKS)];
        if (*at == NULL) {
            size_t size = random_size(i / 1000);
            uint32_t from = SYST_CVR;
            *at = alloc(rt, size);
            uint32_t to = SYST_CVR;
            add(allocs, from, to);
        } else {
            void *block = *at;
            uint32_t from = SYST_CVR;
            acre_status status = release(rt, block);
            uint32_t to = SYST_CVR;
            add(frees, from, to);
            if (status != ACRE_OK) {
                return false;
            }
            *at = NULL;
        }
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        (void)release(rt, blocks[i]);
        blocks[i] = NULL;
    }
    return true;
}

static void calibrate(acre_rt *rt)
{
    struct counts allocs = {.least = UINT32_MAX};
    struct counts frees = {.least = UINT32_MAX};
    (void)run(rt, alloc_nothing, free_nothing, &allocs, &frees);
    alloc_overhead = allocs.least - 1; // bx lr
    free_overhead = frees.least - 2;   // movs r0, #0; bx lr
}

static void print(
    const char *engine, const char *operation, const struct counts *counts, uint32_t overhead)
{
    char buffer[96];
    struct text line;
    text_start(&line, buffer, sizeof(buffer));
    text_add(&line, engine);
    text_add(&line, operation);
    text_add(&line, " most ");
    text_add_decimal(&line, counts->most - overhead);
    text_add(&line, " mean ");
    text_add_decimal(&line, counts->sum / counts->calls - overhead);
    text_add(&line, " calls ");
    text_add_decimal(&line, counts->calls);
    text_end_line(&line);
    host_write(buffer);
}

static bool witness(const char *name, acre_rt *rt)
{
    struct counts allocs = {0};
    struct counts frees = {0};
    random_state = 20261120;
    bool sound = run(rt, acre_rt_alloc, acre_rt_free, &allocs, &frees) &&
                 acre_rt_check(rt, 2) == NULL && acre_rt_alloc(rt, POOL_BYTES) != NULL;
    print(name, " alloc", &allocs, alloc_overhead);
    print(name, " free", &frees, free_overhead);
    return sound;
}

int main(void)
{
    acre_rt *rt;
    acre_rt_options options = {.granule_bytes = GRANULE_BYTES, .engine = ACRE_RT_EXACT};
    SYST_RVR = 0xffffff;
    SYST_CVR = 0;
    SYST_CSR = 5; // on, from the processor's clock
    if (acre_rt_init_split(
            exact_meta, sizeof(exact_meta), exact_memory, POOL_BYTES, &options, &rt) != ACRE_OK) {
        leave(2);
    }
    calibrate(rt);
    if (!witness("exact", rt)) {
        leave(2);
    }
    options.engine = ACRE_RT_QUICK;
    if (acre_rt_init_split(
            quick_meta, sizeof(quick_meta), quick_memory, POOL_BYTES, &options, &rt) != ACRE_OK ||
        !witness("quick", rt)) {
        leave(3);
    }
    options.engine = ACRE_RT_TIGHT;
    if (acre_rt_init_split(
            exact_meta, sizeof(exact_meta), exact_memory, POOL_BYTES, &options, &rt) != ACRE_OK ||
        !witness("tight", rt)) {
        leave(4);
    }
    leave(0);
}
