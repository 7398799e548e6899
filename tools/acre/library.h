// library.h - where libacre.so is.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_LIBRARY_H
#define ACRE_TOOL_LIBRARY_H

/// Returns the absolute path of libacre.so, to be freed, or NULL with *why set to the reason, to be
/// freed. Looks, in this order, at
///   $ACRE_LIBRARY                     if set, nothing else counts
///   the directory of this executable  a build tree
///   ../lib and ../lib/<multiarch>     an installation
char *library_find(char **why);

/// Returns the absolute path of this executable, to be freed, or NULL.
char *library_own_path(void);

#endif
