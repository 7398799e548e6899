// trace.c - reads recorded runs: one operation a line, "a ID SIZE", "f ID", "r ID SIZE [NEW]".
//
// IDs are any numbers, such as addresses. A table of open addressing leads from an ID to the number and the
// size of its block; entries are never removed, so that an address that is used again has its place.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What is known of an ID.
struct entry {
    uint64_t id;
    size_t block;
    size_t size; // 0: not live, or left out
    bool used;
    bool live;
};

struct reader {
    struct trace *trace;
    const char *path;
    size_t line;
    size_t most;
    struct entry *entries;
    size_t entry_count; // a power of two
    size_t entries_used;
    size_t events_max;
    size_t live_bytes;
};

static bool say(const struct reader *reader, const char *words)
{
    (void)fprintf(stderr, "acre-partitions: %s:%zu: %s\n", reader->path, reader->line, words);
    return false;
}

static struct entry *entry_at(struct entry *entries, size_t count, uint64_t id)
{
    size_t at = (size_t)((id >> 3 ^ id << 29) * 0x9e3779b97f4a7c15u >> 24) & (count - 1);
    while (entries[at].used && entries[at].id != id) {
        at = (at + 1) & (count - 1);
    }
    return &entries[at];
}

static bool grow_entries(struct reader *reader)
{
    size_t count = reader->entry_count == 0 ? 1024 : 2 * reader->entry_count;
    struct entry *entries = calloc(count, sizeof(*entries));
    if (entries == NULL) {
        return say(reader, "not enough memory");
    }
    for (size_t i = 0; i < reader->entry_count; i++) {
        if (reader->entries[i].used) {
            *entry_at(entries, count, reader->entries[i].id) = reader->entries[i];
        }
    }
    free(reader->entries);
    reader->entries = entries;
    reader->entry_count = count;
    return true;
}

/// The entry of an ID, a new one if it was not seen before. NULL: no memory.
static struct entry *look_up(struct reader *reader, uint64_t id)
{
    if (2 * reader->entries_used >= reader->entry_count && !grow_entries(reader)) {
        return NULL;
    }
    struct entry *entry = entry_at(reader->entries, reader->entry_count, id);
    if (!entry->used) {
        *entry = (struct entry){.id = id, .used = true};
        reader->entries_used += 1;
    }
    return entry;
}

/// A block changes its size; one that is left out has none. A block that begins gets a new number.
static bool change(struct reader *reader, struct entry *entry, size_t size)
{
    struct trace *trace = reader->trace;
    if (size > reader->most) {
        trace->left_out += 1;
        trace->larger_most = size > trace->larger_most ? size : trace->larger_most;
        size = 0;
    }
    if (entry->size == 0 && size == 0) {
        return true;
    }
    if (trace->count == reader->events_max) {
        reader->events_max = reader->events_max == 0 ? 4096 : 2 * reader->events_max;
        struct event *more = realloc(trace->events, reader->events_max * sizeof(*more));
        if (more == NULL) {
            return say(reader, "not enough memory");
        }
        trace->events = more;
    }
    if (entry->size == 0) {
        if (trace->blocks == INT32_MAX) {
            return say(reader, "more than 2^31 blocks");
        }
        entry->block = trace->blocks++;
    }
    trace->events[trace->count++] = (struct event){entry->block, entry->size, size};
    reader->live_bytes += size - entry->size;
    entry->size = size;
    if (reader->live_bytes > trace->peak_bytes) {
        trace->peak_bytes = reader->live_bytes;
    }
    return true;
}

static bool do_alloc(struct reader *reader, uint64_t id, size_t size)
{
    struct entry *entry = look_up(reader, id);
    if (entry == NULL) {
        return false;
    }
    if (entry->live) { // its free was missed
        reader->trace->unknown += 1;
        if (!change(reader, entry, 0)) {
            return false;
        }
    }
    entry->live = true;
    return change(reader, entry, size);
}

static bool do_free(struct reader *reader, uint64_t id)
{
    struct entry *entry = look_up(reader, id);
    if (entry == NULL) {
        return false;
    }
    reader->trace->unknown += !entry->live;
    entry->live = false;
    return change(reader, entry, 0);
}

static bool do_resize(struct reader *reader, uint64_t id, size_t size, uint64_t new_id)
{
    struct entry *entry = look_up(reader, id);
    if (entry == NULL) {
        return false;
    }
    bool was_live = entry->live;
    entry->live = true;
    if (!change(reader, entry, size)) {
        return false;
    }
    reader->trace->unknown += !was_live;
    if (new_id == id) {
        return true;
    }
    const struct entry moved = *entry;
    entry->live = false;
    entry->size = 0;
    struct entry *target = look_up(reader, new_id); // may move the table, and `entry` with it
    if (target == NULL || (target->live && !do_free(reader, new_id))) {
        return false;
    }
    target = look_up(reader, new_id);
    target->block = moved.block;
    target->size = moved.size;
    target->live = true;
    return true;
}

/// The number at *at, decimal or with 0x hexadecimal; moves *at behind it.
static bool number(char **at, uint64_t *out)
{
    char *end;
    *at += strspn(*at, " \t");
    if (**at < '0' || **at > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(*at, &end, (*at)[0] == '0' && (*at)[1] == 'x' ? 16 : 10);
    bool separate = *end == '\0' || strchr(" \t\r\n", *end) != NULL;
    *at = end;
    return errno == 0 && separate;
}

static bool read_line(struct reader *reader, char *line)
{
    uint64_t id;
    uint64_t size = 0;
    char *at = line + strspn(line, " \t\r\n");
    char kind = *at;
    if (kind == '\0' || kind == '#') {
        return true;
    }
    at += 1;
    if (strchr("afr", kind) == NULL || strchr(" \t", *at) == NULL || !number(&at, &id) ||
        (kind != 'f' && !number(&at, &size))) {
        return say(reader, "not \"a ID SIZE\", \"f ID\" or \"r ID SIZE [NEW]\"");
    }
    uint64_t new_id = id;
    char *rest = at + strspn(at, " \t\r\n");
    if (kind == 'r' && *rest != '\0' && *rest != '#') {
        if (!number(&at, &new_id)) {
            return say(reader, "not \"r ID SIZE [NEW]\"");
        }
        rest = at + strspn(at, " \t\r\n");
    }
    if ((*rest != '\0' && *rest != '#') || size > PTRDIFF_MAX) {
        return say(reader, *rest != '\0' ? "more than an operation" : "a size that no machine has");
    }
    size_t bytes = size == 0 ? 1 : (size_t)size; // a block of its own all the same
    switch (kind) {
    case 'a':
        return do_alloc(reader, id, bytes);
    case 'f':
        return do_free(reader, id);
    default:
        return do_resize(reader, id, bytes, new_id);
    }
}

bool trace_read(struct trace *trace, const char *path, size_t most)
{
    struct reader reader = {.trace = trace, .path = path, .most = most};
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "r");
    if (file == NULL) {
        (void)fprintf(stderr, "acre-partitions: %s: %s\n", path, strerror(errno));
        return false;
    }
    char *line = NULL;
    size_t line_max = 0;
    bool good = true;
    while (good && getline(&line, &line_max, file) != -1) {
        reader.line += 1;
        good = read_line(&reader, line);
    }
    if (good && ferror(file) != 0) {
        good = say(&reader, "cannot be read");
    }
    free(line);
    free(reader.entries);
    if (!standard_input) {
        (void)fclose(file);
    }
    return good;
}

void trace_free(struct trace *trace)
{
    free(trace->events);
    *trace = (struct trace){.events = NULL};
}
