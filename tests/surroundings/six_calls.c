// six_calls.c - a filter of system calls that ends the process for all but mmap, munmap, mprotect,
// madvise, mremap and futex: with sandbox=1 in ACRE_CONF the heap needs no others.
//
// What the test itself needs is allowed, too: to write a line, to end, to return from a signal. Threads are
// started before the filter is installed, wait by futex, and do not end by themselves.
// SPDX-License-Identifier: MIT
#include <linux/futex.h>
#include <sched.h>

#include "../hosted/traffic.h"
#include "system.h"

#define THREADS       4
#define ROUNDS        4
#define CHILD_SECONDS 60
#define IDLE_SIZE     ((size_t)100)
#define MIB           ((size_t)1 << 20)

static const long allowed[] = {
    SYS_mmap,  SYS_munmap, SYS_mprotect,   SYS_madvise,      SYS_mremap, SYS_futex,
    SYS_write, SYS_exit,   SYS_exit_group, SYS_rt_sigreturn, -1};

static struct traffic traffic;
static uint32_t stage;    // the threads work as far as this says
static uint32_t started;  // threads whose C library has made its own calls
static uint32_t finished; // rounds that threads have done

static void wait_until(uint32_t *word, uint32_t value)
{
    for (uint32_t now; (now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) < value;) {
        (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
    }
}

static void raise_word(uint32_t *word)
{
    (void)__atomic_add_fetch(word, 1, __ATOMIC_RELEASE);
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/// Leaves slabs behind of which three blocks in four are free.
static void leave_free_blocks(void)
{
    enum { BLOCKS = 20000 };
    void **last = NULL;
    for (size_t i = 0; i < BLOCKS; i++) {
        void **block = (void **)opaque(malloc(IDLE_SIZE));
        if (!CHECK(block != NULL)) {
            return;
        }
        if (i % 4 != 0) {
            *block = (void *)last;
            last = block;
        }
    }
    while (last != NULL) {
        void **next = (void **)*last;
        free((void *)last);
        last = next;
    }
}

static void *work_in_stages(void *argument)
{
    uint32_t number = (uint32_t)(uintptr_t)argument;
    uint64_t random = traffic.seed + number + 1;
    raise_word(&started);
    for (uint32_t now = 1; now <= ROUNDS; now++) {
        wait_until(&stage, now);
        // All work, then nobody but main: the slots of the others fall idle, with memory in them.
        size_t steps = now % 2 == 1 ? 10000 : 0;
        for (size_t step = 0; step < steps; step++) {
            traffic_step(&traffic, &random);
        }
        for (size_t i = number; i < TRAFFIC_PLACES; i += THREADS) {
            traffic_drop(__atomic_exchange_n(&traffic.places[i], NULL, __ATOMIC_ACQ_REL));
        }
        if (steps != 0) {
            leave_free_blocks();
        }
        raise_word(&finished);
    }
    wait_until(&stage, ROUNDS + 1); // for ever
    return NULL;
}

static void free_much(void)
{
    enum { BLOCKS = 120000 };
    static unsigned char *blocks[BLOCKS];
    uint64_t random = 4711;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = 16 + conform_random(&random) % (i % 64 == 0 ? 60000 : 3000);
        size = i % 2 == 0 ? size : IDLE_SIZE;
        blocks[i] = opaque(malloc(size));
        if (!CHECK(blocks[i] != NULL)) {
            return;
        }
        memset(blocks[i], (int)(i & 0xff), size < 64 ? size : 64);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        (void)CHECK_AT(blocks[i][0] == (i & 0xff), i);
        free(blocks[i]);
    }
}

static void resize_from_small_to_huge(void)
{
    unsigned char *block = opaque(malloc(10));
    size_t kept = 10;
    conform_fill(block, kept, 3);
    for (size_t size = 100; size < 64 * MIB; size *= 3) {
        block = opaque(realloc(opaque(block), size));
        if (!CHECK_AT(block != NULL && conform_filled(block, kept, 3), size)) {
            return;
        }
        kept = size < 100000 ? size : 100000;
        conform_fill(block, kept, 3);
    }
    for (size_t size = 20 * MIB; size > 10; size /= 3) {
        block = opaque(realloc(opaque(block), size));
        kept = kept < size ? kept : size;
        (void)CHECK_AT(block != NULL && conform_filled(block, kept, 3), size);
    }
    free(block);
}

static void use_every_kind(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; i < count; i++) {
        void *zeroed = opaque(calloc(1, sizes[i]));
        void *aligned = opaque(memalign(8192, sizes[i]));
        (void)CHECK_AT(zeroed != NULL && conform_all(zeroed, sizes[i], 0), sizes[i]);
        (void)CHECK_AT(aligned != NULL && conform_aligned(aligned, 8192), sizes[i]);
        free(zeroed);
        free(aligned);
    }
    errno = 0;
    (void)CHECK(opaque(malloc(opaque_size(PTRDIFF_MAX))) == NULL && conform_errno() == ENOMEM);
}

/// Where there are processors enough, threads and main work on different ones, so that slots are idle for sure.
/// That is wished, not checked: one processor makes one slot, and the test a weaker one.
static void go_to_processor(unsigned number)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(number, &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

/// The work of a process whose filter is in force from before its first block of some kinds.
static void work_filtered(void)
{
    pthread_t threads[THREADS];
    traffic.size_log2_max = 23;
    traffic.seed = 20261120;
    go_to_processor(1); // and threads inherit it
    for (size_t i = 0; i < THREADS; i++) {
        (void)CHECK(pthread_create(&threads[i], NULL, work_in_stages, (void *)(uintptr_t)i) == 0);
    }
    wait_until(&started, THREADS);
    go_to_processor(0);
    (void)CHECK(system_allow_only(allowed));
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        raise_word(&stage);
        wait_until(&finished, round * THREADS);
        free_much();
        resize_from_small_to_huge();
        use_every_kind();
        (void)malloc_trim(0);
    }
    traffic_clear(&traffic);
}

static void start_again_in_a_sandbox(void *unused)
{
    char conf[128];
    const char *given = getenv("ACRE_CONF");
    char *const arguments[] = {"six_calls", "filtered", NULL};
    (void)unused;
    (void)snprintf(
        conf, sizeof(conf), "%s%ssandbox=1", given != NULL ? given : "", given != NULL ? "," : "");
    (void)setenv("ACRE_CONF", conf, 1);
    (void)execv("/proc/self/exe", arguments);
    CHECK(false);
}

static void no_call_but_six_is_made(void)
{
    int status = process_run(start_again_in_a_sandbox, NULL, CHILD_SECONDS);
    if (status != PROCESS_HUNG && WIFSIGNALED(status)) {
        conform_say("# ended by signal %d", WTERMSIG(status));
    }
    CHECK(process_exited(status, 0));
}

static void make_a_seventh_call(void *unused)
{
    (void)unused;
    CHECK(system_allow_only(allowed));
    (void)syscall(SYS_getppid);
}

static void filter_ends_the_process_for_a_seventh(void)
{
    int status = process_run(make_a_seventh_call, NULL, CHILD_SECONDS);
    CHECK(status != PROCESS_HUNG && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int main(int argument_count, char **arguments)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(filter_ends_the_process_for_a_seventh),
        CONFORM_CASE(no_call_but_six_is_made),
    };
    if (argument_count == 2 && strcmp(arguments[1], "filtered") == 0) {
        work_filtered();
        _exit(conform_failures == 0 ? 0 : 1);
    }
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
