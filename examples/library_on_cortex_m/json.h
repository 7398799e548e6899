// json.h - a library that somebody else wrote: reads JSON into a tree. It knows nothing of acre, allocates
// with calloc, one block for each thing, and frees with free.
// SPDX-License-Identifier: MIT
#ifndef EXAMPLE_JSON_H
#define EXAMPLE_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum json_kind { JSON_TEXT, JSON_NUMBER, JSON_LIST, JSON_OBJECT };

struct json {
    enum json_kind kind;
    char *name; // of a member of an object, else NULL
    char *text; // of a text or a number
    struct json **items;
    size_t count; // of items
};

/// The tree of a text, or NULL: it is no JSON, or memory ran out. Free it with json_free.
struct json *json_parse(const char *text);

/// Frees a tree. NULL is ignored.
void json_free(struct json *value);

/// The member of an object, or NULL.
const struct json *json_member(const struct json *object, const char *name);

#endif
