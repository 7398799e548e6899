// compare.c - the same command on several allocators, in turn.
//
//     warm-up:  system  acre  jemalloc ...    not counted, when there are several rounds
//     round 1:  acre  jemalloc  system ...    each round in an order of its own
//     round 2:  ...
//
// A machine gets faster and slower while it is measured; with every allocator in every round and no
// fixed order, all of them get the same of it. Medians, because what disturbs a run only ever makes
// it slower.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "preload.h"
#include "program.h"
#include "relay.h"
#include "report.h"
#include "say.h"
#include "text.h"

#define COMPARE_ROUNDS_DEFAULT 5
#define PROGRESS_AFTER_SECONDS 1.0
#define LOG_AFTER_SECONDS      10.0

/// What a comparison needs while it runs.
struct compare_state {
    const struct options *options;
    const char *path;
    const char *acre_library;
    struct comparison result;
    int output_fd;   // /dev/null, or -1 when the output is shown
    int failure;     // wait status of the first failed run on acre or the system's malloc, or 0
    bool has_run;    // result.expected is known
    uint64_t random; // state of the order
    struct timespec start;
    bool has_progress; // a progress line stands on the terminal
};

static uint64_t compare_random(struct compare_state *state)
{
    // xorshift64: an order that differs from round to round is all that is needed.
    state->random ^= state->random << 13;
    state->random ^= state->random >> 7;
    state->random ^= state->random << 17;
    return state->random;
}

static void compare_shuffle(struct compare_state *state, size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(compare_random(state) % i);
        size_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static double compare_seconds(const struct compare_state *state)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - state->start.tv_sec) +
           (double)(now.tv_nsec - state->start.tv_nsec) / 1e9;
}

// Where no terminal shows the line below, long work says a word a round.
static void compare_say_round(const struct compare_state *state, unsigned round)
{
    const struct comparison *result = &state->result;
    double seconds = compare_seconds(state);
    if (seconds >= LOG_AFTER_SECONDS && !isatty(STDERR_FILENO)) {
        fprintf(
            stderr, "acre: %u of %u rounds done after %.0f s\n", round,
            result->round_count + result->warm_up_count, seconds);
    }
}

static void compare_show_progress(struct compare_state *state, unsigned round, const char *name)
{
    if (compare_seconds(state) < PROGRESS_AFTER_SECONDS || !isatty(STDERR_FILENO)) {
        return;
    }
    const struct comparison *result = &state->result;
    fprintf(
        stderr, "\racre: round %u of %u: %s\033[K", round + 1,
        result->round_count + result->warm_up_count, name);
    fflush(stderr);
    state->has_progress = true;
}

static void compare_clear_progress(struct compare_state *state)
{
    if (state->has_progress) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        state->has_progress = false;
    }
}

// Opens what the program reads, anew for each run. Returns -1 after saying why not.
static int compare_open_input(const struct options *options)
{
    const char *path = options->input_path == NULL ? "/dev/null" : options->input_path;
    int fd = files_open(path, O_RDONLY);
    if (fd < 0) {
        say(STATUS_FAILED, "cannot read '%s': %s", path, strerror(errno));
    }
    return fd;
}

// Keeps the outcome of one run. `is_warm_up` runs count for failures only.
static void compare_keep(
    struct compare_state *state, size_t i, bool is_warm_up, const struct launch_result *run)
{
    struct comparison *result = &state->result;
    const struct peer *peer = &result->peers.list[i];
    if (!state->has_run) {
        result->expected = run->wait_status;
        state->has_run = true;
    }
    if ((peer->is_acre || peer->library == NULL) && state->failure == 0) {
        state->failure = run->wait_status;
    }
    if (!is_warm_up) {
        measure_add(&result->measures[i], run, result->expected);
    }
}

static int compare_run_one(struct compare_state *state, size_t i, unsigned round)
{
    const struct options *options = state->options;
    const struct peer *peer = &state->result.peers.list[i];
    if (!peer->is_loadable) {
        return 0;
    }
    int input_fd = compare_open_input(options);
    if (input_fd < 0) {
        return STATUS_FAILED;
    }
    compare_show_progress(state, round, peer->name);
    char *list = preload_list(peer->library, state->acre_library);
    struct launch job = {
        .path = state->path,
        .argv = options->program,
        .preload = list,
        .slots = peer->is_acre ? options->slots : NULL,
        .fds = {input_fd, state->output_fd, state->output_fd},
    };
    struct launch_result run;
    int status = launch_run(&job, &run);
    close(input_fd);
    free(list);
    if (status == 0 && run.start_error != 0) {
        status = program_say(options->program[0], run.start_error);
    }
    if (status == 0 && run.interrupt != 0) {
        compare_clear_progress(state);
        status = relay_end_like(run.interrupt); // a signal's number is also a wait status
    }
    if (status == 0) {
        compare_keep(state, i, round < state->result.warm_up_count, &run);
    }
    return status;
}

static int compare_run_rounds(struct compare_state *state)
{
    struct comparison *result = &state->result;
    size_t order[PEERS_MAX];
    unsigned rounds = result->round_count + result->warm_up_count;
    for (unsigned round = 0; round < rounds; round++) {
        compare_say_round(state, round);
        compare_shuffle(state, order, result->peers.count);
        for (size_t i = 0; i < result->peers.count; i++) {
            // The first round keeps the order, so that the system's malloc says what to expect.
            int status = compare_run_one(state, round == 0 ? i : order[i], round);
            if (status != 0) {
                return status;
            }
        }
    }
    compare_clear_progress(state);
    return 0;
}

int compare_run(const struct options *options, const char *path, const char *acre_library)
{
    struct compare_state state = {
        .options = options, .path = path, .acre_library = acre_library, .output_fd = -1};
    struct comparison *result = &state.result;
    int status = peers_find(options, acre_library, &result->peers);
    if (status != 0) {
        return status;
    }
    unsigned default_rounds = options->compares ? COMPARE_ROUNDS_DEFAULT : 1;
    result->argv = options->program;
    result->round_count = options->repeat_count == 0 ? default_rounds : options->repeat_count;
    result->warm_up_count = result->round_count > 1;
    for (size_t i = 0; i < result->peers.count; i++) {
        measure_init(&result->measures[i], result->round_count);
    }
    clock_gettime(CLOCK_MONOTONIC, &state.start);
    if (getrandom(&state.random, sizeof state.random, 0) != (ssize_t)sizeof state.random ||
        state.random == 0) {
        state.random = (uint64_t)state.start.tv_nsec + 1;
    }
    state.output_fd = options->shows_output ? -1 : files_open("/dev/null", O_WRONLY);
    status = compare_run_rounds(&state);
    if (status == 0) {
        status = report_comparison(result, options->json_path);
    }
    for (size_t i = 0; i < result->peers.count; i++) {
        measure_free(&result->measures[i]);
    }
    peers_free(&result->peers);
    if (state.output_fd >= 0) {
        close(state.output_fd);
    }
    return status == 0 ? relay_shell_status(state.failure) : status;
}
