// tree.h - looks up properties in the devicetree that the boot loader hands over. What memory it names is
// acre_bootmap_read_devicetree's to read; this is for the rest: words for the kernel, processors, rates.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_TREE_H
#define ACRE_KERNEL_TREE_H

#include <stdbool.h>
#include <stdint.h>

/// A way through a flattened devicetree, from the first node to the last.
struct tree_walk {
    const unsigned char *at;      // the next token of the structure block
    const unsigned char *end;     // of that block
    const unsigned char *strings; // the names of properties
};

/// A walk at the first node of the tree at `blob`. Where there is no tree, a walk that finds nothing.
struct tree_walk tree_walk(const void *blob);

/// The next property `name` of a node called `node` or `node@` with an address, wherever in the tree: its
/// value, of *bytes bytes. NULL, and *bytes as it was, when there are no more. The walk goes on behind it.
const unsigned char *tree_next(
    struct tree_walk *walk, const char *node, const char *name, uint32_t *bytes);

/// A number of `bytes` bytes, 4 or 8, as devicetrees store them.
uint64_t tree_number(const unsigned char *value, uint32_t bytes);

#endif
