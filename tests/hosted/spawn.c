// spawn.c - vfork with exec, posix_spawn, system and popen of a process whose threads allocate.
// SPDX-License-Identifier: MIT
#include <spawn.h>

#include "../conform/process.h"
#include "traffic.h"

#define THREADS 4
#define ROUNDS  60

extern char **environ;

static struct traffic traffic;
static pthread_t threads[THREADS];

static void start(uint64_t seed)
{
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 20;
    traffic.seed = seed;
    traffic_start(&traffic, threads, THREADS);
}

static void end(void)
{
    traffic_end(&traffic, threads, THREADS);
    traffic_clear(&traffic);
}

static char *const arguments[] = {"sh", "-c", "exit 7", NULL};

static void vfork_and_exec(void)
{
    start(conform_seed());
    for (unsigned i = 0; i < ROUNDS; i++) {
        pid_t child = vfork();
        if (child == 0) {
            // The heap is shared with the parent here, and a call of it must not harm anyone.
            (void)execve("/bin/sh", arguments, environ);
            _exit(1);
        }
        if (!CHECK(child > 0) || !CHECK_AT(process_exited(process_wait(child, 20), 7), i)) {
            break;
        }
    }
    end();
}

static void posix_spawn_works(void)
{
    start(conform_seed());
    for (unsigned i = 0; i < ROUNDS; i++) {
        pid_t child = 0;
        if (!CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) == 0) ||
            !CHECK_AT(process_exited(process_wait(child, 20), 7), i)) {
            break;
        }
    }
    end();
}

static void system_and_popen_work(void)
{
    char text[16];
    start(conform_seed());
    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        CHECK(process_exited(system("exit 9"), 9));
        FILE *stream = popen("echo heap", "r");
        if (CHECK(stream != NULL)) {
            CHECK(fgets(text, sizeof(text), stream) != NULL && strcmp(text, "heap\n") == 0);
            CHECK(pclose(stream) == 0);
        }
    }
    end();
}

static void fork_and_exec_from_many_threads(void)
{
    // exec with threads running ends them in the middle of whatever they do.
    for (unsigned i = 0; i < ROUNDS; i++) {
        pid_t child = fork();
        if (child == 0) {
            start(i + 1);
            (void)execve("/bin/sh", arguments, environ);
            _exit(1);
        }
        if (!CHECK_AT(process_exited(process_wait(child, 20), 7), i)) {
            return;
        }
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(vfork_and_exec),
        CONFORM_CASE(posix_spawn_works),
        CONFORM_CASE(system_and_popen_work),
        CONFORM_CASE(fork_and_exec_from_many_threads),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
