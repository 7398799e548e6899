// job.c - the kernel's job in the test kernel: runs the suites and says how long each took. Words on the
// kernel's command line choose:
//
//   seed=N             random tests start from N
//   interrupts         the suite of that name instead; needs QEMU's -icount shift=0, too
//   measure            count instructions instead (measure.c); needs QEMU's -icount shift=0
//   break=expect       a case that fails
//   break=exception    an instruction that faults
//   break=free         a double free
//   break=hang         a loop without end; the kernel's own clock ends it
//   break=stuck        the same with interrupts off; only who started QEMU can end it
//   break=reset        the machine resets, and QEMU ends with status 0
//
// SPDX-License-Identifier: MIT
#include "guest.h"
#include "measure.h"

enum { SUITE_SECONDS = 30, HANG_SECONDS = 1 };

static uint64_t seed;

void t_write(const char *text)
{
    say(text);
}

uint64_t t_seed(uint64_t otherwise)
{
    return seed != 0 ? seed : otherwise;
}

static void this_case_fails(void)
{
    T_EXPECT(cpus_count() == 0);
}

/// The number behind "seed=", or 0.
static uint64_t read_seed(const char *words)
{
    static const char key[] = "seed=";
    size_t same = 0;
    uint64_t value = 0;
    for (; *words != '\0' && same + 1 < sizeof(key); words++) {
        same = *words == key[same] ? same + 1 : 0;
    }
    for (; *words >= '0' && *words <= '9'; words++) {
        value = value * 10 + (uint64_t)(*words - '0');
    }
    return value;
}

static int break_on_purpose(const char *arguments)
{
    static const struct t_case failing[] = {T_CASE(this_case_fails)};
    if (has_word(arguments, "break=exception")) {
        __builtin_trap();
    }
    if (has_word(arguments, "break=free")) {
        void *block = kmalloc(100);
        kfree(block);
        kfree(block);
    }
    if (has_word(arguments, "break=hang")) {
        cpus_deadline(HANG_SECONDS);
        while (true) {
            machine_relax();
        }
    }
    if (has_word(arguments, "break=stuck")) {
        machine_interrupts_off();
        while (true) {
            machine_relax();
        }
    }
    if (has_word(arguments, "break=reset")) {
        machine_reset();
    }
    return has_word(arguments, "break=expect") ? t_run(failing, 1) : 0;
}

int kernel_job(const char *arguments)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } suites[] = {
        {"frames", t_main_frames},
        {"page source over a range", t_main_range},
#if defined(__x86_64__)
        {"page source over mapped frames", t_main_mapped},
#endif
        {"heap", t_main_heap},
        {"stress", t_main_stress},
        {"short of memory", t_main_short}
    };
    int failures = break_on_purpose(arguments);
    if (has_word(arguments, "measure")) {
        return failures + measure();
    }
    if (has_word(arguments, "interrupts")) {
        return failures + t_main_interrupts();
    }
    if (failures != 0) {
        return failures;
    }
    seed = read_seed(arguments);
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        say("# ");
        say(suites[i].name);
        say("\n");
        cpus_deadline(SUITE_SECONDS);
        failures += suites[i].run();
    }
    return failures;
}
