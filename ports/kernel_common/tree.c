// tree.c - see tree.h. Source: Devicetree Specification 0.4, section 5.
// SPDX-License-Identifier: MIT
#include "tree.h"

#include <stddef.h>

enum {
    MAGIC = (int)0xd00dfeed,
    HEADER_STRUCTURE = 8, // offsets in the header
    HEADER_STRINGS = 12,
    HEADER_STRUCTURE_BYTES = 36,
    TOKEN_NODE = 1,
    TOKEN_PROPERTY = 3,
    TOKEN_END = 9,
};

uint64_t tree_number(const unsigned char *value, uint32_t bytes)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        number = number << 8 | value[i];
    }
    return number;
}

static uint32_t word(const unsigned char *at)
{
    return (uint32_t)tree_number(at, 4);
}

struct tree_walk tree_walk(const void *blob)
{
    const unsigned char *tree = blob;
    if (word(tree) != (uint32_t)MAGIC) {
        return (struct tree_walk){NULL, NULL, NULL};
    }
    const unsigned char *first = tree + word(tree + HEADER_STRUCTURE);
    return (struct tree_walk){
        first, first + word(tree + HEADER_STRUCTURE_BYTES), tree + word(tree + HEADER_STRINGS)};
}

/// Whether the text is `name`; up to `stop`, which is '\0' or '@'.
static bool is_name(const unsigned char *text, const char *name, char stop)
{
    while (*name != '\0' && (char)*text == *name) {
        text += 1;
        name += 1;
    }
    return *name == '\0' && (*text == '\0' || (char)*text == stop);
}

/// Behind `bytes` bytes; tokens begin at multiples of four.
static const unsigned char *behind(const unsigned char *at, uint32_t bytes)
{
    return at + ((bytes + 3) & ~3u);
}

const unsigned char *tree_next(
    struct tree_walk *walk, const char *node, const char *name, uint32_t *bytes)
{
    bool in_node = false; // all properties of a node come before the nodes in it
    while (walk->at < walk->end) {
        const uint32_t token = word(walk->at);
        walk->at += 4;
        if (token == TOKEN_NODE) {
            uint32_t length = 1;
            in_node = is_name(walk->at, node, '@');
            while (walk->at[length - 1] != '\0') {
                length += 1;
            }
            walk->at = behind(walk->at, length);
        } else if (token == TOKEN_PROPERTY) {
            const unsigned char *value = walk->at + 8;
            const unsigned char *is = walk->strings + word(walk->at + 4);
            const uint32_t length = word(walk->at);
            walk->at = behind(value, length);
            if (in_node && is_name(is, name, '\0')) {
                *bytes = length;
                return value;
            }
        } else if (token == TOKEN_END) {
            break;
        }
    }
    return NULL;
}
