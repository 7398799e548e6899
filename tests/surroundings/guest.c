// guest.c - what only root may change, in a Linux of its own: overcommit of memory forbidden, few mappings, little
// memory for a group of processes. Run by guest.py.
//
// As the first process it mounts what Linux shows of itself, changes one thing at a time, starts itself again on
// acre with the name of a scenario, and switches the machine off. "guest: passed" is printed only at the end.
// SPDX-License-Identifier: MIT
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>

#include "system.h"

#define MIB           ((size_t)1 << 20)
#define CHILD_SECONDS 60

/// The least of what may still be charged that must be had, in percent, and after blocks of other sizes.
#define SHARE_MIN       88
#define OTHER_SHARE_MIN 85

// ---- scenarios: programs on acre -----------------------------------------------------------------

struct chained {
    struct chained *next;
};

/// Allocates until there is no more. Returns the bytes, and the blocks in *chain.
static size_t exhaust(struct chained **chain, size_t size)
{
    size_t bytes = 0;
    for (;;) {
        errno = 0;
        struct chained *block = opaque(malloc(size));
        if (block == NULL) {
            (void)CHECK_AT(conform_errno() == ENOMEM, size);
            return bytes;
        }
        ((volatile char *)block)[size - 1] = 1;
        block->next = *chain;
        *chain = block;
        bytes += size;
    }
}

static void free_chain(struct chained **chain)
{
    while (*chain != NULL) {
        struct chained *next = (*chain)->next;
        free(*chain);
        *chain = next;
    }
}

/// A line of /proc/meminfo, in bytes.
static size_t meminfo(const char *name)
{
    static char text[8192];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    text[got > 0 ? got : 0] = '\0';
    const char *at = strstr(text, name);
    return at == NULL ? 0 : strtoull(at + strlen(name) + 1, NULL, 10) * 1024;
}

/// What the kernel lets all processes together still be charged with.
static size_t left_to_charge(void)
{
    size_t limit = meminfo("CommitLimit");
    size_t charged = meminfo("Committed_AS");
    return limit > charged ? limit - charged : 0;
}

static void without_overcommit(size_t size)
{
    static const size_t others[] = {2097152, 600, 40960, 48};
    size_t left = left_to_charge();
    struct chained *chain = NULL;
    size_t first = exhaust(&chain, size);
    conform_say(
        "# blocks of %7zu bytes: %zu of %zu MiB, %zu percent", size, first / MIB, left / MIB,
        first * 100 / left);
    (void)CHECK_AT(first * 100 >= left * SHARE_MIN, size);
    free_chain(&chain);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        size_t other = exhaust(&chain, others[i]);
        (void)CHECK_AT(other * 100 >= left * OTHER_SHARE_MIN, others[i]);
        free_chain(&chain);
    }
}

/// A program that holds little is charged with little.
static void little_is_charged(size_t charged_before)
{
    struct chained *chain = NULL;
    for (size_t i = 0; i < 1000; i++) {
        struct chained *block = opaque(malloc(1000));
        if (CHECK(block != NULL)) {
            block->next = chain;
            chain = block;
        }
    }
    size_t charged = meminfo("Committed_AS") - charged_before;
    conform_say("# a program with 1 MiB of blocks is charged with %zu KiB", charged / 1024);
    (void)CHECK(charged < 8 * MIB);
    free_chain(&chain);
}

/// Holds up to `bytes` in blocks of one kind after the other, all touched.
static void work_in_a_group(size_t bytes)
{
    static const size_t sizes[] = {200, 40000, 3000000, 3000, 300000, 16, 64, 10000000, 1000};
    struct chained *chain = NULL;
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            for (size_t held = 0; held + sizes[i] <= bytes; held += sizes[i]) {
                struct chained *block = opaque(malloc(sizes[i]));
                if (!CHECK_AT(block != NULL, sizes[i])) {
                    break;
                }
                memset(block, 1, sizes[i]);
                block->next = chain;
                chain = block;
            }
            conform_say("# %zu: resident %zu MiB", sizes[i], process_resident_bytes() / MIB);
            free_chain(&chain);
        }
    }
    conform_say(
        "# at most %zu MiB held, at most %zu MiB used", bytes / MIB,
        system_number("/group/tight/memory.peak") / MIB);
}

static int run_scenario(char **arguments)
{
    size_t number = strtoull(arguments[2], NULL, 10);
    (void)CHECK(conform_on_acre());
    if (strcmp(arguments[1], "overcommit") == 0) {
        without_overcommit(number);
    } else if (strcmp(arguments[1], "charge") == 0) {
        little_is_charged(number);
    } else if (strcmp(arguments[1], "group") == 0) {
        work_in_a_group(number);
    }
    return conform_failures == 0 ? 0 : 1;
}

// ---- the first process ---------------------------------------------------------------------------

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return CHECK(written);
}

static bool write_number(const char *path, size_t number)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%zu", number);
    return write_file(path, text);
}

/// A program that runs on acre, in a group of processes if one is named.
struct start {
    const char *program;
    const char *words[2];
    const char *group;
};

static void exec_on_acre(void *argument)
{
    const struct start *start = argument;
    char *const arguments[] = {
        opaque((char *)(uintptr_t)start->program), opaque((char *)(uintptr_t)start->words[0]),
        opaque((char *)(uintptr_t)start->words[1]), NULL};
    if (start->group != NULL) {
        (void)write_file(start->group, "0"); // ourselves
    }
    (void)setenv("LD_PRELOAD", "/libacre.so", 1);
    (void)execv(start->program, arguments);
    CHECK(false);
}

static void expect(const char *what, const struct start *start)
{
    int status = process_run(exec_on_acre, opaque((void *)(uintptr_t)start), CHILD_SECONDS);
    bool passed = process_exited(status, 0);
    conform_say(
        "%s %s %s", passed ? "ok    " : "FAILED", what,
        start->words[1] == NULL ? "" : start->words[1]);
    if (!passed) {
        conform_say("# wait status %x", (unsigned)status);
        conform_failures += 1;
    }
}

static void forbid_overcommit(void)
{
    static const char *const sizes[] = {"48", "600", "5000", "40960", "307200", "2097152"};
    // Without what the system keeps for root and for other processes of a user: sums are exact then.
    (void)write_number("/proc/sys/vm/user_reserve_kbytes", 0);
    (void)write_number("/proc/sys/vm/admin_reserve_kbytes", 0);
    (void)write_number(
        "/proc/sys/vm/overcommit_kbytes", (meminfo("Committed_AS") + 128 * MIB) / 1024);
    (void)write_number("/proc/sys/vm/overcommit_memory", 2);
    char charged[32];
    (void)snprintf(charged, sizeof(charged), "%zu", meminfo("Committed_AS"));
    expect(
        "overcommit_memory=2, little is charged beyond",
        &(struct start){"/init", {"charge", charged}, NULL});
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        expect(
            "overcommit_memory=2, blocks of",
            &(struct start){"/init", {"overcommit", sizes[i]}, NULL});
    }
    (void)write_number("/proc/sys/vm/overcommit_memory", 0);
}

static void allow_few_mappings(void)
{
    (void)write_number("/proc/sys/vm/max_map_count", 300);
    expect("max_map_count=300", &(struct start){"/mappings", {"limit", NULL}, NULL});
    (void)write_number("/proc/sys/vm/max_map_count", 65530);
}

/// Half of the memory of the group in blocks, of every kind in turn: what is free of one serves the next.
static void limit_a_group(void)
{
    (void)mkdir("/group", 0755);
    (void)CHECK(mount("none", "/group", "cgroup2", 0, NULL) == 0);
    (void)write_file("/group/cgroup.subtree_control", "+memory");
    (void)CHECK(mkdir("/group/tight", 0755) == 0);
    (void)write_number("/group/tight/memory.max", 128 * MIB);
    expect(
        "memory.max of 128 MiB, a quarter of it in blocks",
        &(struct start){"/init", {"group", "33554432"}, "/group/tight/cgroup.procs"});
}

static void be_first_process(void)
{
    (void)mkdir("/proc", 0755);
    (void)mkdir("/dev", 0755);
    (void)mount("none", "/proc", "proc", 0, NULL);
    (void)mount("none", "/dev", "devtmpfs", 0, NULL);
    int console = open("/dev/console", O_RDWR);
    for (int fd = 0; fd <= 2; fd++) {
        (void)dup2(console, fd);
    }
    forbid_overcommit();
    allow_few_mappings();
    limit_a_group();
    conform_say("guest: %s", conform_failures == 0 ? "passed" : "failed");
    (void)tcdrain(STDOUT_FILENO); // the end of this is what the host waits for
    (void)reboot(RB_AUTOBOOT);
}

int main(int argument_count, char **arguments)
{
    if (getpid() == 1) {
        be_first_process();
    }
    return argument_count == 3 ? run_scenario(arguments) : 2;
}
