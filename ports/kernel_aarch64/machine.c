// machine.c - QEMU's aarch64 machine "virt": the serial console, and the way by which a guest ends QEMU. See
// kernel/machine.h.
//
// How it ends: by semihosting, a call of the debugger that QEMU plays, with a status. Passed is 33, failed
// is 35, as on x86-64; a machine that is switched off or resets ends QEMU with 0, so 0 is not success.
//
// Source: Arm's "Semihosting for AArch32 and AArch64", PrimeCell UART (PL011) manual.
// SPDX-License-Identifier: MIT
#include "arm.h"
#include "kernel/kernel.h"
#include "processor.h"
#include "virt.h"

enum {
    UART = 0x09000000, // a PL011, which the boot loader has opened
    UART_FLAGS = UART + 0x18,
    UART_FULL = 0x20,
    UART_TRIES = 100000,

    SEMIHOSTING_EXIT = 0x20, // with a status
    EXIT_BY_ITSELF = 0x20026,
    STATUS_PASSED = 33,
    STATUS_FAILED = 35,

    MEMORY_AT = 0x40000000, // of RAM; QEMU puts the tree there if the image is an ELF file
};

const uint64_t machine_direct_map = 0xffffff8000000000; // as in boot.S
const uint64_t machine_direct_map_bytes = (uint64_t)512 << 30;

_Noreturn void machine_boot(uint64_t tree);

void machine_write(const char *text)
{
    for (; *text != '\0'; text++) {
        // A console that never gets ready must not stop the kernel.
        for (unsigned tries = 0; tries < UART_TRIES; tries++) {
            if ((*virt_register(UART_FLAGS) & UART_FULL) == 0) {
                break;
            }
        }
        *virt_register(UART) = (uint8_t)*text;
    }
}

_Noreturn void machine_end(bool passed)
{
    const uint64_t why[2] = {EXIT_BY_ITSELF, passed ? STATUS_PASSED : STATUS_FAILED};
    register uint64_t x0 __asm__("x0") = SEMIHOSTING_EXIT;
    register const uint64_t *x1 __asm__("x1") = why;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    while (true) { // nobody listens
        (void)psci_call((uint32_t)PSCI_SYSTEM_OFF, 0, 0, 0);
    }
}

_Noreturn void machine_reset(void)
{
    (void)psci_call((uint32_t)PSCI_SYSTEM_RESET, 0, 0, 0);
    kernel_fail("the firmware does not reset");
}

/// The first C code: interrupts are off, and this is the only processor that runs.
_Noreturn void machine_boot(uint64_t tree)
{
    uint64_t self;
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(self));
    virt_read_tree(
        tree != 0 ? tree : MEMORY_AT, self & 0xff00ffffff); // the parts of it that name a processor
    processor_enter(0);
    kernel_main();
}
