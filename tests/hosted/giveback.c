// giveback.c - memory goes back to the system by itself, by a helper that nobody notices: the process
// need not call, its signals and forks and ends are its own, and where no helper can be all else works.
// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../conform/process.h"

#define MIB           ((size_t)1 << 20)
#define BLOCKS_MAX    200000
#define CHILD_SECONDS 20
#define LIMIT_MS      2000

static char *blocks[BLOCKS_MAX];
static size_t block_count;
static size_t live_bytes;
static size_t sizes[BLOCKS_MAX];

static void drop_rest(void)
{
    for (size_t i = 0; i < block_count; i++) {
        free(blocks[i]);
    }
    block_count = 0;
}

static void fill(size_t bytes)
{
    uint64_t random = 12345;
    drop_rest();
    for (live_bytes = 0; live_bytes < bytes && block_count < BLOCKS_MAX; block_count++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t size = (random >> 33) % 64 == 0 ? 100000 + (random >> 40) % 3000000
                                               : 16 + (random >> 40) % 4000;
        blocks[block_count] = opaque(malloc(size));
        memset(blocks[block_count], 1, size);
        sizes[block_count] = size;
        live_bytes += size;
    }
}

/// Frees all but the first `percent` of a hundred blocks.
static void keep_only(size_t percent)
{
    errno = 77;
    for (size_t i = block_count * percent / 100; i < block_count; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
        live_bytes -= sizes[i];
    }
    CHECK(conform_errno() == 77);
}

static size_t count_threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        count += task->d_name[0] != '.';
    }
    if (tasks != NULL) {
        (void)closedir(tasks);
    }
    return count;
}

/// Waits until the memory of the process is at most `bytes`.
static bool shrinks_to(size_t bytes)
{
    uint64_t end_ns = process_now_ns() + LIMIT_MS * 1000000ull;
    while (process_resident_bytes() > bytes && process_now_ns() < end_ns) {
        process_sleep_us(10000);
    }
    return process_resident_bytes() <= bytes;
}

static bool becomes_single(void)
{
    for (int i = 0; i < 400 && count_threads() != 1; i++) {
        process_sleep_us(10000);
    }
    return count_threads() == 1;
}

static void memory_comes_back_although_nobody_calls(void)
{
    size_t before = process_resident_bytes();
    fill(160 * MIB);
    keep_only(5);
    CHECK(shrinks_to(before + live_bytes + live_bytes / 10 + 16 * MIB));
    drop_rest();
}

static void kept_huge_blocks_come_back_too(void)
{
    size_t before = process_resident_bytes();
    char *huge = opaque(malloc(30 * MIB));
    memset(huge, 1, 30 * MIB);
    free(huge);
    CHECK(shrinks_to(before + 2 * MIB));
}

static void process_has_one_thread_again_when_nothing_is_left(void)
{
    CHECK(becomes_single());
    fill(40 * MIB);
    keep_only(1);
    CHECK(count_threads() == 2);
    CHECK(becomes_single());
    drop_rest();
}

static void little_free_memory_starts_nobody(void)
{
    CHECK(becomes_single());
    fill(4 * MIB);
    drop_rest();
    CHECK(count_threads() == 1);
}

static pid_t handled_by[64];
static unsigned handled_count;

static void note_thread(int signal)
{
    (void)signal;
    handled_by[__atomic_fetch_add(&handled_count, 1, __ATOMIC_RELAXED) % 64] =
        (pid_t)syscall(SYS_gettid);
}

static void signals_are_the_programs_own(void)
{
    struct sigaction note = {.sa_handler = note_thread};
    static sigset_t before; // the kernel fills only a part
    static sigset_t after;
    sigset_t usr1;
    (void)sigemptyset(&usr1);
    (void)sigaddset(&usr1, SIGUSR1);
    (void)sigaction(SIGUSR1, &note, NULL);
    (void)sigaction(SIGRTMIN, &note, NULL);
    (void)sigprocmask(SIG_SETMASK, NULL, &before);
    fill(40 * MIB);
    keep_only(1);
    CHECK(count_threads() == 2);
    (void)sigprocmask(SIG_SETMASK, NULL, &after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);

    (void)sigprocmask(SIG_BLOCK, &usr1, NULL);
    for (int i = 0; i < 10; i++) {
        (void)kill(getpid(), SIGUSR1);
        (void)kill(getpid(), SIGRTMIN);
        process_sleep_us(1000);
    }
    CHECK(handled_count == 10); // by us; the other waits for us
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    CHECK(handled_count == 11);
    for (unsigned i = 0; i < handled_count; i++) {
        CHECK_AT(handled_by[i] == getpid(), i);
    }
    drop_rest();
}

static void child_starts_its_own(void *unused)
{
    (void)unused;
    CHECK(count_threads() == 1);
    keep_only(1);
    CHECK(count_threads() == 2);
    CHECK(becomes_single());
    CHECK(process_resident_bytes() < 30 * MIB);
}

static void child_works(void *unused)
{
    (void)unused;
    CHECK(count_threads() == 1);
    for (size_t size = 16; size < 8 * MIB; size *= 3) {
        char *block = opaque(calloc(1, size));
        (void)CHECK(block != NULL && block[size - 1] == 0);
        free(block);
    }
}

/// The child of a fork has no helper until it frees much: it must not keep what its parent's helper would give back.
static void child_that_is_idle(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 1000; i++) {
        free(opaque(malloc(i % 500)));
    }
    CHECK(process_resident_bytes() < 64 * MIB);
}

static void child_does_not_keep_what_its_parent_kept(void)
{
    char *block = opaque(malloc(300 * MIB));
    memset(block, 1, 300 * MIB);
    free(block);
    CHECK(process_exited(process_run(child_that_is_idle, NULL, CHILD_SECONDS), 0));
    CHECK(becomes_single());
    CHECK(process_resident_bytes() < 64 * MIB);
}

static void forks_at_every_moment_of_its_work(void)
{
    for (unsigned i = 0; i < 80; i++) {
        if (i % 10 == 0) {
            fill(24 * MIB);
            keep_only(i % 20 == 0 ? 0 : 50);
        }
        process_sleep_us((long)(i % 7) * 3000);
        CHECK_AT(process_exited(process_run(child_works, NULL, CHILD_SECONDS), 0), i);
    }
    drop_rest();
    fill(64 * MIB);
    CHECK(process_exited(process_run(child_starts_its_own, NULL, CHILD_SECONDS), 0));
    keep_only(1);
    drop_rest();
}

static void works_without_one(void)
{
    for (int round = 0; round < 3; round++) {
        fill(40 * MIB);
        keep_only(1);
        CHECK(count_threads() == 1);
        drop_rest();
    }
}

static void may_not_clone(void *unused)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = {sizeof(program) / sizeof(program[0]), program};
    (void)unused;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0) {
        works_without_one();
    }
}

static void has_no_process_left(void *unused)
{
    const struct rlimit none = {0, 0};
    (void)unused;
    if (setrlimit(RLIMIT_NPROC, &none) == 0 &&
        (getuid() != 0 || setresuid(65534, 65534, 65534) == 0)) {
        works_without_one();
    }
}

static void where_it_cannot_start_all_else_works(void)
{
    CHECK(process_exited(process_run(may_not_clone, NULL, CHILD_SECONDS), 0));
    CHECK(process_exited(process_run(has_no_process_left, NULL, CHILD_SECONDS), 0));
}

static void ends_the_process(void *argument)
{
    unsigned way = *(unsigned *)argument;
    fill(24 * MIB);
    keep_only(1);
    process_sleep_us((long)(way * 5 % 6) * 110000);
    if (way % 3 == 0) {
        exit(42);
    }
    if (way % 3 == 1) {
        (void)kill(getpid(), SIGTERM);
    }
    pthread_exit(NULL); // the last thread that libc knows: exit(0)
}

static void process_ends_as_if_it_were_alone(void)
{
    for (unsigned way = 0; way < 6; way++) {
        int status = process_run(ends_the_process, &way, CHILD_SECONDS);
        CHECK_AT(
            way % 3 == 1
                ? status != PROCESS_HUNG && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM
                : process_exited(status, way % 3 == 0 ? 42 : 0),
            way);
    }
}

static void new_program_starts_while_it_runs(void)
{
    char *const arguments[] = {"true", NULL};
    for (unsigned i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            fill(24 * MIB);
            keep_only(1);
            (void)execv("/bin/true", arguments);
            _exit(1);
        }
        CHECK(process_exited(process_wait(child, CHILD_SECONDS), 0));
    }
}

static void it_can_be_turned_off(void)
{
    char conf[128];
    char *const arguments[] = {"giveback", "off", NULL};
    const char *given = getenv("ACRE_CONF");
    (void)snprintf(conf, sizeof(conf), "%s,giveback=0", given != NULL ? given : "");
    pid_t child = fork();
    if (child == 0) {
        (void)setenv("ACRE_CONF", conf, 1);
        (void)execv("/proc/self/exe", arguments);
        _exit(1);
    }
    CHECK(process_exited(process_wait(child, CHILD_SECONDS), 0));
}

int main(int argument_count, char **arguments)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(little_free_memory_starts_nobody),
        CONFORM_CASE(memory_comes_back_although_nobody_calls),
        CONFORM_CASE(kept_huge_blocks_come_back_too),
        CONFORM_CASE(process_has_one_thread_again_when_nothing_is_left),
        CONFORM_CASE(signals_are_the_programs_own),
        CONFORM_CASE(child_does_not_keep_what_its_parent_kept),
        CONFORM_CASE(forks_at_every_moment_of_its_work),
        CONFORM_CASE(where_it_cannot_start_all_else_works),
        CONFORM_CASE(process_ends_as_if_it_were_alone),
        CONFORM_CASE(new_program_starts_while_it_runs),
        CONFORM_CASE(it_can_be_turned_off),
    };
    if (argument_count == 2 && strcmp(arguments[1], "off") == 0) {
        works_without_one();
        return conform_failures == 0 ? 0 : 1;
    }
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
