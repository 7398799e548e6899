// stats.c - the statistics of the process's heap as a table for people or as one line of JSON.
//
// The numbers come from a walk over the heap (acre_heap_get_stats). The text is built in a buffer
// on the stack and written by write(2), so nothing here allocates, whatever state the process is in.
// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "front/front.h"

enum {
    // The longest JSON line has 17 names with a 20-digit number each, and under 200 characters more;
    // the longest table 12 lines of at most 100.
    STATS_TEXT_BYTES = 1536,
    // Where the table's columns end.
    NAME_COLUMNS = 26,
    SIZE_COLUMNS = 38,
};

/// The fields of acre_heap_stats by their names, in their order: the names are in the rows, not
/// behind pointers, because pointers would cost every process a relocated page.
static const char field_names[][20] = {
    "live_bytes",     "live_blocks",      "small_bytes",    "run_bytes",        "huge_bytes",
    "huge_blocks",    "free_small_bytes", "virgin_bytes",   "dirty_free_bytes", "cached_huge_bytes",
    "metadata_bytes", "committed_bytes",  "reserved_bytes", "limit_bytes",      "slots",
    "segments",       "aborted_pushes",
};

enum { FIELDS = sizeof(field_names) / sizeof(field_names[0]) };

/// The same numbers by name and by index.
union stats_view {
    acre_heap_stats named;
    size_t field[FIELDS];
};

_Static_assert(
    sizeof(acre_heap_stats) == FIELDS * sizeof(size_t), "a name for each field of acre_heap_stats");

const char *acre_version(void)
{
    return ACRE_VERSION_TEXT;
}

bool front_write(int fd, const char *words, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(fd, words, bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        words += written;
        bytes -= (size_t)written;
    }
    return true;
}

/// The most memory that the process has had resident so far. 0 if the system does not say.
SLOW static size_t peak_rss_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (size_t)usage.ru_maxrss * 1024; // Linux counts it in KiB
}

SLOW static void add_json_number(struct text *text, const char *name, size_t value)
{
    text_add(text, ",\"");
    text_add(text, name);
    text_add(text, "\":");
    text_add_decimal(text, value);
}

SLOW static void add_json(struct text *text, const union stats_view *stats)
{
    text_add(text, "{\"acre\":\"" ACRE_VERSION_TEXT "\"");
    add_json_number(text, "pid", (size_t)getpid());
    text_add(text, ",\"slots_binding\":\"");
    text_add(text, acre_slots_binding());
    text_add(text, "\"");
    for (size_t i = 0; i < FIELDS; i++) {
        add_json_number(text, field_names[i], stats->field[i]);
    }
    add_json_number(text, "peak_rss_bytes", peak_rss_bytes());
    text_add(text, "}");
    text_end_line(text);
}

/// One row: a name, a size in a column of sizes. What else belongs into the row follows.
SLOW static void add_row(struct text *text, const char *name, size_t bytes)
{
    text_add(text, name);
    text_pad_to(text, NAME_COLUMNS);
    text_add_bytes(text, bytes);
    text_align_right(text, NAME_COLUMNS, SIZE_COLUMNS);
}

/// A number with its noun, such as "  1 block" or "  2 blocks".
SLOW static void add_count(struct text *text, const char *before, size_t count, const char *noun)
{
    text_add(text, before);
    text_add_decimal(text, count);
    text_add(text, noun);
    text_add(text, count == 1 ? "" : "s");
}

SLOW static void add_table(struct text *text, const acre_heap_stats *stats)
{
    text_add(text, "acre " ACRE_VERSION_TEXT ", process ");
    text_add_decimal(text, (size_t)getpid());
    text_add(text, ", slots by ");
    text_add(text, acre_slots_binding());
    text_end_line(text);
    add_row(text, "  in use", stats->live_bytes);
    add_count(text, "  ", stats->live_blocks, " block");
    text_end_line(text);
    add_row(text, "    small blocks", stats->small_bytes);
    text_end_line(text);
    add_row(text, "    runs of pages", stats->run_bytes);
    text_end_line(text);
    add_row(text, "    huge blocks", stats->huge_bytes);
    add_count(text, "  ", stats->huge_blocks, " block");
    text_end_line(text);
    add_row(
        text, "  free, kept for reuse",
        stats->free_small_bytes + stats->dirty_free_bytes + stats->cached_huge_bytes);
    text_end_line(text);
    add_row(text, "  free, never used yet", stats->virgin_bytes);
    text_end_line(text);
    add_row(text, "  acre's bookkeeping", stats->metadata_bytes);
    text_end_line(text);
    add_row(text, "  held from the system", stats->committed_bytes);
    if (stats->limit_bytes != 0) {
        text_add(text, "  of at most ");
        text_add_bytes(text, stats->limit_bytes);
    }
    text_end_line(text);
    add_row(text, "  addresses", stats->reserved_bytes);
    add_count(text, "  ", stats->segments, " segment");
    add_count(text, ", ", stats->slots, " slot");
    text_end_line(text);
    add_row(text, "  peak of the process", peak_rss_bytes());
    text_add(text, "  resident, all memory");
    text_end_line(text);
}

SLOW bool acre_write_stats(int fd, bool json)
{
    char buffer[STATS_TEXT_BYTES];
    struct text text;
    union stats_view stats;
    text_start(&text, buffer, sizeof(buffer));
    acre_heap_get_stats(acre_default_heap(), &stats.named);
    if (json) {
        add_json(&text, &stats);
    } else {
        add_table(&text, &stats.named);
    }
    return front_write(fd, buffer, text_length(&text)) && !text.truncated;
}

SLOW void front_stats_at_exit(int fd, bool json, long pid)
{
    const struct timespec at_once = {0};
    sigset_t pipe_signal;
    sigset_t pending;
    sigset_t old_mask;
    if (pid != 0 && pid != (long)getpid()) {
        return;
    }
    // A reader that has gone away would kill the process by SIGPIPE, and a program that has done its
    // work would seem to have failed. Hold the signal back and take it out again; one that was there
    // before stays.
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    (void)sigpending(&pending);
    bool held = pthread_sigmask(SIG_BLOCK, &pipe_signal, &old_mask) == 0;
    bool written = acre_write_stats(fd, json);
    if (!held) {
        return;
    }
    if (!written && sigismember(&pending, SIGPIPE) == 0) {
        (void)sigtimedwait(&pipe_signal, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
}
