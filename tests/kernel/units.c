// units.c - a kernel whose job is the unit tests of base, heap and frames: the same files as on a host,
// over the sim port, compiled as kernel code. ACRE_UNITS is made by cmake/kernel.cmake: a line
// UNIT(name) for each.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "t.h"

enum { UNIT_SECONDS = 60 };

#define UNIT(name) int t_main_##name(void);
#include ACRE_UNITS
#undef UNIT

void t_write(const char *text)
{
    say(text);
}

uint64_t t_seed(uint64_t otherwise)
{
    return otherwise;
}

static int run(const char *name, int (*unit)(void))
{
    say("# ");
    say(name);
    say("\n");
    cpus_deadline(UNIT_SECONDS);
    const uint64_t start = machine_count();
    const int failures = unit();
    say("# megacycles ");
    say_number((machine_count() - start) >> 20);
    say("\n");
    return failures;
}

_Noreturn void kernel_main(void)
{
    int failures = 0;
    (void)cpus_start();
#define UNIT(name) failures += run(#name, t_main_##name);
#include ACRE_UNITS
#undef UNIT
    if (failures != 0) {
        kernel_fail("see above");
    }
    say("PASS\n");
    machine_end(true);
}
