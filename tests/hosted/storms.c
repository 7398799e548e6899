// storms.c - threads that are interrupted by signals and moved between processors all the time keep
// every block whole.
//
// Handlers do not allocate. What they do to an allocator with restartable sequences is to abort its
// commits, and that must never show.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/time.h>

#include "../conform/process.h"
#include "traffic.h"

#define THREADS     6
#define STORM_MS    2000
#define TIMER_US    300
#define MOVE_US     200
#define SIGNALS_MIN 200

static struct traffic traffic;
static pthread_t threads[THREADS];
static volatile unsigned long signals_taken;

static void count_signal(int number)
{
    (void)number;
    (void)__atomic_add_fetch(&signals_taken, 1, __ATOMIC_RELAXED);
}

static void start(unsigned size_log2_max)
{
    memset(&traffic, 0, sizeof(traffic));
    traffic.size_log2_max = size_log2_max;
    traffic.seed = conform_seed();
    traffic_start(&traffic, threads, THREADS);
}

static void end(void)
{
    traffic_end(&traffic, threads, THREADS);
    traffic_clear(&traffic);
}

static void handle(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = count_signal;
    action.sa_flags = SA_RESTART;
    CHECK(sigaction(number, &action, NULL) == 0);
}

/// Starts or, with 0, stops a timer that interrupts whichever thread runs.
static void set_timer(long period_us)
{
    struct itimerval timer = {{0, period_us}, {0, period_us}};
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/// Moves every thread to a processor chosen at random until the storm is over.
static void move_threads(bool with_signals)
{
    uint64_t random = traffic.seed | 1;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t end_ns = process_now_ns() + STORM_MS * 1000000ull;
    while (process_now_ns() < end_ns) {
        for (size_t i = 0; i < THREADS; i++) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET((size_t)(conform_random(&random) % (uint64_t)processors), &one);
            (void)pthread_setaffinity_np(threads[i], sizeof(one), &one);
            if (with_signals) {
                (void)pthread_kill(threads[i], SIGUSR1);
            }
        }
        process_sleep_us(MOVE_US);
    }
}

static void timer_signals_leave_blocks_whole(void)
{
    handle(SIGALRM);
    signals_taken = 0;
    start(20);
    set_timer(TIMER_US);
    uint64_t end_ns = process_now_ns() + STORM_MS * 1000000ull;
    while (process_now_ns() < end_ns) {
        process_sleep_us(5000);
    }
    set_timer(0);
    end();
    CHECK(signals_taken > SIGNALS_MIN);
}

static void moved_threads_leave_blocks_whole(void)
{
    start(20);
    move_threads(false);
    end();
}

static void moves_and_signals_together_leave_blocks_whole(void)
{
    handle(SIGUSR1);
    handle(SIGALRM);
    signals_taken = 0;
    start(9);
    set_timer(TIMER_US);
    move_threads(true);
    set_timer(0);
    end();
    CHECK(signals_taken > SIGNALS_MIN);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(timer_signals_leave_blocks_whole),
        CONFORM_CASE(moved_threads_leave_blocks_whole),
        CONFORM_CASE(moves_and_signals_together_leave_blocks_whole),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
