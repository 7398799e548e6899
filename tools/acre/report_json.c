// report_json.c - a comparison and a single run as JSON. acre-run(1) describes the members.
// SPDX-License-Identifier: MIT
#include "report_json.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "acre/base.h"
#include "json.h"
#include "report.h"

static const char *const report_json_names[MEASURE_COUNT] = {
    [MEASURE_WALL_SECONDS] = "wall_seconds",
    [MEASURE_CPU_SECONDS] = "cpu_seconds",
    [MEASURE_PEAK_BYTES] = "peak_rss_bytes",
    [MEASURE_FAULTS] = "page_faults",
};

// Writes the members that every report begins with.
static void report_json_begin(struct json *json, char *const *argv)
{
    json_open(json, NULL, '{');
    json_string(json, "acre", ACRE_VERSION_TEXT);
    json_open(json, "command", '[');
    for (; *argv != NULL; argv++) {
        json_string(json, NULL, *argv);
    }
    json_close(json, ']');
}

static void report_json_ending(struct json *json, int wait_status)
{
    bool is_signal = WIFSIGNALED(wait_status);
    if (is_signal) {
        json_raw(json, "exit_status", "");
        json_integer(json, "signal", (uint64_t)WTERMSIG(wait_status));
    } else {
        json_integer(json, "exit_status", (uint64_t)WEXITSTATUS(wait_status));
        json_raw(json, "signal", "");
    }
}

static void report_json_kind(
    struct json *json, const struct comparison *comparison, size_t i, enum measure_kind kind)
{
    const struct measure *measure = &comparison->measures[i];
    struct measure_summary summary = measure_summarise(measure, kind);
    double base = comparison->measures[0].run_count == 0
                      ? 0
                      : measure_summarise(&comparison->measures[0], kind).median;
    json_open(json, report_json_names[kind], '{');
    json_double(json, "median", summary.median);
    json_double(json, "min", summary.least);
    json_double(json, "max", summary.most);
    if (base > 0) {
        json_double(json, "ratio", summary.median / base);
    } else {
        json_raw(json, "ratio", "");
    }
    json_open(json, "values", '[');
    for (size_t run = 0; run < measure->run_count; run++) {
        json_double(json, NULL, measure->values[kind][run]);
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void report_json_allocator(struct json *json, const struct comparison *comparison, size_t i)
{
    const struct peer *peer = &comparison->peers.list[i];
    const struct measure *measure = &comparison->measures[i];
    json_open(json, NULL, '{');
    json_string(json, "name", peer->name);
    json_string(json, "library", peer->library);
    json_bool(json, "loadable", peer->is_loadable);
    json_integer(json, "runs", measure->run_count);
    json_integer(json, "failed_runs", measure->failure_count);
    char *failure = measure->failure_count == 0 ? NULL : report_ending(measure->failure);
    json_string(json, "failure", failure);
    free(failure);
    for (unsigned kind = 0; kind < MEASURE_COUNT && measure->run_count > 0; kind++) {
        report_json_kind(json, comparison, i, kind);
    }
    json_close(json, '}');
}

void report_json_write(const struct comparison *comparison, FILE *file)
{
    struct json json = {.file = file, .needs_comma = false};
    report_json_begin(&json, comparison->argv);
    report_json_ending(&json, comparison->expected);
    json_integer(&json, "rounds", comparison->round_count);
    json_integer(&json, "warm_up_rounds", comparison->warm_up_count);
    json_string(&json, "baseline", comparison->peers.list[0].name);
    json_open(&json, "allocators", '[');
    for (size_t i = 0; i < comparison->peers.count; i++) {
        report_json_allocator(&json, comparison, i);
    }
    json_close(&json, ']');
    json_close(&json, '}');
    fputc('\n', file);
}

void report_json_write_run(
    char *const *argv, const char *library, const struct launch_result *run, FILE *file)
{
    struct json json = {.file = file, .needs_comma = false};
    report_json_begin(&json, argv);
    json_string(&json, "library", library);
    report_json_ending(&json, run->wait_status);
    json_double(&json, "wall_seconds", run->wall_seconds);
    json_double(&json, "user_seconds", run->user_seconds);
    json_double(&json, "system_seconds", run->system_seconds);
    json_integer(&json, "peak_rss_bytes", run->peak_rss_bytes);
    json_integer(&json, "minor_faults", run->minor_faults);
    json_integer(&json, "major_faults", run->major_faults);
    json_raw(&json, "heap", run->heap);
    json_close(&json, '}');
    fputc('\n', file);
}
