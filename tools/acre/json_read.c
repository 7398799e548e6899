// json_read.c - reading one flat JSON object: the statistics that the library wrote.
//
// It came through a pipe that the program could have written to as well, so it is checked before it
// is believed or copied.
// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define WHITE_SPACE " \t\r\n"

/// Walks over the members of the object. `at` is NULL once something was wrong.
struct json_reader {
    const char *at;
    const char *key; // of the member just read, without quotes; not unescaped
    size_t key_bytes;
    const char *value;
    size_t value_bytes;
};

static const char *json_skip_space(const char *at)
{
    return at + strspn(at, WHITE_SPACE);
}

// Returns what follows the string at `at`, or NULL when there is none.
static const char *json_skip_string(const char *at)
{
    if (*at != '"') {
        return NULL;
    }
    for (at++; *at != '"'; at++) {
        if ((unsigned char)*at < ' ' || (*at == '\\' && *++at == '\0')) {
            return NULL;
        }
    }
    return at + 1;
}

static const char *json_skip_word(const char *at, const char *word)
{
    size_t bytes = strlen(word);
    return strncmp(at, word, bytes) == 0 ? at + bytes : NULL;
}

static const char *json_skip_digits(const char *at)
{
    size_t digits = strspn(at, "0123456789");
    return digits == 0 ? NULL : at + digits;
}

static const char *json_skip_number(const char *at)
{
    bool is_zero = at[0] == '0' || (at[0] == '-' && at[1] == '0');
    const char *digits = *at == '-' ? at + 1 : at;
    at = json_skip_digits(digits);
    if (at == NULL || (is_zero && at != digits + 1)) {
        return NULL;
    }
    if (*at == '.') {
        at = json_skip_digits(at + 1);
    }
    if (at != NULL && (*at == 'e' || *at == 'E')) {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        at = json_skip_digits(at);
    }
    return at;
}

static const char *json_skip_scalar(const char *at)
{
    switch (*at) {
    case '"':
        return json_skip_string(at);
    case 't':
        return json_skip_word(at, "true");
    case 'f':
        return json_skip_word(at, "false");
    case 'n':
        return json_skip_word(at, "null");
    default:
        return json_skip_number(at);
    }
}

// Reads one `"key": value`. Returns false, with `at` NULL, when there is none.
static bool json_is_at_member(struct json_reader *reader)
{
    const char *key = json_skip_space(reader->at);
    const char *key_end = json_skip_string(key);
    reader->at = NULL;
    if (key_end == NULL) {
        return false;
    }
    const char *colon = json_skip_space(key_end);
    if (*colon != ':') {
        return false;
    }
    const char *value = json_skip_space(colon + 1);
    const char *value_end = json_skip_scalar(value);
    if (value_end == NULL) {
        return false;
    }
    reader->key = key + 1;
    reader->key_bytes = (size_t)(key_end - key) - 2;
    reader->value = value;
    reader->value_bytes = (size_t)(value_end - value);
    reader->at = json_skip_space(value_end);
    return true;
}

// Starts at the first member. Returns false when `text` has none.
static bool json_has_first(struct json_reader *reader, const char *text)
{
    reader->at = json_skip_space(text);
    if (*reader->at != '{') {
        return false;
    }
    reader->at++;
    return json_is_at_member(reader);
}

// Goes on to the next member. Returns false when there is none; `at` then tells why.
static bool json_has_next(struct json_reader *reader)
{
    if (*reader->at != ',') {
        return false;
    }
    reader->at++;
    return json_is_at_member(reader);
}

bool json_is_flat_object(const char *text)
{
    struct json_reader reader;
    if (!json_has_first(&reader, text)) {
        return false;
    }
    while (json_has_next(&reader)) {
    }
    return reader.at != NULL && *reader.at == '}' && *json_skip_space(reader.at + 1) == '\0';
}

// Returns the value at `key` and sets *bytes, or NULL.
static const char *json_find(const char *text, const char *key, size_t *bytes)
{
    struct json_reader reader;
    bool has_member = json_has_first(&reader, text);
    while (has_member) {
        if (reader.key_bytes == strlen(key) && strncmp(reader.key, key, reader.key_bytes) == 0) {
            *bytes = reader.value_bytes;
            return reader.value;
        }
        has_member = json_has_next(&reader);
    }
    return NULL;
}

uint64_t json_find_integer(const char *text, const char *key)
{
    size_t bytes = 0;
    const char *value = json_find(text, key, &bytes);
    return value == NULL ? 0 : strtoull(value, NULL, 10);
}

void json_find_string(const char *text, const char *key, char *out, size_t out_bytes)
{
    size_t bytes = 0;
    const char *value = json_find(text, key, &bytes);
    out[0] = '\0';
    if (value == NULL || *value != '"') {
        return;
    }
    bytes -= 2;
    if (bytes >= out_bytes) {
        bytes = out_bytes - 1;
    }
    memcpy(out, value + 1, bytes);
    out[bytes] = '\0';
}
