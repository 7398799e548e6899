// units.c - the unit tests of base and pools on a bare Cortex-M: the same files as on a host, over the sim port.
// ACRE_UNITS is made by tests/cortex_m/run.py: a line UNIT(name) for each.
// SPDX-License-Identifier: MIT
#include "cortex_m.h"
#include "t.h"

#define UNIT(name) int t_main_##name(void);
#include ACRE_UNITS
#undef UNIT

int main(void);

void t_write(const char *text)
{
    cortex_m_say(text);
}

uint64_t t_seed(uint64_t otherwise)
{
    return otherwise;
}

static int run(const char *name, int (*unit)(void))
{
    cortex_m_say("# ");
    cortex_m_say(name);
    cortex_m_say("\n");
    return unit();
}

int main(void)
{
    int failures = 0;
#define UNIT(name) failures += run(#name, t_main_##name);
#include ACRE_UNITS
#undef UNIT
    cortex_m_say(failures == 0 ? "PASS\n" : "FAIL\n");
    return failures == 0 ? 0 : 1;
}
