// launch.c - runs a program to its end and tells what it used.
//
//     acre                      child
//      | fork ------------------> |
//      |                          | environment, descriptors, signals
//      | <-- errno, or nothing -- | execve    (start pipe, closed by a successful exec)
//      |  relay_wait              | ...
//      | <-- one line of JSON --- | exit      (heap pipe, written by the library)
//
// The heap pipe is inherited by whatever the program starts and leaves behind, so that its end of
// file may never come: after the program's end acre reads what is there, and no more.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "environment.h"
#include "files.h"
#include "program.h"
#include "relay.h"
#include "say.h"

// Programs count on finding low numbers free, and scripts name them; select(2) ends at 1024.
#define HEAP_PIPE_LOWEST_FD 900
#define NO_PIPE                                                                                    \
    {                                                                                              \
        -1, -1                                                                                     \
    }

struct launch_pipes {
    int start[2];
    int heap[2];
};

static void launch_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void launch_close_pipes(struct launch_pipes *pipes)
{
    for (unsigned end = 0; end < 2; end++) {
        launch_close(&pipes->start[end]);
        launch_close(&pipes->heap[end]);
    }
}

static int launch_open_pipes(const struct launch *job, struct launch_pipes *pipes)
{
    if (files_pipe(pipes->start, 3) != 0) {
        return say(STATUS_FAILED, "cannot create a pipe: %s", strerror(errno));
    }
    if (job->wants_heap && files_pipe(pipes->heap, HEAP_PIPE_LOWEST_FD) != 0) {
        return say(STATUS_FAILED, "cannot create a pipe: %s", strerror(errno));
    }
    return 0;
}

static void launch_set_descriptors(const struct launch *job, int heap_fd)
{
    for (int fd = 0; fd < 3; fd++) {
        if (job->fds[fd] >= 0) {
            dup2(job->fds[fd], fd);
        }
    }
    if (heap_fd >= 0) {
        fcntl(heap_fd, F_SETFD, 0);
    }
}

// The child's side: becomes the program, or reports errno through the start pipe.
static void launch_become(
    const struct launch *job, const struct launch_pipes *pipes, const struct relay *relay,
    pid_t parent)
{
    // If acre is killed in a way that it cannot pass on, the program must not stay behind.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) {
        _exit(STATUS_FAILED);
    }
    launch_set_descriptors(job, pipes->heap[1]);
    environment_set(job->preload, job->slots, pipes->heap[1]);
    relay_end(relay);
    int error = program_exec(job->path, job->argv);
    ssize_t written = write(pipes->start[1], &error, sizeof error);
    _exit(written < 0 ? STATUS_FAILED : STATUS_CANNOT_RUN);
}

static double launch_seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void launch_read_heap(int fd, char *out)
{
    out[0] = '\0';
    if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        return;
    }
    ssize_t bytes = files_read(fd, out, LAUNCH_HEAP_BYTES - 1);
    out[bytes < 0 ? 0 : bytes] = '\0';
    // A line without an end was cut off in the middle of writing.
    char *end = strchr(out, '\n');
    *(end == NULL ? out : end) = '\0';
}

static void launch_watch(
    pid_t child, struct launch_pipes *pipes, struct relay *relay, struct launch_result *out)
{
    launch_close(&pipes->start[1]);
    launch_close(&pipes->heap[1]);
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    out->wait_status = relay_wait(relay, child, &usage);
    if (files_read(pipes->start[0], (char *)&out->start_error, sizeof(int)) != sizeof(int)) {
        out->start_error = 0;
    }
    out->user_seconds = launch_seconds(usage.ru_utime);
    out->system_seconds = launch_seconds(usage.ru_stime);
    out->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    out->minor_faults = (uint64_t)usage.ru_minflt;
    out->major_faults = (uint64_t)usage.ru_majflt;
    out->interrupt = relay->interrupt;
}

int launch_run(const struct launch *job, struct launch_result *out)
{
    memset(out, 0, sizeof *out);
    struct launch_pipes pipes = {NO_PIPE, NO_PIPE};
    int status = launch_open_pipes(job, &pipes);
    if (status != 0) {
        launch_close_pipes(&pipes);
        return status;
    }
    struct relay relay;
    relay_begin(&relay);
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        launch_become(job, &pipes, &relay, parent);
    }
    if (child < 0) {
        status = say(STATUS_FAILED, "cannot start a process: %s", strerror(errno));
    } else {
        launch_watch(child, &pipes, &relay, out);
        struct timespec end;
        clock_gettime(CLOCK_MONOTONIC, &end);
        out->wall_seconds =
            (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
        launch_read_heap(pipes.heap[0], out->heap);
    }
    relay_end(&relay);
    launch_close_pipes(&pipes);
    return status;
}
