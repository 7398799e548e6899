// environment.h - what acre puts into a program's environment: LD_PRELOAD and ACRE_CONF.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_ENVIRONMENT_H
#define ACRE_TOOL_ENVIRONMENT_H

/// Sets LD_PRELOAD of this process to `preload`, NULL unsets it; and adds keys to ACRE_CONF after
/// those that the user has set.
///
/// preload   from preload_list
/// slots     value of the key slots, or NULL
/// stats_fd  where this very process is to write its statistics once it is the program, or -1
void environment_set(const char *preload, const char *slots, int stats_fd);

#endif
