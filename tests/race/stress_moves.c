// stress_moves.c - threads that do little but allocate and free, moved between processors and
// interrupted by timers ten thousand times a second, so that commits are really aborted: every block
// keeps its contents, every block is counted, and the library says that it aborted pushes.
//
// It runs on any malloc, which is the control: what fails there is no fault of acre.
//
//   RACE_STRESS_MS=N   how long each case lasts, 2500 unless set
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "../conform/process.h"
#include "acre/heap.h"

enum {
    WORKERS = 5,
    HELD = 192,   // blocks that a thread keeps to itself
    SHARED = 128, // places where blocks change hands
    TIMER_NS = 100000,
    MOVE_US = 150,
    EDGE_BYTES = 48, // of each end of a block that carry its pattern
};

struct block {
    size_t size;
    uint64_t seed;
};

/// Which sizes a case asks for.
enum mix { MIX_SMALL, MIX_WAVES };

struct worker {
    pthread_t thread;
    pid_t id;
    uint64_t random;
    uint64_t allocated;
    uint64_t freed;
    struct block *held[HELD];
};

static struct worker workers[WORKERS];
static struct block *shared[SHARED];
static enum mix mix;
static bool stop;
static unsigned ready;
static volatile uint64_t ticks;

static void tick(int number)
{
    (void)number;
    ticks += 1; // may miss one now and then
}

static size_t pick_size(struct worker *self)
{
    uint64_t random = conform_random(&self->random);
    if (mix == MIX_SMALL || random % 64 != 0) {
        return sizeof(struct block) + (random >> 8) % 240;
    }
    // Few blocks in a slab: slabs fall asleep, wake, empty and change their size all the time.
    return (random >> 8) % 2 == 0 ? 1280 : 16384;
}

static void fill(struct block *block, size_t size, uint64_t seed)
{
    size_t bytes = size - sizeof(*block);
    size_t edge = bytes < EDGE_BYTES ? bytes : EDGE_BYTES;
    *block = (struct block){.size = size, .seed = seed};
    memset(block + 1, (int)(seed & 0xff), edge);
    memset((char *)block + size - edge, (int)(seed & 0xff), edge);
}

static bool is_whole(const struct block *block)
{
    const unsigned char *body = (const unsigned char *)(block + 1);
    size_t bytes = block->size - sizeof(*block);
    if (block->size < sizeof(*block) || block->size > 16384) {
        return false;
    }
    size_t edge = bytes < EDGE_BYTES ? bytes : EDGE_BYTES;
    for (size_t i = 0; i < edge; i++) {
        if (body[i] != (block->seed & 0xff) || body[bytes - 1 - i] != (block->seed & 0xff)) {
            return false;
        }
    }
    return true;
}

static struct block *make(struct worker *self)
{
    size_t size = pick_size(self);
    struct block *block = malloc(size);
    if (CHECK(block != NULL)) {
        fill(block, size, conform_random(&self->random));
        self->allocated += 1;
    }
    return block;
}

static void drop(struct worker *self, struct block *block)
{
    if (block != NULL) {
        (void)CHECK(is_whole(block));
        block->size = 0; // whoever gets it twice finds out
        free(block);
        self->freed += 1;
    }
}

static void drop_all(struct worker *self)
{
    for (unsigned i = 0; i < HELD; i++) {
        drop(self, self->held[i]);
        self->held[i] = NULL;
    }
}

static void work_once(struct worker *self)
{
    uint64_t random = conform_random(&self->random);
    struct block **place = &self->held[random % HELD];
    if (*place != NULL && random >> 32 & 1) {
        // Another thread's block, most of the time: its free is foreign.
        *place = __atomic_exchange_n(&shared[(random >> 33) % SHARED], *place, __ATOMIC_ACQ_REL);
    }
    drop(self, *place);
    *place = make(self);
    if (mix == MIX_WAVES && random % 8192 == 0) {
        drop_all(self);
    }
}

static void *work(void *argument)
{
    struct worker *self = argument;
    self->id = (pid_t)syscall(SYS_gettid);
    (void)__atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (unsigned i = 0; i < 64; i++) {
            work_once(self);
        }
    }
    drop_all(self);
    return NULL;
}

/// A timer whose signals go to one thread. False if the system has none left.
static bool start_timer(const struct worker *worker, timer_t *timer)
{
    struct sigevent event;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR1;
    event._sigev_un._tid = worker->id;
    const struct itimerspec period = {{0, TIMER_NS}, {0, TIMER_NS}};
    return timer_create(CLOCK_MONOTONIC, &event, timer) == 0 &&
           timer_settime(*timer, 0, &period, NULL) == 0;
}

/// Moves the workers about until the time is over. Returns how often.
static uint64_t move_workers(uint64_t end_ns, uint64_t *random)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t moves = 0;
    while (process_now_ns() < end_ns) {
        for (unsigned i = 0; i < WORKERS; i++) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET((size_t)(conform_random(random) % (uint64_t)processors), &one);
            moves += sched_setaffinity(workers[i].id, sizeof(one), &one) == 0 ? 1 : 0;
        }
        process_sleep_us(MOVE_US);
    }
    return moves;
}

/// A number from the library's statistics; -1 if it has none of that name.
static long long statistic(const char *name)
{
    bool (*write_stats)(int fd, bool json);
    char text[4096];
    int ends[2];
    if (!conform_lookup("acre_write_stats", &write_stats) || pipe(ends) != 0) {
        return -1;
    }
    (void)CHECK(write_stats(ends[1], true));
    (void)close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof(text) - 1);
    (void)close(ends[0]);
    text[length < 0 ? 0 : length] = '\0';
    char key[64];
    (void)snprintf(key, sizeof(key), "\"%s\":", name);
    const char *at = strstr(text, key);
    return at == NULL ? -1 : strtoll(at + strlen(key), NULL, 10);
}

static void storm(enum mix sizes)
{
    const char *setting = getenv("RACE_STRESS_MS");
    uint64_t random = conform_seed();
    timer_t timers[WORKERS];
    memset(workers, 0, sizeof(workers));
    mix = sizes;
    stop = false;
    ready = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].random = conform_random(&random) | 1;
        (void)CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != WORKERS) {
        process_sleep_us(100);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)CHECK(start_timer(&workers[i], &timers[i]));
    }
    uint64_t length_ms = setting == NULL ? 2500 : strtoull(setting, NULL, 10);
    uint64_t moves = move_workers(process_now_ns() + length_ms * 1000000, &random);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    uint64_t allocated = 0;
    uint64_t freed = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)timer_delete(timers[i]);
        (void)pthread_join(workers[i].thread, NULL);
        allocated += workers[i].allocated;
        freed += workers[i].freed;
    }
    struct worker last = {.random = 1};
    for (unsigned i = 0; i < SHARED; i++) {
        drop(&last, shared[i]);
        shared[i] = NULL;
    }
    (void)CHECK(allocated == freed + last.freed);
    conform_say(
        "# %llu blocks, %llu moves, %llu signals", (unsigned long long)allocated,
        (unsigned long long)moves, (unsigned long long)ticks);
}

/// What must hold after a storm, on acre: no block was lost, the heap is sound.
static void check_heap(long long live_before)
{
    acre_heap *(*default_heap)(void);
    const char *(*audit)(acre_heap * heap);
    if (!conform_lookup("acre_default_heap", &default_heap) ||
        !conform_lookup("acre_heap_audit", &audit)) {
        return;
    }
    const char *broken = audit(default_heap());
    if (!CHECK(broken == NULL)) {
        conform_say("# %s", broken);
    }
    // The C library keeps a few blocks of its own for threads that it may start again.
    long long live = statistic("live_blocks");
    conform_say("# live blocks %lld before, %lld after", live_before, live);
    (void)CHECK(live <= live_before + 4 * WORKERS);
}

static void storm_and_check(enum mix sizes)
{
    long long live_before = statistic("live_blocks");
    long long aborted_before = statistic("aborted_pushes");
    storm(sizes);
    check_heap(live_before);
    long long aborted = statistic("aborted_pushes");
    if (aborted < 0) {
        conform_say("# this malloc does not count aborted pushes");
        return;
    }
    conform_say("# aborted pushes: %lld", aborted - aborted_before);
    const char *binding = getenv("ACRE_TEST_BINDING");
    if (binding != NULL && strcmp(binding, "rseq") == 0) {
        (void)CHECK(aborted > aborted_before);
    }
}

static void small_blocks_survive_aborts(void)
{
    storm_and_check(MIX_SMALL);
}

static void slabs_that_sleep_and_empty_survive_aborts(void)
{
    storm_and_check(MIX_WAVES);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(small_blocks_survive_aborts),
        CONFORM_CASE(slabs_that_sleep_and_empty_survive_aborts),
    };
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = tick;
    action.sa_flags = SA_RESTART;
    (void)sigaction(SIGUSR1, &action, NULL);
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
