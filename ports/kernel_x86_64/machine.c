// machine.c - the machine that QEMU calls q35, pc or microvm: what the boot loader says, the serial
// console, and the device by which a guest ends QEMU. See kernel/machine.h.
//
// How it ends: QEMU's isa-debug-exit device turns a value v into exit status 2 v + 1. Passed is 33,
// failed is 35; a triple fault ends QEMU with 0, so 0 is not success.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "processor.h"
#include "x86.h"

enum {
    COM1 = 0x3f8,
    COM1_INTERRUPTS = COM1 + 1,
    COM1_FIFO = COM1 + 2,
    COM1_LINE = COM1 + 3,
    COM1_STATUS = COM1 + 5,
    COM1_DIVISOR_ACCESS = 0x80,
    COM1_8N1 = 0x03,
    COM1_FIFO_ON = 0xc7,
    COM1_EMPTY = 0x20,
    COM1_TRIES = 100000,

    EXIT_PORT = 0xf4,
    EXIT_PASSED = 0x10,
    EXIT_FAILED = 0x11,

    PIC1_MASK = 0x21,
    PIC2_MASK = 0xa1,

    PVH_MAGIC = 0x336ec578,
    ARGUMENTS_BYTES = 256,
    LOW_BYTES = 1 << 20, // what lies below 1 MiB is the firmware's, or the trampoline's
};

static const uint64_t direct_map = 0xffff800000000000; // as in boot.S
static const uint64_t direct_map_bytes = (uint64_t)512 << 30;

struct pvh_start {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t modules;
    uint64_t modules_at;
    uint64_t arguments_at;
    uint64_t rsdp_at;
    uint64_t map_at; // from version 1 on
    uint32_t map_entries;
    uint32_t reserved;
};

extern const unsigned char image_start[];
extern const unsigned char image_end[];
void machine_boot(uint64_t start);

static char arguments[ARGUMENTS_BYTES];
static uint64_t start_at; // physical address of what the boot loader says

static void console_open(void)
{
    port_write_8(COM1_INTERRUPTS, 0);
    port_write_8(COM1_LINE, COM1_DIVISOR_ACCESS);
    port_write_8(COM1, 1); // divisor 1: 115200 baud
    port_write_8(COM1_INTERRUPTS, 0);
    port_write_8(COM1_LINE, COM1_8N1);
    port_write_8(COM1_FIFO, COM1_FIFO_ON);
}

void machine_write(const char *text)
{
    for (; *text != '\0'; text++) {
        // A console that never gets ready must not stop the kernel.
        for (unsigned tries = 0; tries < COM1_TRIES; tries++) {
            if ((port_read_8(COM1_STATUS) & COM1_EMPTY) != 0) {
                break;
            }
        }
        port_write_8(COM1, (uint8_t)*text);
    }
}

_Noreturn void machine_end(bool passed)
{
    port_write_32(EXIT_PORT, passed ? EXIT_PASSED : EXIT_FAILED);
    while (true) { // no such device
        __asm__ volatile("cli\n\thlt");
    }
}

const char *machine_arguments(void)
{
    return arguments;
}

void *machine_address(uint64_t physical)
{
    return (void *)(uintptr_t)(direct_map + physical);
}

acre_phys machine_address_limit(void)
{
    return (acre_phys){direct_map_bytes};
}

static acre_status take(acre_bootmap *map, uint64_t first, uint64_t bytes)
{
    return acre_bootmap_append(map, first, bytes, ACRE_MAP_TAKEN);
}

acre_status machine_memory(acre_bootmap *map)
{
    const struct pvh_start *start = machine_address(start_at);
    const uint64_t image_bytes = (uintptr_t)image_end - (uintptr_t)image_start;
    acre_status status =
        acre_bootmap_read_pvh(map, machine_address(start->map_at), start->map_entries);
    if (status == ACRE_OK) {
        status = take(map, 0, LOW_BYTES);
    }
    return status != ACRE_OK ? status : take(map, (uintptr_t)image_start, image_bytes);
}

/// Copies the words, which lie in memory that is going to be used for other things.
static void read_arguments(void)
{
    const struct pvh_start *start = machine_address(start_at);
    if (start->magic != PVH_MAGIC || start->version == 0 || start->map_entries == 0) {
        kernel_fail("the boot loader gave no memory map");
    }
    const char *from = machine_address(start->arguments_at);
    for (size_t i = 0; start->arguments_at != 0 && i + 1 < sizeof(arguments) && from[i] != 0; i++) {
        arguments[i] = from[i];
    }
}

/// The first C code: interrupts are off, and this is the only processor that runs.
void machine_boot(uint64_t start)
{
    start_at = start;
    console_open();
    port_write_8(PIC1_MASK, 0xff); // the old interrupt controllers keep still
    port_write_8(PIC2_MASK, 0xff);
    processor_enter(0);
    read_arguments();
    kernel_main();
}

uint64_t machine_count(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}
