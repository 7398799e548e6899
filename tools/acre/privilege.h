// privilege.h - whether running a file gives more rights than the caller has.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_PRIVILEGE_H
#define ACRE_TOOL_PRIVILEGE_H

/// Returns how the kernel would come to set AT_SECURE for the program open at `fd`, as the end of a
/// sentence such as "is setuid"; NULL when it would not.
const char *privilege_gained(int fd);

#endif
