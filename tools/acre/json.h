// json.h - writing JSON, and reading the one flat object that the library writes.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_JSON_H
#define ACRE_TOOL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/// A text under construction. Commas are put where they belong; brackets are the caller's to match.
struct json {
    FILE *file;
    bool needs_comma;
};

/// Opens and closes; `key` is NULL for an element of an array and for the outermost value.
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);

/// Writes a string. Bytes that are not UTF-8 come out as U+FFFD. NULL comes out as null.
void json_string(struct json *json, const char *key, const char *value);
void json_double(struct json *json, const char *key, double value);
void json_integer(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);

/// Writes `text`, which is JSON already, or null when it is empty.
void json_raw(struct json *json, const char *key, const char *text);

/// Whether `text` is one object whose members are numbers, strings, booleans and nulls.
bool json_is_flat_object(const char *text);

/// Returns the number at `key` of a flat object, or 0 when there is none.
uint64_t json_find_integer(const char *text, const char *key);

/// Copies the string at `key` of a flat object, as much as fits; "" when there is none.
void json_find_string(const char *text, const char *key, char *out, size_t out_bytes);

#endif
