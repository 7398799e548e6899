// json.c - writing JSON.
// SPDX-License-Identifier: MIT
#include "json.h"

#include <stddef.h>

// Returns how many bytes the UTF-8 character at `at` has, 0 when it is none. The string ends with a
// zero byte, which is never a continuation.
static size_t json_character_bytes(const unsigned char *at)
{
    // The second byte's range excludes what could be written shorter, surrogates and what is above
    // U+10FFFF.
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t bytes = 0;
    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        bytes = 2;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        bytes = 3;
        low = at[0] == 0xe0 ? 0xa0 : low;
        high = at[0] == 0xed ? 0x9f : high;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        bytes = 4;
        low = at[0] == 0xf0 ? 0x90 : low;
        high = at[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < bytes; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) {
            return 0;
        }
    }
    return bytes;
}

static void json_quote(FILE *file, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;
    fputc('"', file);
    while (*at != '\0') {
        size_t bytes = json_character_bytes(at);
        if (*at < ' ' || *at == 0x7f) {
            fprintf(file, "\\u%04x", (unsigned)*at);
        } else if (*at == '"' || *at == '\\') {
            fprintf(file, "\\%c", *at);
        } else if (bytes == 0) {
            fputs("\\ufffd", file);
        } else {
            fwrite(at, 1, bytes, file);
        }
        at += bytes == 0 ? 1 : bytes;
    }
    fputc('"', file);
}

static void json_begin_value(struct json *json, const char *key)
{
    if (json->needs_comma) {
        fputc(',', json->file);
    }
    json->needs_comma = true;
    if (key != NULL) {
        json_quote(json->file, key);
        fputc(':', json->file);
    }
}

void json_open(struct json *json, const char *key, char bracket)
{
    json_begin_value(json, key);
    fputc(bracket, json->file);
    json->needs_comma = false;
}

void json_close(struct json *json, char bracket)
{
    fputc(bracket, json->file);
    json->needs_comma = true;
}

void json_string(struct json *json, const char *key, const char *value)
{
    json_begin_value(json, key);
    if (value == NULL) {
        fputs("null", json->file);
    } else {
        json_quote(json->file, value);
    }
}

void json_double(struct json *json, const char *key, double value)
{
    json_begin_value(json, key);
    fprintf(json->file, "%.9g", value);
}

void json_integer(struct json *json, const char *key, uint64_t value)
{
    json_begin_value(json, key);
    fprintf(json->file, "%ju", (uintmax_t)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    json_begin_value(json, key);
    fputs(value ? "true" : "false", json->file);
}

void json_raw(struct json *json, const char *key, const char *text)
{
    json_begin_value(json, key);
    fputs(text[0] == '\0' ? "null" : text, json->file);
}
