// options.c - see options.h.
//
// The first allocation may come from the dynamic loader, before libc has set `environ`. The
// environment then stands where the kernel put it: behind the arguments, at the end of the stack.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "front/options.h"

#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/text.h"
#include "front/front.h"

enum { MESSAGE_BYTES = 160 };

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): glibc's name
extern void *__libc_stack_end __attribute__((weak));

/// Part of a string.
struct piece {
    const char *at;
    size_t length;
};

SLOW static bool piece_is(const struct piece *piece, const char *text)
{
    return strlen(text) == piece->length && memcmp(text, piece->at, piece->length) == 0;
}

SLOW static void add_piece(struct text *text, const struct piece *piece)
{
    char copy[MESSAGE_BYTES / 2];
    size_t length = piece->length < sizeof(copy) ? piece->length : sizeof(copy) - 1;
    memcpy(copy, piece->at, length);
    copy[length] = '\0';
    text_add(text, copy);
}

SLOW static void report(
    const char *what, const struct piece *piece, const struct piece *key, const char *takes)
{
    char words[MESSAGE_BYTES + 128];
    struct text text;
    text_start(&text, words, sizeof(words));
    text_add(&text, "acre: ACRE_CONF: ");
    text_add(&text, what);
    text_add(&text, " '");
    add_piece(&text, piece);
    text_add(&text, "'");
    if (key != NULL) {
        text_add(&text, " for '");
        add_piece(&text, key);
        text_add(&text, "': ");
        text_add(&text, takes);
    }
    text_end_line(&text);
    (void)front_write(STDERR_FILENO, words, text_length(&text));
}

/// A decimal number with an optional K, M, G or T behind it, large or small.
SLOW static bool read_number(const struct piece *piece, size_t *out)
{
    size_t value = 0;
    size_t i = 0;
    for (; i < piece->length && piece->at[i] >= '0' && piece->at[i] <= '9'; i++) {
        if (!mul_size(value, 10, &value) ||
            !add_size(value, (size_t)(piece->at[i] - '0'), &value)) {
            return false;
        }
    }
    if (i == 0) {
        return false;
    }
    size_t unit = 1;
    if (i < piece->length) {
        static const char units[] = {'K', 'M', 'G', 'T', 'k', 'm', 'g', 't'};
        const char *at = memchr(units, piece->at[i], sizeof(units));
        if (at == NULL || i + 1 != piece->length) {
            return false;
        }
        unit = (size_t)1 << (10 * ((at - units) % 4 + 1));
    }
    return mul_size(value, unit, out);
}

SLOW static bool read_choice(const struct piece *piece, const char *const *names, int *out)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (piece_is(piece, names[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

SLOW static bool set_slots(struct options *options, const struct piece *value)
{
    static const char *const names[] = {"auto", "rseq", "thread", NULL};
    int choice;
    if (!read_choice(value, names, &choice)) {
        return false;
    }
    options->slots = (enum slots_wanted)choice;
    return true;
}

SLOW static bool set_stats(struct options *options, const struct piece *value)
{
    static const char *const names[] = {"none", "text", "json", NULL};
    int choice;
    if (!read_choice(value, names, &choice)) {
        return false;
    }
    options->stats = (enum stats_form)choice;
    return true;
}

SLOW static bool set_stats_fd(struct options *options, const struct piece *value)
{
    size_t number;
    if (!read_number(value, &number) || number > INT32_MAX) {
        return false;
    }
    options->stats_fd = (int)number;
    return true;
}

SLOW static bool set_stats_pid(struct options *options, const struct piece *value)
{
    size_t number;
    if (!read_number(value, &number) || number > INT32_MAX) {
        return false;
    }
    options->stats_pid = (long)number;
    return true;
}

SLOW static bool set_limit(struct options *options, const struct piece *value)
{
    return read_number(value, &options->limit_bytes);
}

SLOW static bool set_switch(const struct piece *value, bool *out)
{
    static const char *const names[] = {"0", "1", NULL};
    int choice;
    if (!read_choice(value, names, &choice)) {
        return false;
    }
    *out = choice == 1;
    return true;
}

SLOW static bool set_keep(struct options *options, const struct piece *value)
{
    return set_switch(value, &options->keep);
}

SLOW static bool set_hugepages(struct options *options, const struct piece *value)
{
    return set_switch(value, &options->hugepages);
}

SLOW static bool set_giveback(struct options *options, const struct piece *value)
{
    return set_switch(value, &options->giveback);
}

SLOW static bool set_sandbox(struct options *options, const struct piece *value)
{
    return set_switch(value, &options->sandbox);
}

static const char a_number[] = "a number";
static const char a_switch[] = "0 or 1";

static const struct {
    const char *name;
    bool (*set)(struct options *options, const struct piece *value);
    const char *takes;
} keys[] = {
    {"slots", set_slots, "auto, rseq or thread"},
    {"stats", set_stats, "none, text or json"},
    {"stats_fd", set_stats_fd, a_number},
    {"stats_pid", set_stats_pid, a_number},
    {"limit", set_limit, "bytes, or a number with K, M, G or T"},
    {"keep", set_keep, a_switch},
    {"giveback", set_giveback, a_switch},
    {"sandbox", set_sandbox, a_switch},
    {"hugepages", set_hugepages, a_switch},
};

SLOW static void set_option(struct options *options, const char *at, size_t length)
{
    const char *equals = memchr(at, '=', length);
    struct piece key = {at, equals == NULL ? length : (size_t)(equals - at)};
    struct piece value = {
        equals == NULL ? at + length : equals + 1, equals == NULL ? 0 : length - key.length - 1};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (piece_is(&key, keys[i].name)) {
            if (!keys[i].set(options, &value)) {
                report("bad value", &value, &key, keys[i].takes);
            }
            return;
        }
    }
    report("unknown key", &key, NULL, NULL);
}

SLOW static char **find_environment(void)
{
    if (environ != NULL || &__libc_stack_end == NULL || __libc_stack_end == NULL) {
        return environ;
    }
    uintptr_t *stack = __libc_stack_end; // argc, argv, NULL, environment, NULL
    return (char **)(stack + 1 + stack[0] + 1);
}

SLOW static const char *find_conf(void)
{
    static const char name[] = "ACRE_CONF=";
    if (getauxval(AT_SECURE) != 0) {
        return NULL;
    }
    for (char **at = find_environment(); at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, sizeof(name) - 1) == 0) {
            return *at + sizeof(name) - 1;
        }
    }
    return NULL;
}

void options_read(struct options *options)
{
    *options = (struct options){.stats_fd = STDERR_FILENO, .giveback = true};
    const char *at = find_conf();
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ",");
        if (length != 0) {
            set_option(options, at, length);
        }
        at += length + (at[length] == ',' ? 1 : 0);
    }
}
