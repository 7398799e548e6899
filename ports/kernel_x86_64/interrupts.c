// interrupts.c - the table of interrupts, and where each one goes. An exception is a bug of the kernel:
// it is described in one line, and the machine ends.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "x86.h"

enum { VECTORS = 256, STUB_BYTES = 16, CODE_64 = 8, GATE_INTERRUPT = 0x8e, EXCEPTIONS = 32 };

/// What interrupt_common in boot.S leaves on the stack.
struct interrupt_frame {
    uint64_t registers[15];
    uint64_t vector;
    uint64_t error;
    uint64_t rip, cs, flags, rsp, ss; // pushed by the processor
};

struct gate {
    uint16_t low;
    uint16_t selector;
    uint8_t stack;
    uint8_t type;
    uint16_t middle;
    uint32_t high;
    uint32_t reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const unsigned char machine_interrupt_stubs[VECTORS * STUB_BYTES];
void machine_interrupt(const struct interrupt_frame *frame);

static struct gate gates[VECTORS];
void (*interrupts_began)(void);

static void fill_gates(void)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        const uintptr_t at = (uintptr_t)&machine_interrupt_stubs[(size_t)i * STUB_BYTES];
        gates[i] = (struct gate){
            .low = (uint16_t)at,
            .selector = CODE_64,
            .type = GATE_INTERRUPT,
            .middle = (uint16_t)(at >> 16),
            .high = (uint32_t)(at >> 32),
        };
    }
}

void interrupts_load(void)
{
    if (gates[0].type == 0) {
        fill_gates(); // the first processor does this, before there are others
    }
    const struct table_pointer pointer = {.limit = sizeof(gates) - 1, .base = (uintptr_t)gates};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static _Noreturn void report_exception(const struct interrupt_frame *frame)
{
    uint64_t cr2;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    say("exception ");
    say_number(frame->vector);
    say(" at ");
    say_hex(frame->rip);
    say(", error ");
    say_hex(frame->error);
    say(", cr2 ");
    say_hex(cr2);
    say(", processor ");
    say_number(machine_cpu());
    say("\n");
    kernel_fail("an exception");
}

void machine_interrupt(const struct interrupt_frame *frame)
{
    if (frame->vector < EXCEPTIONS) {
        report_exception(frame);
    }
    if (interrupts_began != NULL) {
        interrupts_began();
    }
    processor_interrupt((unsigned)frame->vector);
}

_Noreturn void machine_reset(void)
{
    const struct table_pointer none = {0, 0};
    while (true) { // a fault without a handler for faults
        __asm__ volatile("lidt %0\n\tud2" : : "m"(none));
    }
}

void machine_interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

void machine_interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

void machine_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

void machine_idle(void)
{
    __asm__ volatile("sti\n\thlt" : : : "memory"); // sti takes effect after the next instruction
}
