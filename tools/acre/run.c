// run.c - `acre run`: any program on acre.
//
// Three ways, from the least to the most that acre has to do:
//   become   nothing is to be reported: acre sets the environment and becomes the program
//   watch    one run is to be reported: acre is the parent, and as little of it as can be
//   measure  several runs are compared (compare.c)
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "environment.h"
#include "help.h"
#include "json.h"
#include "launch.h"
#include "library.h"
#include "options.h"
#include "preload.h"
#include "program.h"
#include "relay.h"
#include "report.h"
#include "report_json.h"
#include "say.h"
#include "summary.h"

static int run_become(const struct options *options, const char *path, const char *library)
{
    char *list = preload_list(library, library);
    environment_set(list, options->slots, -1);
    free(list);
    return program_say(options->program[0], program_exec(path, options->program));
}

static int run_report(
    const struct options *options, const char *library, const struct launch_result *run, FILE *json)
{
    if (options->wants_stats) {
        summary_print(run);
    }
    if (options->wants_stats_json) {
        report_json_write_run(options->program, library, run, stderr);
    }
    if (json == NULL) {
        return 0;
    }
    report_json_write_run(options->program, library, run, json);
    return report_close(json, options->json_path);
}

static int run_watch(const struct options *options, const char *path, const char *library)
{
    // Before the program runs: a long job must not end in "cannot write".
    FILE *json = options->json_path == NULL ? NULL : report_open(options->json_path);
    if (options->json_path != NULL && json == NULL) {
        return STATUS_FAILED;
    }
    char *list = preload_list(library, library);
    const struct launch job = {
        .path = path,
        .argv = options->program,
        .preload = list,
        .slots = options->slots,
        .wants_heap = true,
        .fds = {-1, -1, -1},
    };
    struct launch_result result;
    int status = launch_run(&job, &result);
    free(list);
    if (status == 0 && result.start_error != 0) {
        status = program_say(options->program[0], result.start_error);
    }
    if (status != 0) {
        return status;
    }
    if (!json_is_flat_object(result.heap)) {
        result.heap[0] = '\0';
    }
    status = run_report(options, library, &result, json);
    return status == 0 ? relay_end_like(result.wait_status) : status;
}

static int run_with_library(const struct options *options, const char *path, const char *library)
{
    if (options_is_measuring(options)) {
        return compare_run(options, path, library);
    }
    if (options->wants_stats || options->wants_stats_json || options->json_path != NULL) {
        return run_watch(options, path, library);
    }
    return run_become(options, path, library);
}

int run_command(char **words)
{
    struct options options;
    int status = options_parse(words, &options);
    if (status != 0) {
        return status;
    }
    if (options.wants_help) {
        return help_print(help_run_text);
    }
    const char *name = options.program[0];
    char *path = NULL;
    int error = program_find(name, &path);
    if (error != 0) {
        return program_say(name, error);
    }
    char *why = NULL;
    char *library = library_find(&why);
    if (library == NULL) {
        status = say(STATUS_FAILED, "%s", why);
    } else {
        status = preload_check(name, path);
    }
    if (status == 0) {
        status = run_with_library(&options, path, library);
    }
    free(why);
    free(library);
    free(path);
    return status;
}
