// environment.c - what acre puts into a program's environment: LD_PRELOAD and ACRE_CONF.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "environment.h"

#include <stdlib.h>
#include <unistd.h>

#include "say.h"
#include "text.h"

static void environment_put(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0) {
        exit(say(STATUS_FAILED, "out of memory"));
    }
}

// Adds `keys` to the end of ACRE_CONF, where they count more than the same keys before them.
static void environment_add_keys(char *keys)
{
    const char *old = getenv("ACRE_CONF");
    if (old == NULL || old[0] == '\0') {
        environment_put("ACRE_CONF", keys);
    } else {
        char *both = text_format("%s,%s", old, keys);
        environment_put("ACRE_CONF", both);
        free(both);
    }
    free(keys);
}

void environment_set(const char *preload, const char *slots, int stats_fd)
{
    if (preload == NULL) {
        unsetenv("LD_PRELOAD");
    } else {
        environment_put("LD_PRELOAD", preload);
    }
    if (slots != NULL) {
        environment_add_keys(text_format("slots=%s", slots));
    }
    if (stats_fd >= 0) {
        // The number of this process, because the program's children inherit the rest.
        environment_add_keys(
            text_format("stats=json,stats_fd=%d,stats_pid=%ld", stats_fd, (long)getpid()));
    }
}
