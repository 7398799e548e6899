// mapping.c - 512 GiB of addresses behind the direct map that are the kernel's own, and how all processors
// forget what was mapped there: see kernel/machine.h and acre_mapping.
//
// Who wants all to forget counts a number up and interrupts the others. At the beginning of each interrupt a
// processor looks at the number, and when it has changed, empties its TLB and notes the number that it had
// read before. Emptying all of it, by loading the root of the page tables anew, is right for any number of
// pages, and what is lost are a few entries: the rest of the kernel is mapped in pages of 1 GiB.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "kernel/sync.h"
#include "x86.h"

enum {
    TOP_ENTRY = 257, // behind the direct map's (boot.S)
    PRESENT = 1,
    WRITABLE = 2,
    TOUCHED = 0x60, // accessed, dirty
};

static const uint64_t no_execute = (uint64_t)1 << 63;
static const uintptr_t mapping_first = 0xffff808000000000;
static const size_t mapping_bytes = (size_t)64 << 30;

static uint64_t table[512] __attribute__((aligned(4096)));
static uint32_t question;
static uint32_t answers[MACHINE_CPUS_MAX];

static uint64_t root(void)
{
    uint64_t cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3) : : "memory");
    return cr3;
}

static void forget_here(void)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(root()) : "memory");
}

static void answer(void)
{
    uint32_t *mine = &answers[machine_cpu()];
    const uint32_t asked = sync_load(&question); // before: who asks later has hidden more
    if (*mine != asked) {
        forget_here();
        sync_store(mine, asked);
    }
}

static bool all_have_answered(uint32_t asked)
{
    for (unsigned cpu = 0; cpu < cpus_count(); cpu++) {
        if ((int32_t)(sync_load(&answers[cpu]) - asked) < 0) {
            return false;
        }
    }
    return true;
}

/// The entries are changed by atomic instructions, which come before what is here.
static bool forget(void)
{
    enum { TRIES_MAX = 4 };
    const uint32_t asked = sync_add(&question, 1);
    machine_interrupts_off(); // to stay on this processor
    answer();
    machine_interrupts_on();
    // One that was in its handler already may answer the interrupt with the number from before. It is
    // interrupted again.
    for (unsigned tries = 0; tries < TRIES_MAX && !all_have_answered(asked); tries++) {
        if (!machine_cpus_sync()) {
            return false;
        }
    }
    return all_have_answered(asked);
}

const acre_mapping *machine_mapping(void **addr, size_t *bytes)
{
    static const acre_mapping mapping = {
        .table = table,
        .table_bits = PRESENT | WRITABLE | TOUCHED,
        .page_bits = PRESENT | WRITABLE | TOUCHED | no_execute,
        .forget = forget,
    };
    uint64_t *top = machine_address(root());
    top[TOP_ENTRY] = (uintptr_t)table | PRESENT | WRITABLE; // the image is mapped where it is
    interrupts_began = answer;
    *addr = (void *)mapping_first;
    *bytes = mapping_bytes;
    return &mapping;
}
