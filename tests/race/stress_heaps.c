// stress_heaps.c - a first-class heap with a limit, used by threads that come and go, are moved and
// interrupted: contents and counts hold, memory comes back, and commits are really aborted.
//
// Linked with the library's sources, for either binding, and for ThreadSanitizer with the thread
// binding: there everything that threads share is seen, and a race ends the test.
//
//   stress_heaps rseq|thread [--calm]    --calm: no timers and no moves, which TSan makes slow
//   RACE_STRESS_MS=N                     how long each case lasts, 2500 unless set
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "../conform/process.h"
#include "acre/heap.h"
#include "acre/port/linux.h"
#include "acre_port.h"
#include "heap/giveback.h"
#include "slots.h"

enum {
    WORKERS = 4,
    HELD = 96,
    SHARED = 64,
    LIFE_STEPS = 20000, // of a thread; then another takes its place
    LIFE_STEPS_CALM = 3000,
    TIMER_NS = 100000,
    LIMIT_BYTES = 6 << 20,
    EDGE_BYTES = 32,
};

struct block {
    size_t size;
    uint64_t seed;
};

struct worker {
    pthread_t thread;
    uint64_t random;
    bool is_running;
    bool has_ended;
};

static acre_heap *heap;
static struct block *shared[SHARED];
static bool stop;
static bool calm;
static int64_t live_count;
static uint64_t refusals; // allocations that the limit refused
static uint64_t lives;
static uint64_t given_bytes; // by looks

static void tick(int number)
{
    (void)number;
}

static size_t pick_size(uint64_t random)
{
    switch (random % 32) {
    case 0:
        return 16384;
    case 1:
        return 1280;
    case 2:
        return random % 8192 == 2 ? (size_t)3 << 19 : 40000; // now and then a mapping of its own
    default:
        return sizeof(struct block) + (random >> 16) % 500;
    }
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
    if (block->size < sizeof(*block) || block->size > (size_t)2 << 20) {
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

static struct block *make(uint64_t *random)
{
    size_t size = pick_size(conform_random(random));
    uint64_t way = conform_random(random) % 16;
    struct block *block = way == 0   ? acre_heap_calloc(heap, 1, size)
                          : way == 1 ? acre_heap_aligned(heap, 256, size)
                                     : acre_heap_alloc(heap, size);
    if (block == NULL) {
        (void)__atomic_add_fetch(&refusals, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    (void)CHECK(way != 0 || (block->size == 0 && block->seed == 0));
    (void)CHECK(way != 1 || conform_aligned(block, 256));
    fill(block, size, conform_random(random));
    (void)__atomic_add_fetch(&live_count, 1, __ATOMIC_RELAXED);
    return block;
}

static void drop(struct block *block)
{
    if (block != NULL) {
        (void)CHECK(is_whole(block));
        block->size = 0;
        acre_heap_free(heap, block);
        (void)__atomic_sub_fetch(&live_count, 1, __ATOMIC_RELAXED);
    }
}

/// Another size for a block: in place, or moved with its contents.
static struct block *resize(struct block *block, uint64_t *random)
{
    size_t size = pick_size(conform_random(random));
    size_t kept = block->size < size ? block->size : size;
    uint64_t seed = block->seed;
    struct block *moved = acre_heap_realloc(heap, block, size);
    if (moved == NULL) {
        return block;
    }
    size_t body = kept - sizeof(*moved);
    (void)CHECK(moved->seed == seed);
    (void)CHECK(conform_all(moved + 1, body < EDGE_BYTES ? body : EDGE_BYTES, seed & 0xff));
    fill(moved, size, seed);
    return moved;
}

static void work_once(struct block **held, uint64_t *random)
{
    uint64_t choice = conform_random(random);
    struct block **place = &held[choice % HELD];
    if (choice >> 32 & 1) {
        *place = __atomic_exchange_n(&shared[(choice >> 33) % SHARED], *place, __ATOMIC_ACQ_REL);
    }
    if (*place != NULL && choice >> 40 & 7) {
        drop(*place);
        *place = NULL;
    } else if (*place != NULL) {
        *place = resize(*place, random);
        return;
    }
    *place = make(random);
    if ((choice >> 44) % 4096 == 0) {
        (void)acre_heap_trim(heap, 0);
    }
}

static void *work(void *argument)
{
    struct worker *self = argument;
    struct block *held[HELD] = {NULL};
    timer_t timer;
    struct sigevent event;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR1;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    const struct itimerspec period = {{0, TIMER_NS}, {0, TIMER_NS}};
    bool timed = !calm && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
                 timer_settime(timer, 0, &period, NULL) == 0;
    unsigned steps = calm ? LIFE_STEPS_CALM : LIFE_STEPS;
    for (unsigned i = 0; i < steps && !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        work_once(held, &self->random);
    }
    for (unsigned i = 0; i < HELD; i++) {
        drop(held[i]);
    }
    if (timed) {
        (void)timer_delete(timer);
    }
    __atomic_store_n(&self->has_ended, true, __ATOMIC_RELEASE);
    return NULL;
}

/// Starts a worker, in place of one that has ended if there was one.
static void renew(struct worker *worker, uint64_t *random)
{
    if (worker->is_running) {
        (void)pthread_join(worker->thread, NULL);
    }
    worker->random = conform_random(random) | 1;
    worker->has_ended = false;
    worker->is_running = true;
    lives += 1;
    (void)CHECK(pthread_create(&worker->thread, NULL, work, worker) == 0);
}

static void move_somewhere(const struct worker *worker, uint64_t *random)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)(conform_random(random) % (uint64_t)sysconf(_SC_NPROCESSORS_ONLN)), &one);
    (void)pthread_setaffinity_np(worker->thread, sizeof(one), &one);
}

static pthread_mutex_t step_lock = PTHREAD_MUTEX_INITIALIZER;

static bool help_soon(acre_heap *asking)
{
    return asking == heap; // play() looks all the time
}

static void rest(void)
{
    pthread_mutex_lock(&step_lock);
    pthread_mutex_unlock(&step_lock);
}

static bool step(struct giveback *giveback)
{
    pthread_mutex_lock(&step_lock);
    bool goes_on = giveback_step(heap, giveback);
    pthread_mutex_unlock(&step_lock);
    return goes_on;
}

/// What a helper does from time to time, much more often.
static void look(void)
{
    struct giveback giveback;
    giveback_begin(heap, &giveback);
    while (step(&giveback)) {
    }
    (void)giveback_end(heap, &giveback);
    given_bytes += giveback.given_bytes;
}

static void play(uint64_t length_ms)
{
    struct worker workers[WORKERS];
    uint64_t random = conform_seed();
    memset(workers, 0, sizeof(workers));
    stop = false;
    lives = 0;
    refusals = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        renew(&workers[i], &random);
    }
    uint64_t end_ns = process_now_ns() + length_ms * 1000000;
    while (process_now_ns() < end_ns) {
        for (unsigned i = 0; i < WORKERS; i++) {
            if (__atomic_load_n(&workers[i].has_ended, __ATOMIC_ACQUIRE)) {
                renew(&workers[i], &random);
            } else if (!calm) {
                move_somewhere(&workers[i], &random);
            }
        }
        process_sleep_us(200);
        look();
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
    for (unsigned i = 0; i < SHARED; i++) {
        drop(shared[i]);
        shared[i] = NULL;
    }
}

static void check_end(void)
{
    acre_heap_stats stats;
    const char *broken = acre_heap_audit(heap);
    if (!CHECK(broken == NULL)) {
        conform_say("# %s", broken);
    }
    acre_heap_get_stats(heap, &stats);
    (void)CHECK(live_count == 0);
    (void)CHECK(stats.live_blocks == 0);
    (void)CHECK(stats.committed_bytes <= LIMIT_BYTES || stats.limit_bytes == 0);
    conform_say(
        "# %llu threads, %llu refusals, %llu bytes given back, %zu slots, %zu segments, %u aborted "
        "pushes",
        (unsigned long long)lives, (unsigned long long)refusals, (unsigned long long)given_bytes,
        stats.slots, stats.segments, acre_port_aborts());
}

static void use(size_t limit_bytes)
{
    const char *setting = getenv("RACE_STRESS_MS");
    const acre_heap_options options = {.limit_bytes = limit_bytes, .name = "stress"};
    if (!CHECK(acre_heap_create(acre_pages_mmap(), &options, &heap) == ACRE_OK)) {
        return;
    }
    static const struct helper helper = {.start = help_soon, .rest = rest, .empty_slabs_max = 256};
    heap->helper = &helper;
    live_count = 0;
    uint32_t aborts_before = acre_port_aborts();
    play(setting == NULL ? 2500 : strtoull(setting, NULL, 10));
    check_end();
    (void)CHECK(given_bytes != 0);
    (void)CHECK(calm || !acre_port_is_rseq() || acre_port_aborts() != aborts_before);
    acre_heap_destroy(heap);
}

static void threads_come_and_go(void)
{
    use(0);
}

static void memory_is_short(void)
{
    use(LIMIT_BYTES);
    (void)CHECK(refusals != 0);
}

int main(int argc, char **argv)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(threads_come_and_go),
        CONFORM_CASE(memory_is_short),
    };
    bool rseq = argc > 1 && strcmp(argv[1], "rseq") == 0;
    calm = argc > 2 && strcmp(argv[2], "--calm") == 0;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s rseq|thread [--calm]\n", argv[0]);
        return 2;
    }
    if (!acre_port_slots_choose(rseq ? SLOTS_RSEQ : SLOTS_THREAD)) {
        conform_say("# skipped: no concurrency ids here");
        return CONFORM_SKIPPED;
    }
    acre_port_slots_watch_threads();
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = tick;
    action.sa_flags = SA_RESTART;
    (void)sigaction(SIGUSR1, &action, NULL);
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
