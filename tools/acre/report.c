// report.c - a comparison as a table for people.
//
//     allocator  wall ms     x  spread  CPU ms     x  peak MiB     x  faults     x
//     system       523.1  1.00     2 %   ...
//     acre         510.0  0.97     1 %   ...
//     jemalloc    failed: signal 11 (Segmentation fault) in 5 of 5 runs
//
// x is the ratio to the first row. The spread is from the fastest to the slowest run, in percent of
// the median: differences smaller than that mean little.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "report_json.h"
#include "say.h"
#include "table.h"
#include "text.h"

#define COMMAND_SHOWN_BYTES  72
#define SHOWN_AS_SECONDS     10.0 // longest median from which times are shown in seconds
#define SHOWN_FINELY_SECONDS 0.1  // longest median below which milliseconds have two digits
#define MIB                  (1024.0 * 1024.0)

/// How one kind of value is shown.
struct report_column {
    const char *heading;
    double unit; // what is shown as 1
    enum measure_kind kind;
    int digits; // after the point
};

char *report_ending(int wait_status)
{
    if (WIFSIGNALED(wait_status)) {
        int sig = WTERMSIG(wait_status);
        return text_format("signal %d (%s)", sig, strsignal(sig));
    }
    return text_format("exit status %d", WEXITSTATUS(wait_status));
}

FILE *report_open(const char *json_path)
{
    if (strcmp(json_path, "-") == 0) {
        return stdout;
    }
    int fd = files_open(json_path, O_WRONLY | O_CREAT | O_TRUNC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        say(STATUS_FAILED, "cannot write '%s': %s", json_path, strerror(errno));
    }
    return file;
}

int report_close(FILE *file, const char *json_path)
{
    bool has_failed = ferror(file) != 0 || fflush(file) != 0;
    int error = errno;
    if (file != stdout && fclose(file) != 0 && !has_failed) {
        has_failed = true;
        error = errno;
    }
    if (has_failed) {
        return say(
            STATUS_FAILED, "cannot write '%s': %s", file == stdout ? "stdout" : json_path,
            strerror(error));
    }
    return 0;
}

// A spread of wall times that is worth a word, of runs that are long enough to have one.
#define BUSY_PERCENT 30
#define LONG_SECONDS 0.05

static bool report_is_measured(const struct comparison *comparison, size_t i)
{
    return comparison->measures[i].run_count > 0 && comparison->measures[i].failure_count == 0;
}

static double report_larger(double a, double b)
{
    return a > b ? a : b;
}

static void report_set_heading(struct table *table, const struct report_column *columns)
{
    size_t column = 0;
    table_add_row(table);
    table_set(table, column++, text_format("allocator"));
    for (unsigned i = 0; i < MEASURE_COUNT; i++) {
        table_set(table, column++, text_format("%s", columns[i].heading));
        table_set(table, column++, text_format("x"));
        if (columns[i].kind == MEASURE_WALL_SECONDS) {
            table_set(table, column++, text_format("spread"));
        }
    }
}

static double report_spread_percent(const struct measure_summary *summary)
{
    return summary->median > 0 ? (summary->most - summary->least) / summary->median * 100 : 0;
}

static void report_set_values(
    struct table *table, const struct report_column *columns, const struct comparison *comparison,
    size_t i)
{
    size_t column = 1;
    for (unsigned j = 0; j < MEASURE_COUNT; j++) {
        const struct report_column *shown = &columns[j];
        struct measure_summary own = measure_summarise(&comparison->measures[i], shown->kind);
        table_set(table, column++, text_format("%.*f", shown->digits, own.median / shown->unit));
        if (report_is_measured(comparison, 0)) {
            struct measure_summary base = measure_summarise(&comparison->measures[0], shown->kind);
            bool has_ratio = base.median > 0;
            table_set(
                table, column,
                has_ratio ? text_format("%.2f", own.median / base.median) : text_format("-"));
        }
        column++;
        if (shown->kind == MEASURE_WALL_SECONDS) {
            double spread = report_spread_percent(&own);
            bool has_spread = comparison->measures[i].run_count > 1;
            table_set(
                table, column++, has_spread ? text_format("%.0f %%", spread) : text_format("-"));
        }
    }
}

// Wall times that differ much from run to run say nothing about allocators.
static void report_say_whether_busy(const struct comparison *comparison)
{
    double most = 0;
    for (size_t i = 0; i < comparison->peers.count; i++) {
        if (report_is_measured(comparison, i) && comparison->measures[i].run_count > 1) {
            struct measure_summary wall =
                measure_summarise(&comparison->measures[i], MEASURE_WALL_SECONDS);
            double spread = wall.median >= LONG_SECONDS ? report_spread_percent(&wall) : 0;
            most = report_larger(most, spread);
        }
    }
    if (most > BUSY_PERCENT) {
        printf(
            "\nWall times of one allocator differ by up to %.0f %% from run to run: something else "
            "was at "
            "work.\nCPU times say more.\n",
            most);
    }
}

static void report_set_failure(struct table *table, const struct comparison *comparison, size_t i)
{
    const struct measure *measure = &comparison->measures[i];
    if (!comparison->peers.list[i].is_loadable) {
        const char *library = comparison->peers.list[i].library;
        table_set_note(table, text_format("not run: '%s' cannot be preloaded", library));
        return;
    }
    char *ending = report_ending(measure->failure);
    char *expected = report_ending(comparison->expected);
    bool is_other_status = !WIFSIGNALED(measure->failure);
    table_set_note(
        table, text_format(
                   "failed: %s in %zu of %zu runs%s%s%s", ending, measure->failure_count,
                   measure->run_count, is_other_status ? " (expected: " : "",
                   is_other_status ? expected : "", is_other_status ? ")" : ""));
    free(ending);
    free(expected);
}

static void report_print_title(const struct comparison *comparison)
{
    char command[COMMAND_SHOWN_BYTES + 1] = "";
    size_t used = 0;
    bool is_whole = true;
    for (char *const *word = comparison->argv; *word != NULL && is_whole; word++) {
        int bytes =
            snprintf(command + used, sizeof command - used, "%s%s", used == 0 ? "" : " ", *word);
        is_whole = bytes >= 0 && used + (size_t)bytes < sizeof command;
        used = is_whole ? used + (size_t)bytes : sizeof command - 1;
    }
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)command[i] < ' ') {
            command[i] = ' ';
        }
    }
    unsigned rounds = comparison->round_count;
    printf(
        "%s%s\n%u round%s%s; x is the ratio to %s\n\n", command, is_whole ? "" : "...", rounds,
        rounds == 1 ? "" : "s, medians", comparison->warm_up_count > 0 ? " after a warm-up" : "",
        comparison->peers.list[0].name);
}

static void report_print_table(const struct comparison *comparison)
{
    double longest = 0;
    for (size_t i = 0; i < comparison->peers.count; i++) {
        const struct measure *measure = &comparison->measures[i];
        if (report_is_measured(comparison, i)) {
            longest =
                report_larger(longest, measure_summarise(measure, MEASURE_WALL_SECONDS).median);
        }
    }
    bool is_long = longest >= SHOWN_AS_SECONDS;
    double unit = is_long ? 1 : 1e-3;
    int digits = is_long || longest < SHOWN_FINELY_SECONDS ? 2 : 1;
    const struct report_column columns[MEASURE_COUNT] = {
        {is_long ? "wall s" : "wall ms", unit, MEASURE_WALL_SECONDS, digits},
        {is_long ? "CPU s" : "CPU ms", unit, MEASURE_CPU_SECONDS, digits},
        {"peak MiB", MIB, MEASURE_PEAK_BYTES, 1},
        {"faults", 1, MEASURE_FAULTS, 0},
    };
    struct table table;
    table_init(&table, 2 + MEASURE_COUNT * 2, comparison->peers.count + 1);
    report_set_heading(&table, columns);
    for (size_t i = 0; i < comparison->peers.count; i++) {
        table_add_row(&table);
        table_set(&table, 0, text_format("%s", comparison->peers.list[i].name));
        if (report_is_measured(comparison, i)) {
            report_set_values(&table, columns, comparison, i);
        } else {
            report_set_failure(&table, comparison, i);
        }
    }
    report_print_title(comparison);
    table_print(&table, stdout);
    table_free(&table);
    report_say_whether_busy(comparison);
    if (comparison->expected != 0 && !WIFSIGNALED(comparison->expected)) {
        printf("\nThe program ends with exit status %d.\n", WEXITSTATUS(comparison->expected));
    }
}

int report_comparison(const struct comparison *comparison, const char *json_path)
{
    bool is_json_only = json_path != NULL && strcmp(json_path, "-") == 0;
    int status = 0;
    if (!is_json_only) {
        report_print_table(comparison);
        status = report_close(stdout, "-");
    }
    FILE *file = json_path == NULL || status != 0 ? NULL : report_open(json_path);
    if (file != NULL) {
        report_json_write(comparison, file);
        status = report_close(file, json_path);
    } else if (json_path != NULL && status == 0) {
        status = STATUS_FAILED;
    }
    return status;
}
