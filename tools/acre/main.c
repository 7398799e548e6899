// main.c - the `acre` command: finds the sub-command and hands over to it.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acre/base.h"
#include "bench.h"
#include "help.h"
#include "library.h"
#include "report.h"
#include "run.h"
#include "say.h"
#include "text.h"

struct command {
    const char *name;
    int (*run)(char **words); // the words after the name, NULL at the end
    const char *help;
};

static int main_help(char **words);

static const struct command main_commands[] = {
    {"run", run_command, help_run_text},
    {"bench", bench_command, help_bench_text},
    {"help", main_help, help_acre_text},
};

#define COMMAND_COUNT (sizeof main_commands / sizeof main_commands[0])

static const struct command *main_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(main_commands[i].name, name) == 0) {
            return &main_commands[i];
        }
    }
    return NULL;
}

static int main_say_unknown(const char *what, const char *word, const char *form)
{
    const char *names[COMMAND_COUNT + 3] = {NULL};
    size_t count = 0;
    for (; count < COMMAND_COUNT; count++) {
        names[count] = main_commands[count].name;
    }
    names[count++] = "--help";
    names[count] = "--version";
    const char *meant = text_closest(word, names);
    if (meant != NULL) {
        return say(STATUS_USAGE, "unknown %s '%s'; did you mean '%s%s'?", what, word, form, meant);
    }
    return say(STATUS_USAGE, "unknown %s '%s'; try 'acre --help'", what, word);
}

static int main_say_extra(const char *word)
{
    return say(STATUS_USAGE, "unexpected argument '%s'; try 'acre --help'", word);
}

static int main_help(char **words)
{
    if (words[0] == NULL || strcmp(words[0], "--help") == 0) {
        return help_print(help_acre_text);
    }
    const struct command *command = main_find(words[0]);
    if (command == NULL) {
        return main_say_unknown("command", words[0], "acre help ");
    }
    return words[1] != NULL ? main_say_extra(words[1]) : help_print(command->help);
}

static int main_version(void)
{
    char *why = NULL;
    char *library = library_find(&why);
    printf("acre %s\n", ACRE_VERSION_TEXT);
    if (library == NULL) {
        printf("library: none: %s\n", why);
    } else {
        printf("library: %s\n", library);
    }
    free(library);
    free(why);
    return report_close(stdout, "-");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        return say(STATUS_USAGE, "no command; try 'acre --help'");
    }
    const char *word = argv[1];
    bool is_help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    bool is_version = strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
    if ((is_help || is_version) && argc > 2) {
        return main_say_extra(argv[2]);
    }
    if (is_help) {
        return help_print(help_acre_text);
    }
    if (is_version) {
        return main_version();
    }
    const struct command *command = main_find(word);
    if (command == NULL) {
        return main_say_unknown(word[0] == '-' ? "option" : "command", word, "acre ");
    }
    return command->run(argv + 2);
}
