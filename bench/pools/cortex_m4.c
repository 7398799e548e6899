// cortex_m4.c - counts instructions of the special allocators on a Cortex-M4 that QEMU plays:
// scripts/measure_pools.py builds and runs it, with the sources of src/pools and the bare port.
//
// The machine is mps2-an386 with -icount shift=10: an instruction lasts 1.024 us of its time, which is
// 25.6 ticks of SysTick. A call is measured by the ticks around it, less those around a function that only returns.
// SPDX-License-Identifier: MIT
#include "acre/partitions.h"
#include "acre/region.h"
#include "acre/table.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010)
#define SYSTICK_RELOAD  (*(volatile uint32_t *)0xE000E014)
#define SYSTICK_NOW     (*(volatile uint32_t *)0xE000E018)

enum { SYS_WRITE0 = 4, SYS_EXIT = 0x18, EXIT_OK = 0x20026, EXIT_ERROR = 0x20023 };

static uint32_t semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static _Noreturn void finish(uint32_t reason)
{
    (void)semihost(SYS_EXIT, (const void *)reason);
    while (true) {
    }
}

static void say(const char *words)
{
    (void)semihost(SYS_WRITE0, words);
}

static void say_number(uint32_t value)
{
    char digits[11];
    char *at = &digits[10];
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    say(at);
}

// What the core asks of whoever links it.
void *memset(void *to, int value, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

void *memset(void *to, int value, size_t bytes)
{
    for (unsigned char *at = to; bytes-- > 0;) {
        *at++ = (unsigned char)value;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    const unsigned char *source = from;
    for (unsigned char *at = to; bytes-- > 0;) {
        *at++ = *source++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    if (target <= source) {
        return memcpy(to, from, bytes);
    }
    while (bytes-- > 0) {
        target[bytes] = source[bytes];
    }
    return to;
}

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes)
{
    (void)addr;
    (void)block_bytes;
    say(what);
    finish(EXIT_ERROR);
}

_Noreturn void acre_port_halt(const char *what, const char *file, int line)
{
    (void)file;
    (void)line;
    say(what);
    finish(EXIT_ERROR);
}

// ---- measuring -----------------------------------------------------------------------------------

struct count {
    uint32_t most;
    uint32_t sum;
    uint32_t times;
};

static uint32_t idle_ticks;

static void record(struct count *count, uint32_t before, uint32_t after)
{
    uint32_t ticks = ((before - after) & 0xFFFFFF) - idle_ticks; // it counts down
    uint32_t instructions = (ticks * 10 + 128) / 256 + 1;
    count->most = instructions > count->most ? instructions : count->most;
    count->sum += instructions;
    count->times += 1;
}

/// Measures one call; what is recorded is the function's own instructions, its return included.
#define MEASURE(count, call)                                                                       \
    do {                                                                                           \
        uint32_t before = SYSTICK_NOW;                                                             \
        call;                                                                                      \
        uint32_t after = SYSTICK_NOW;                                                              \
        record(count, before, after);                                                              \
    } while (0)

static void report(const char *name, const struct count *count)
{
    say(name);
    say(" most ");
    say_number(count->most);
    say(" mean ");
    say_number((count->sum + count->times / 2) / count->times);
    say("\n");
}

static void must(bool cond)
{
    if (!cond) {
        say("could not be prepared\n");
        finish(EXIT_ERROR);
    }
}

static _Alignas(16) unsigned char memory[1 << 16];

enum { OBJECTS = 100, OBJECT_BYTES = 48, ROUNDS = 20 };

static void *objects[OBJECTS];

/// A function of one instruction: what calling costs.
__attribute__((noinline, noclone)) static void *nothing(void *object)
{
    __asm__ volatile("" ::: "memory");
    return object;
}

static void measure_pool(const char *get_name, const char *put_name, unsigned flags)
{
    static acre_pool pool;
    acre_pool_options options = {.block_bytes = OBJECT_BYTES, .count = OBJECTS, .flags = flags};
    must(acre_pool_init(&pool, memory, sizeof(memory), &options) == ACRE_OK);
    struct count get = {0};
    struct count put = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            MEASURE(&get, objects[i] = acre_pool_get(&pool));
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            unsigned at = i * 37 % OBJECTS;
            MEASURE(&put, acre_pool_put(&pool, objects[at]));
        }
    }
    report(get_name, &get);
    report(put_name, &put);
}

static void measure_partitions(void)
{
    // Six, as a plan may have them, and sizes that meet each.
    static const acre_partition plan[] = {{16, 20},  {40, 20},  {96, 20},
                                          {136, 20}, {400, 20}, {800, 20}};
    static const uint16_t sizes[] = {9, 40, 90, 100, 400, 500};
    acre_partitions *set;
    must(acre_partitions_init(memory, sizeof(memory), plan, 6, NULL, &set) == ACRE_OK);
    struct count alloc = {0};
    struct count release = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            size_t size = sizes[i % 6];
            MEASURE(&alloc, objects[i] = acre_partitions_alloc(set, size));
            must(objects[i] != NULL);
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            unsigned at = i * 37 % OBJECTS;
            MEASURE(&release, acre_partitions_free(set, objects[at]));
        }
    }
    report("partitions_alloc", &alloc);
    report("partitions_free", &release);
}

__attribute__((noinline, noclone)) static void *region_alloc(acre_region *region, size_t size)
{
    return acre_region_alloc(region, size);
}

static void measure_region(void)
{
    acre_region region;
    must(acre_region_init(&region, memory, sizeof(memory)) == ACRE_OK);
    struct count alloc = {0};
    for (unsigned i = 0; i < OBJECTS; i++) {
        MEASURE(&alloc, objects[i] = region_alloc(&region, OBJECT_BYTES));
    }
    report("region_alloc", &alloc);
}

__attribute__((noinline, noclone)) static void *table_at(const acre_table *table, acre_id id)
{
    __asm__ volatile("" ::: "memory"); // so that it is called where it stands
    return acre_table_at(table, id);
}

static void measure_table(void)
{
    static acre_id ids[OBJECTS];
    acre_table table;
    acre_table_options options = {.element_bytes = OBJECT_BYTES, .count = OBJECTS};
    must(acre_table_init(&table, memory, sizeof(memory), &options) == ACRE_OK);
    struct count lookup = {0};
    for (unsigned i = 0; i < OBJECTS; i++) {
        must(acre_table_add(&table, &ids[i]) != NULL);
        MEASURE(&lookup, objects[i] = table_at(&table, ids[i]));
    }
    report("table_at", &lookup);
}

static _Noreturn void start(void)
{
    SYSTICK_RELOAD = 0xFFFFFF;
    SYSTICK_CONTROL = 5;               // on, the processor's clock, no interrupt
    for (unsigned i = 0; i < 2; i++) { // the second time like all that follow
        uint32_t before = SYSTICK_NOW;
        objects[i] = nothing(objects);
        uint32_t after = SYSTICK_NOW;
        idle_ticks = (before - after) & 0xFFFFFF;
    }
    measure_pool("pool_get", "pool_put", 0);
    measure_pool("pool_get_keep", "pool_put_keep", ACRE_POOL_KEEP);
    measure_partitions();
    measure_region();
    measure_table();
    finish(EXIT_OK);
}

// The stack's top and where to begin, for the linker script to put at address 0.
extern uint32_t stack_top[];
__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {
    stack_top, (const void *)(uintptr_t)start};
