// options.h - ACRE_CONF, the options of a process. acre_options(5) describes them.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRONT_OPTIONS_H
#define ACRE_FRONT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "acre_port.h"

enum stats_form { STATS_NONE, STATS_TEXT, STATS_JSON };

struct options {
    enum slots_wanted slots;
    enum stats_form stats;
    int stats_fd;
    long stats_pid; // 0 = any process
    size_t limit_bytes;
    bool keep;
    bool giveback;
    bool hugepages;
    bool sandbox; // system calls that a strict filter allows, no others
};

/// Fills in the defaults, then what ACRE_CONF says. What it does not understand is reported on
/// stderr, a line each, and changes nothing. Allocates nothing and needs no libc to be initialised.
void options_read(struct options *options);

#endif
