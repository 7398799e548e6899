// bench.c - `acre bench`: hands over to the runner, which is a program in Python.
//
// Tables, charts and statistics are no work for C, and the library needs none of it; what the
// command has already found out is passed on: where libacre.so is, and which allocators are
// installed. The runner lies where the pattern programs are:
//
//     build/acre       build/bench/runner/main.py
//     PREFIX/bin/acre  PREFIX/libexec/acre/bench/runner/main.py
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acre/base.h"
#include "help.h"
#include "library.h"
#include "peers.h"
#include "program.h"
#include "say.h"
#include "text.h"

#define FIXED_WORDS 6 // python3 -B main.py VERSION, -- and NULL

static const char *const bench_places[] = {"bench", "../libexec/acre/bench"};

// Returns the path of the runner, to be freed, or NULL after saying why there is none.
static char *bench_find_runner(void)
{
    char *own = library_own_path();
    if (own == NULL) {
        say(STATUS_FAILED, "cannot find out where the acre command is");
        return NULL;
    }
    *strrchr(own, '/') = '\0';
    char *path = NULL;
    for (size_t i = 0; i < sizeof bench_places / sizeof bench_places[0] && path == NULL; i++) {
        path = text_format("%s/%s/runner/main.py", own, bench_places[i]);
        if (access(path, R_OK) != 0) {
            free(path);
            path = NULL;
        }
    }
    if (path == NULL) {
        say(STATUS_FAILED, "the runner of acre bench is neither in '%s/%s' nor in '%s/%s'", own,
            bench_places[0], own, bench_places[1]);
    }
    free(own);
    return path;
}

// Becomes the runner; returns a status if it cannot.
static int bench_become(char **words, char *runner, const struct peers *peers)
{
    char *python = NULL;
    int error = program_find("python3", &python);
    if (error != 0) {
        return say(STATUS_FAILED, "acre bench needs python3, which is not installed");
    }
    size_t word_count = 0;
    while (words[word_count] != NULL) {
        word_count++;
    }
    char **argv = text_memory(FIXED_WORDS + 2 * peers->count + word_count, sizeof *argv);
    size_t count = 0;
    argv[count++] = python;
    argv[count++] = text_format("-B");
    argv[count++] = runner;
    argv[count++] = text_format("%s", ACRE_VERSION_TEXT);
    for (size_t i = 0; i < peers->count; i++) {
        const struct peer *peer = &peers->list[i];
        if (!peer->is_loadable) {
            say(0, "%s takes no part: '%s' cannot be preloaded", peer->name, peer->library);
            continue;
        }
        argv[count++] = text_format("--peer");
        argv[count++] =
            text_format("%s=%s", peer->name, peer->library == NULL ? "" : peer->library);
    }
    argv[count++] = text_format("--");
    memcpy(argv + count, words, word_count * sizeof *argv);
    return program_say(python, program_exec(python, argv)); // all of it ends with the process
}

int bench_command(char **words)
{
    for (char **word = words; *word != NULL; word++) {
        if (strcmp(*word, "--help") == 0 || strcmp(*word, "-h") == 0) {
            return help_print(help_bench_text);
        }
    }
    char *runner = bench_find_runner();
    if (runner == NULL) {
        return STATUS_FAILED;
    }
    char *why = NULL;
    char *library = library_find(&why);
    int status = 0;
    if (library == NULL) {
        status = say(STATUS_FAILED, "%s", why);
        free(why);
    } else {
        const struct options options = {.compares = true};
        struct peers peers;
        status = peers_find(&options, library, &peers);
        if (status == 0) {
            status = bench_become(words, runner, &peers);
            peers_free(&peers);
        }
    }
    free(library);
    free(runner);
    return status;
}
