// options.c - the command line of `acre run`.
//
// Read by hand: getopt_long(3) would take abbreviations, which break when an option is added, and
// its messages do not say what to type instead.
// SPDX-License-Identifier: MIT
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "text.h"

#define REPEAT_MAX 1000

enum option_takes { TAKES_NOTHING, TAKES_VALUE, MAY_TAKE_VALUE };

struct option {
    const char *name;
    enum option_takes takes;
    int (*set)(struct options *options, const char *value); // 0, or a status after saying why
};

static int options_set_help(struct options *options, const char *value)
{
    (void)value;
    options->wants_help = true;
    return 0;
}

static int options_set_stats(struct options *options, const char *value)
{
    if (value == NULL || strcmp(value, "text") == 0) {
        options->wants_stats = true;
        return 0;
    }
    if (strcmp(value, "json") == 0) {
        options->wants_stats_json = true;
        return 0;
    }
    return say(STATUS_USAGE, "'%s' is no form of --stats; use --stats or --stats=json", value);
}

static int options_set_json(struct options *options, const char *value)
{
    options->json_path = value;
    return 0;
}

static int options_set_compare(struct options *options, const char *value)
{
    (void)value;
    options->compares = true;
    return 0;
}

static int options_set_repeat(struct options *options, const char *value)
{
    char *end = NULL;
    errno = 0;
    unsigned long count = strtoul(value, &end, 10);
    // strtoul takes a sign and spaces.
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || count == 0 ||
        count > REPEAT_MAX) {
        return say(
            STATUS_USAGE, "'%s' is no count for --repeat; use a number from 1 to %d", value,
            REPEAT_MAX);
    }
    options->repeat_count = (unsigned)count;
    return 0;
}

static int options_set_slots(struct options *options, const char *value)
{
    if (strcmp(value, "auto") != 0 && strcmp(value, "rseq") != 0 && strcmp(value, "thread") != 0) {
        return say(STATUS_USAGE, "'%s' is no value for --slots; use auto, rseq or thread", value);
    }
    options->slots = value;
    return 0;
}

static int options_set_with(struct options *options, const char *value)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value || equals[1] == '\0') {
        return say(STATUS_USAGE, "'%s' is no value for --with; use --with NAME=FILE.so", value);
    }
    if (options->with_count == OPTIONS_WITH_MAX) {
        return say(STATUS_USAGE, "too many times --with; use at most %d", OPTIONS_WITH_MAX);
    }
    options->with[options->with_count++] = value;
    return 0;
}

static int options_set_peers(struct options *options, const char *value)
{
    options->peers = value;
    return 0;
}

static int options_set_show_output(struct options *options, const char *value)
{
    (void)value;
    options->shows_output = true;
    return 0;
}

static int options_set_input(struct options *options, const char *value)
{
    options->input_path = value;
    return 0;
}

static const struct option options_known[] = {
    {"--help", TAKES_NOTHING, options_set_help},
    {"--stats", MAY_TAKE_VALUE, options_set_stats},
    {"--json", TAKES_VALUE, options_set_json},
    {"--compare", TAKES_NOTHING, options_set_compare},
    {"--repeat", TAKES_VALUE, options_set_repeat},
    {"--slots", TAKES_VALUE, options_set_slots},
    {"--with", TAKES_VALUE, options_set_with},
    {"--peers", TAKES_VALUE, options_set_peers},
    {"--show-output", TAKES_NOTHING, options_set_show_output},
    {"--input", TAKES_VALUE, options_set_input},
};

#define OPTION_COUNT (sizeof options_known / sizeof options_known[0])

static int options_say_unknown(const char *word)
{
    const char *names[OPTION_COUNT + 1] = {NULL};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        names[i] = options_known[i].name;
    }
    const char *meant = text_closest(word, names);
    if (meant != NULL) {
        return say(STATUS_USAGE, "unknown option '%s'; did you mean '%s'?", word, meant);
    }
    return say(STATUS_USAGE, "unknown option '%s'; try 'acre run --help'", word);
}

// Sets the option at **words and moves *words past it and its value.
static int options_take(char ***words, struct options *out)
{
    char *word = *(*words)++;
    char *equals = strchr(word, '=');
    size_t name_bytes = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const struct option *option = NULL;
    for (size_t i = 0; i < OPTION_COUNT && option == NULL; i++) {
        const char *name = options_known[i].name;
        if (strlen(name) == name_bytes && strncmp(name, word, name_bytes) == 0) {
            option = &options_known[i];
        }
    }
    if (option == NULL) {
        word[name_bytes] = '\0';
        return options_say_unknown(word);
    }
    const char *value = equals == NULL ? NULL : equals + 1;
    if (option->takes == TAKES_NOTHING && value != NULL) {
        return say(STATUS_USAGE, "%s takes no value; try 'acre run --help'", option->name);
    }
    if (option->takes == TAKES_VALUE && value == NULL) {
        value = **words;
        if (value == NULL || strcmp(value, "--") == 0) {
            return say(STATUS_USAGE, "%s needs a value; try 'acre run --help'", option->name);
        }
        (*words)++;
    }
    return option->set(out, value);
}

// Says so when options contradict each other.
static int options_check(const struct options *options)
{
    bool is_measuring = options_is_measuring(options);
    if (options->program[0] == NULL) {
        return say(STATUS_USAGE, "no program to run; try 'acre run --help'");
    }
    if ((options->wants_stats || options->wants_stats_json) && is_measuring) {
        return say(
            STATUS_USAGE, "--stats is for a single run; leave it out, or --compare and --repeat");
    }
    if ((options->with_count > 0 || options->peers != NULL) && !options->compares) {
        return say(
            STATUS_USAGE, "%s is for --compare; add --compare",
            options->peers != NULL ? "--peers" : "--with");
    }
    if ((options->shows_output || options->input_path != NULL) && !is_measuring) {
        return say(
            STATUS_USAGE, "%s is for --compare and --repeat; add one of them",
            options->shows_output ? "--show-output" : "--input");
    }
    return 0;
}

bool options_is_measuring(const struct options *options)
{
    return options->compares || options->repeat_count > 1;
}

int options_parse(char **words, struct options *out)
{
    memset(out, 0, sizeof *out);
    while (*words != NULL && (*words)[0] == '-' && strcmp(*words, "--") != 0) {
        if (strcmp(*words, "-h") == 0) {
            out->wants_help = true;
            return 0;
        }
        int status = options_take(&words, out);
        if (status != 0 || out->wants_help) {
            return status;
        }
    }
    if (*words != NULL && strcmp(*words, "--") == 0) {
        words++;
    }
    out->program = words;
    return options_check(out);
}
