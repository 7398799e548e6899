// machine.c - QEMU's riscv64 machine "virt": the serial console, traps, and the device by which a guest ends
// QEMU. See kernel/machine.h.
//
// How it ends: the device called sifive_test ends QEMU with a status of the guest's. Passed is 33, failed
// is 35, as on x86-64; a machine that resets ends QEMU with 0, so 0 is not success.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "processor.h"
#include "riscv.h"
#include "virt.h"

enum {
    UART = 0x10000000, // a 16550, with registers of a byte
    UART_STATUS = UART + 5,
    UART_EMPTY = 0x20,
    UART_TRIES = 100000,

    TEST_DEVICE = 0x100000,
    TEST_STATUS = 0x3333, // with the status in the upper half
    STATUS_PASSED = 33,
    STATUS_FAILED = 35,
    RESET_COLD = 1,
};

const uint64_t machine_direct_map = 0xffffffc000000000; // as in boot.S
const uint64_t machine_direct_map_bytes = (uint64_t)256 << 30;

_Noreturn void machine_boot(uint64_t hart, uint64_t tree);

static volatile uint8_t *uart(uint64_t at)
{
    return (volatile uint8_t *)virt_register(at);
}

void machine_write(const char *text)
{
    for (; *text != '\0'; text++) {
        // A console that never gets ready must not stop the kernel.
        for (unsigned tries = 0; tries < UART_TRIES; tries++) {
            if ((*uart(UART_STATUS) & UART_EMPTY) != 0) {
                break;
            }
        }
        *uart(UART) = (uint8_t)*text;
    }
}

_Noreturn void machine_end(bool passed)
{
    *virt_register(TEST_DEVICE) =
        (uint32_t)(passed ? STATUS_PASSED : STATUS_FAILED) << 16 | TEST_STATUS;
    while (true) { // no such device
        machine_relax();
    }
}

_Noreturn void machine_reset(void)
{
    (void)sbi_call(SBI_RESET, 0, RESET_COLD, 0, 0);
    kernel_fail("the firmware does not reset");
}

/// The first C code: interrupts are off, and this is the only processor that runs.
_Noreturn void machine_boot(uint64_t hart, uint64_t tree)
{
    virt_read_tree(tree, hart);
    processor_enter(0);
    kernel_main();
}

// Under QEMU with -icount this counts instructions; `time` counts in steps of a hundred of them.
uint64_t machine_count(void)
{
    uint64_t count;
    __asm__ volatile("rdcycle %0" : "=r"(count) : : "memory");
    return count;
}
