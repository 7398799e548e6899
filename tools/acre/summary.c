// summary.c - what one run used, in a few lines for people.
//
//     acre: exit status 0 after 1.204 s; CPU 1.100 s user, 0.098 s system
//     acre: peak memory 48.2 MiB; page faults 12031 minor, 0 major
//     acre: heap at exit 1.3 MiB in 8123 blocks; holds 44.0 MiB, 0.4 MiB of it bookkeeping; 2 slots
//     (rseq)                                                                 all this in one line
// SPDX-License-Identifier: MIT
#include "summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "json.h"
#include "report.h"

#define KIB           1024.0
#define BINDING_BYTES 32
#define BYTES_BYTES   32

// Writes a size with the unit that suits it.
static const char *summary_bytes(uint64_t bytes, char out[BYTES_BYTES])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double shown = (double)bytes / KIB;
    size_t unit = 0;
    while (shown >= KIB && unit + 1 < sizeof units / sizeof units[0]) {
        shown /= KIB;
        unit++;
    }
    snprintf(out, BYTES_BYTES, "%.1f %s", shown, units[unit]);
    return out;
}

static void summary_print_heap(const struct launch_result *run)
{
    if (run->heap[0] == '\0') {
        fprintf(
            stderr, "acre: no statistics of the heap: %s\n",
            WIFSIGNALED(run->wait_status)
                ? "a signal ended the program"
                : "the program ended by _exit, as shells do, or cleared its environment");
        return;
    }
    char live[BYTES_BYTES];
    char held[BYTES_BYTES];
    char metadata[BYTES_BYTES];
    char binding[BINDING_BYTES];
    uint64_t slots = json_find_integer(run->heap, "slots");
    json_find_string(run->heap, "slots_binding", binding, sizeof binding);
    fprintf(
        stderr,
        "acre: heap at exit %s in %" PRIu64 " blocks; holds %s, %s of it bookkeeping; %" PRIu64
        " slot%s (%s)\n",
        summary_bytes(json_find_integer(run->heap, "live_bytes"), live),
        json_find_integer(run->heap, "live_blocks"),
        summary_bytes(json_find_integer(run->heap, "committed_bytes"), held),
        summary_bytes(json_find_integer(run->heap, "metadata_bytes"), metadata), slots,
        slots == 1 ? "" : "s", binding);
}

void summary_print(const struct launch_result *run)
{
    char peak[BYTES_BYTES];
    char *ending = report_ending(run->wait_status);
    fprintf(
        stderr, "acre: %s after %.3f s; CPU %.3f s user, %.3f s system\n", ending,
        run->wall_seconds, run->user_seconds, run->system_seconds);
    fprintf(
        stderr, "acre: peak memory %s; page faults %" PRIu64 " minor, %" PRIu64 " major\n",
        summary_bytes(run->peak_rss_bytes, peak), run->minor_faults, run->major_faults);
    summary_print_heap(run);
    fflush(stderr);
    free(ending);
}
