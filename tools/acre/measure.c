// measure.c - what several runs used, as medians and spreads.
// SPDX-License-Identifier: MIT
#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "text.h"

void measure_init(struct measure *measure, size_t run_max)
{
    memset(measure, 0, sizeof *measure);
    measure->run_max = run_max;
    for (unsigned kind = 0; kind < MEASURE_COUNT; kind++) {
        measure->values[kind] = text_memory(run_max, sizeof(double));
    }
}

void measure_free(struct measure *measure)
{
    for (unsigned kind = 0; kind < MEASURE_COUNT; kind++) {
        free(measure->values[kind]);
    }
}

void measure_add(struct measure *measure, const struct launch_result *run, int expected)
{
    size_t i = measure->run_count++;
    measure->values[MEASURE_WALL_SECONDS][i] = run->wall_seconds;
    measure->values[MEASURE_CPU_SECONDS][i] = run->user_seconds + run->system_seconds;
    measure->values[MEASURE_PEAK_BYTES][i] = (double)run->peak_rss_bytes;
    measure->values[MEASURE_FAULTS][i] = (double)(run->minor_faults + run->major_faults);
    if (run->wait_status != expected || WIFSIGNALED(run->wait_status)) {
        measure->failure = measure->failure_count == 0 ? run->wait_status : measure->failure;
        measure->failure_count++;
    }
}

static int measure_compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

struct measure_summary measure_summarise(const struct measure *measure, enum measure_kind kind)
{
    size_t count = measure->run_count;
    double *sorted = text_memory(count, sizeof *sorted);
    memcpy(sorted, measure->values[kind], count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, measure_compare);
    struct measure_summary summary = {
        .median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
        .least = sorted[0],
        .most = sorted[count - 1],
    };
    free(sorted);
    return summary;
}
