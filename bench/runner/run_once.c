// run_once.c - runs one program and says what it and its descendants used, as a line of JSON.
//
//     run_once [--every MS] RESULT_FD TIMEOUT_S PROGRAM ARGS
//
// A program of its own, and as small as can be, because the kernel counts a parent's memory as that
// of its child until the child's exec: below Python, nothing would ever seem to need less than
// 10 MiB. Orphans of the program become our children and are ended with it.
//
//     wall, user, system     seconds; of the program and of descendants for which it waited
//     peak_rss_kib           the largest single process of them, counted by the kernel
//     tree_rss_kib           with --every: the largest sum over all that were alive at once, seen by
//                            looking every MS milliseconds; shared pages count for each of them
//     rss                    with --every: that sum at each look, [milliseconds, KiB]
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOKS_MAX = 4096,
    PROCESSES_MAX = 512,
    REST_LOOKS = 1000,
    STATUS_USAGE = 2,
    STATUS_NOT_RUN = 127
};

typedef struct look {
    uint32_t at_ms;
    uint32_t rss_kib;
} look;

typedef struct watch {
    pid_t program;
    int signals_fd;
    int every_ms; // 0: do not look
    double timeout_seconds;
    struct timespec start;
    look looks[LOOKS_MAX];
    size_t look_count;
    uint64_t tree_rss_kib;
    struct rusage usage;
    int wait_status;
    bool has_ended;
    bool is_late;
} watch;

static watch once;

static double once_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - once.start.tv_sec) +
           (double)(now.tv_nsec - once.start.tv_nsec) / 1e9;
}

static uint64_t once_rss_kib(pid_t process)
{
    char path[48];
    unsigned long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)process);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%*u %lu", &pages) != 1) {
        pages = 0;
    }
    fclose(file);
    return pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

/// Appends the children of a process, whichever of its threads started them.
static size_t once_children(pid_t process, pid_t *out, size_t count)
{
    char path[64];
    int child;
    // Only the main thread's list: what a test starts, it starts there.
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)process);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return count;
    }
    while (count < PROCESSES_MAX && fscanf(file, "%d", &child) == 1) {
        out[count++] = child;
    }
    fclose(file);
    return count;
}

static size_t once_descendants(pid_t *out)
{
    size_t count = once_children(getpid(), out, 0);
    for (size_t i = 0; i < count; i++) {
        count = once_children(out[i], out, count);
    }
    return count;
}

static void once_look(void)
{
    static pid_t processes[PROCESSES_MAX];
    size_t count = once_descendants(processes);
    uint64_t sum_kib = 0;
    for (size_t i = 0; i < count; i++) {
        sum_kib += once_rss_kib(processes[i]);
    }
    if (sum_kib > once.tree_rss_kib) {
        once.tree_rss_kib = sum_kib;
    }
    if (once.look_count < LOOKS_MAX) {
        once.looks[once.look_count++] =
            (look){(uint32_t)(once_seconds() * 1000), (uint32_t)sum_kib};
    }
}

static void once_end_all(void)
{
    static pid_t processes[PROCESSES_MAX];
    size_t count = once_descendants(processes);
    for (size_t i = 0; i < count; i++) {
        kill(processes[i], SIGKILL);
    }
}

/// Collects whoever has ended. The program's own usage is what is reported.
static void once_reap(void)
{
    struct rusage usage;
    int status;
    pid_t ended;
    while ((ended = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        if (ended == once.program) {
            once.usage = usage;
            once.wait_status = status;
            once.has_ended = true;
        }
    }
}

static void once_watch(void)
{
    struct pollfd waited = {.fd = once.signals_fd, .events = POLLIN};
    while (!once.has_ended) {
        int pause_ms = once.every_ms == 0 ? 1000 : once.every_ms;
        if (poll(&waited, 1, pause_ms) > 0) {
            struct signalfd_siginfo info;
            if (read(once.signals_fd, &info, sizeof info) == (ssize_t)sizeof info &&
                info.ssi_signo != SIGCHLD) {
                once_end_all(); // the runner is being ended
            }
            once_reap();
        } else if (once.every_ms != 0) {
            once_look();
        }
        if (!once.has_ended && !once.is_late && once_seconds() > once.timeout_seconds) {
            once.is_late = true;
            once_end_all();
        }
    }
}

/// Ends what the program left behind. The children of one that ends become ours, so look again.
static void once_end_rest(void)
{
    for (int i = 0; i < REST_LOOKS; i++) {
        pid_t left[PROCESSES_MAX];
        if (once_descendants(left) == 0) {
            return;
        }
        once_end_all();
        poll(NULL, 0, 1);
        once_reap();
    }
}

static double once_time(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void once_report(FILE *out, double wall_seconds)
{
    const struct rusage *usage = &once.usage;
    fprintf(
        out,
        "{\"wall\":%.6f,\"user\":%.6f,\"system\":%.6f,\"peak_rss_kib\":%ld,\"minor_faults\":%ld,"
        "\"major_faults\":%ld,\"exit\":%d,\"signal\":%d,\"late\":%s",
        wall_seconds, once_time(usage->ru_utime), once_time(usage->ru_stime), usage->ru_maxrss,
        usage->ru_minflt, usage->ru_majflt,
        WIFEXITED(once.wait_status) ? WEXITSTATUS(once.wait_status) : -1,
        WIFSIGNALED(once.wait_status) ? WTERMSIG(once.wait_status) : 0,
        once.is_late ? "true" : "false");
    if (once.every_ms != 0) {
        fprintf(out, ",\"tree_rss_kib\":%llu,\"rss\":[", (unsigned long long)once.tree_rss_kib);
        for (size_t i = 0; i < once.look_count; i++) {
            fprintf(
                out, "%s[%u,%u]", i == 0 ? "" : ",", once.looks[i].at_ms, once.looks[i].rss_kib);
        }
        fputc(']', out);
    }
    fputs("}\n", out);
}

static int once_usage(void)
{
    fputs("usage: run_once [--every MS] RESULT_FD TIMEOUT_S PROGRAM ARGS\n", stderr);
    return STATUS_USAGE;
}

/// The child's side. RUN_ONCE_PRELOAD becomes LD_PRELOAD here, so that we are not on the allocator.
static void once_become(char **argv, const sigset_t *old_signals)
{
    const char *preload = getenv("RUN_ONCE_PRELOAD");
    if (preload != NULL) {
        setenv("LD_PRELOAD", preload, 1);
        unsetenv("RUN_ONCE_PRELOAD");
    }
    sigprocmask(SIG_SETMASK, old_signals, NULL);
    execvp(argv[0], argv);
    fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(STATUS_NOT_RUN);
}

int main(int argc, char **argv)
{
    argv++;
    argc--;
    if (argc >= 2 && strcmp(argv[0], "--every") == 0) {
        once.every_ms = atoi(argv[1]);
        argv += 2;
        argc -= 2;
    }
    FILE *out = argc < 3 ? NULL : fdopen(atoi(argv[0]), "we");
    if (out == NULL) {
        return once_usage();
    }
    once.timeout_seconds = atof(argv[1]);
    sigset_t signals;
    sigset_t old_signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &old_signals);
    once.signals_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    clock_gettime(CLOCK_MONOTONIC, &once.start);
    once.program = fork();
    if (once.program == 0) {
        once_become(argv + 2, &old_signals);
    }
    if (once.program < 0 || once.signals_fd < 0) {
        perror("run_once");
        return STATUS_NOT_RUN;
    }
    once_watch();
    double wall_seconds = once_seconds();
    once_end_rest();
    once_report(out, wall_seconds);
    return fclose(out) == 0 ? 0 : 1;
}
