// fork_storm.c - forks while 16 threads hammer the heap with blocks of every kind whose contents are checked:
// no fork hangs, and in no child is a block broken.
// usage: fork_storm [--forks N]
//
// Each child checks a few of the parent's blocks, frees them, and works on its own. The whole storm is 100 000
// forks (docs/measuring.md); make check has 500. How long fork() took is printed, slowest and in the middle.
// SPDX-License-Identifier: MIT
#include <sys/syscall.h>

#include "../conform/process.h"
#include "../hosted/traffic.h"

#define THREADS       16
#define FORKS         500
#define CHILD_SECONDS 60
#define CHILDREN      8
#define KEPT          64

static size_t forks = FORKS;
static struct traffic traffic;
static pthread_t threads[THREADS];
static struct traffic_head *kept[KEPT];
static pid_t children[CHILDREN];

/// How often fork() took so many microseconds, as powers of two.
static size_t counts_log2[32];

static void note_fork(uint64_t ns)
{
    unsigned log2 = 0;
    while (log2 < 31 && (ns / 1000) >> log2 > 1) {
        log2++;
    }
    counts_log2[log2] += 1;
}

/// What of so many in a thousand forks took no longer than that, in microseconds.
static size_t fork_us(size_t permille)
{
    size_t sum = 0;
    for (unsigned log2 = 0; log2 < 32; log2++) {
        sum += counts_log2[log2];
        if (sum * 1000 >= forks * permille) {
            return (size_t)2 << log2;
        }
    }
    return 0;
}

/// The child has the parent's blocks, whatever the other threads were in the middle of, and a heap that works.
static void work_in_child(size_t number)
{
    static struct traffic own;
    uint64_t random = traffic.seed + number + 1;
    for (size_t i = number % 4; i < KEPT; i += 4) {
        traffic_drop(kept[i]);
    }
    own.size_log2_max = number % 16 == 0 ? 23 : 16;
    size_t steps = number % 64 == 0 ? 500 : 30;
    for (size_t i = 0; i < steps; i++) {
        traffic_step(&own, &random);
    }
    if (number % 64 == 0) {
        (void)malloc_trim(0);
    }
    traffic_clear(&own);
}

/// Waits for the child of fork `number`. Several are under way at once.
static bool wait_for(size_t number)
{
    int status = process_wait(children[number % CHILDREN], CHILD_SECONDS);
    (void)CHECK_AT(status != PROCESS_HUNG, number);
    return CHECK_AT(process_exited(status, 0), number);
}

static bool fork_once(size_t number)
{
    if (number >= CHILDREN && !wait_for(number - CHILDREN)) {
        return false;
    }
    uint64_t before_ns = process_now_ns();
    pid_t child = fork();
    if (child == 0) {
        conform_failures = 0;
        work_in_child(number);
        _exit(conform_failures == 0 ? 0 : 1);
    }
    note_fork(process_now_ns() - before_ns);
    children[number % CHILDREN] = child;
    return CHECK_AT(child > 0, number);
}

/// The threads leave processors to the children, which would else wait for one most of the time. They are
/// interrupted the more often for it.
static void *hammer(void *unused)
{
    (void)unused;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
    return traffic_loop(&traffic);
}

static void no_child_hangs_or_finds_a_broken_block(void)
{
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = 20;
    traffic.seed = conform_seed();
    uint64_t random = traffic.seed;
    for (size_t i = 0; i < KEPT; i++) {
        kept[i] = traffic_make(&traffic, &random);
    }
    uint64_t before_ns = process_now_ns();
    for (size_t i = 0; i < THREADS; i++) {
        (void)CHECK(pthread_create(&threads[i], NULL, hammer, NULL) == 0);
    }
    size_t number = 0;
    while (number < forks && fork_once(number)) {
        number++;
        if (number % 10000 == 0) {
            conform_say("# %zu forks", number);
        }
    }
    for (size_t i = number < CHILDREN ? 0 : number - CHILDREN; i < number; i++) {
        (void)wait_for(i);
    }
    traffic_end(&traffic, threads, THREADS);
    conform_say(
        "# %zu forks beside %d threads in %zu ms; of fork() half took at most %zu us, 99 %% %zu "
        "us, all %zu us",
        number, THREADS, (size_t)((process_now_ns() - before_ns) / 1000000), fork_us(500),
        fork_us(990), fork_us(1000));
    traffic_clear(&traffic);
    for (size_t i = 0; i < KEPT; i++) {
        traffic_drop(kept[i]);
    }
}

int main(int argument_count, char **arguments)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(no_child_hangs_or_finds_a_broken_block),
    };
    if (argument_count == 3 && strcmp(arguments[1], "--forks") == 0) {
        forks = strtoull(arguments[2], NULL, 10);
    } else if (argument_count != 1) {
        conform_say("usage: fork_storm [--forks N]");
        return 2;
    }
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
