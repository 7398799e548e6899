// json.c - reads JSON into a tree: see json.h. No escapes, no literals; an example of a library, not one.
// SPDX-License-Identifier: MIT
#include "json.h"

// As stdlib.h and string.h declare them, which a bare compiler does not have.
void *calloc(size_t count, size_t bytes);
void free(void *block);
int strcmp(const char *a, const char *b);

static struct json *parse_value(const char **at);

static char peek(const char **at)
{
    while (**at == ' ' || **at == '\n') {
        *at += 1;
    }
    return **at;
}

static bool skip(const char **at, char expected)
{
    if (peek(at) != expected) {
        return false;
    }
    *at += 1;
    return true;
}

static char *copy(const char *from, const char *end)
{
    char *text = calloc((size_t)(end - from) + 1, 1);
    for (char *to = text; text != NULL && from < end; to++, from++) {
        *to = *from;
    }
    return text;
}

static char *parse_text(const char **at)
{
    if (!skip(at, '"')) {
        return NULL;
    }
    const char *from = *at;
    while (**at != '"' && **at != '\0') {
        *at += 1;
    }
    const char *end = *at;
    return skip(at, '"') ? copy(from, end) : NULL;
}

static char *parse_number(const char **at)
{
    const char *from = *at;
    while ((**at >= '0' && **at <= '9') || **at == '-' || **at == '.') {
        *at += 1;
    }
    return *at == from ? NULL : copy(from, *at);
}

/// Adds to a list, in an array that doubles. False: no memory.
static bool append(struct json *list, struct json *item)
{
    if (list->count == 0 || (list->count >= 4 && (list->count & (list->count - 1)) == 0)) {
        size_t room = list->count < 4 ? 4 : 2 * list->count;
        struct json **items = calloc(room, sizeof(struct json *));
        if (items == NULL) {
            return false;
        }
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        free(list->items);
        list->items = items;
    }
    list->items[list->count++] = item;
    return true;
}

static bool parse_item(const char **at, struct json *into)
{
    char *name = into->kind == JSON_OBJECT ? parse_text(at) : NULL;
    if (into->kind == JSON_OBJECT && (name == NULL || !skip(at, ':'))) {
        free(name);
        return false;
    }
    struct json *item = parse_value(at);
    if (item == NULL) {
        free(name);
        return false;
    }
    item->name = name;
    if (!append(into, item)) {
        json_free(item);
        return false;
    }
    return true;
}

static bool parse_items(const char **at, struct json *into, char end)
{
    *at += 1;
    if (skip(at, end)) {
        return true;
    }
    do {
        if (!parse_item(at, into)) {
            return false;
        }
    } while (skip(at, ','));
    return skip(at, end);
}

static struct json *parse_value(const char **at)
{
    struct json *value = calloc(1, sizeof(*value));
    if (value == NULL) {
        return NULL;
    }
    bool good;
    switch (peek(at)) {
    case '{':
        value->kind = JSON_OBJECT;
        good = parse_items(at, value, '}');
        break;
    case '[':
        value->kind = JSON_LIST;
        good = parse_items(at, value, ']');
        break;
    case '"':
        value->kind = JSON_TEXT;
        good = (value->text = parse_text(at)) != NULL;
        break;
    default:
        value->kind = JSON_NUMBER;
        good = (value->text = parse_number(at)) != NULL;
        break;
    }
    if (!good) {
        json_free(value);
        return NULL;
    }
    return value;
}

struct json *json_parse(const char *text)
{
    return parse_value(&text);
}

void json_free(struct json *value)
{
    if (value == NULL) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        json_free(value->items[i]);
    }
    free(value->items);
    free(value->text);
    free(value->name);
    free(value);
}

const struct json *json_member(const struct json *object, const char *name)
{
    for (size_t i = 0; i < object->count; i++) {
        if (object->items[i]->name != NULL && strcmp(object->items[i]->name, name) == 0) {
            return object->items[i];
        }
    }
    return NULL;
}
