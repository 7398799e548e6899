// processes - 400 short programs, one after another, each with a few hundred allocations.
//
// Stresses the start of an allocator: what it maps, writes and asks of the system before the first
// block, and what loading its library costs. The program starts itself. Real programs: shell
// scripts, configure and make, git hooks, CGI, test suites.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <spawn.h>
#include <sys/wait.h>

enum { PROCESSES = 400, BLOCKS = 300 };

static int child(void)
{
    void *blocks[BLOCKS];
    pattern_random random = pattern_random_seed(13);
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t bytes = pattern_random_size(&random, 8, 512);
        blocks[i] = pattern_alloc(bytes);
        pattern_stamp(blocks[i], bytes);
    }
    for (size_t i = 0; i < BLOCKS; i += 2) {
        free(blocks[i]);
    }
    return 7;
}

static void run_one(void)
{
    static char own_path[] = "/proc/self/exe";
    static char name[] = "processes";
    static char argument[] = "child";
    char *const arguments[] = {name, argument, NULL};
    extern char **environ;
    pid_t process;
    int status;
    if (posix_spawn(&process, own_path, NULL, NULL, arguments, environ) != 0) {
        pattern_fail("no process");
    }
    if (waitpid(process, &status, 0) != process || !WIFEXITED(status) || WEXITSTATUS(status) != 7) {
        pattern_fail("a process ended in another way than it should");
    }
    pattern_checksum_add((uint64_t)WEXITSTATUS(status));
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "child") == 0) {
        return child();
    }
    size_t processes = pattern_work(PROCESSES);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < processes; i++) {
        run_one();
    }
    return pattern_report("processes", processes * BLOCKS, pattern_now_ns() - start_ns);
}
