// main.c - in the order in which the kernel comes up.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"

_Noreturn void kernel_main(void)
{
    say("acre " ACRE_VERSION_TEXT " reference kernel\n");
    memory_start();
    const unsigned running = cpus_start();
    say("processors: ");
    say_number(running);
    say("\n");
    const int failures = kernel_job(machine_arguments());
    if (failures != 0) {
        kernel_fail("see above");
    }
    say("PASS\n");
    machine_end(true);
}
