// sched_sim.c - see sched_sim.h.
//
// The scheduler runs on the program's own stack, threads on theirs, and control passes by jumps. A
// thread that steps stores its registers and jumps to the scheduler; while a run repeats what an
// earlier one chose and everybody went on, it does not even do that (`skip`).
//
// sched_state.h has the memory that a run changes, and the states that were met.
// SPDX-License-Identifier: MIT
#include "sched_sim.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "sched_state.h"

enum {
    STACK_BYTES = 64 << 10,
    STACK_CLEARED_BYTES = 8 << 10, // of it, at the start of each run, so that runs look alike
    REGISTERS_BYTES = 96,          // below a frame, where registers may have been put
    CHOICES_MAX = SCHED_THREADS_MAX * SCHED_SLOTS_MAX + 1,
    RANDOM_DEVIATIONS = 1 << (STATE_LEFT_BITS - 1),
    RANDOM_PERIOD = 12, // one step in so many deviates
};

struct thread {
    struct sim_thread sim; // first: acre_sim.self points here
    bool ended;
    bool started;
    bool fresh_move; // moved since it last ran: being moved again makes no difference
    int slot;        // or SCHED_WAITS
    void (*body)(void);
    char *frame; // of its outermost function
    char *stack_at;
    jmp_buf start;
    jmp_buf context;
    ucontext_t made;
    _Alignas(16) char stack[STACK_BYTES];
};

enum choice_kind { GO_ON, SWITCH, PLACE };

/// PLACE puts `thread` on `slot`, be it there already or not.
struct choice {
    enum choice_kind kind;
    unsigned thread;
    unsigned slot;
    unsigned cost;
};

/// One step of the run.
struct point {
    uint64_t hash; // 0 where there was no choice
    uint8_t chosen;
    uint8_t count;
    uint8_t left; // deviations
};

enum mode { EXPLORE, RANDOM, REPLAY };

static struct thread threads[SCHED_THREADS_MAX];
static char *first_image; // of all regions, at the beginning of a run
static char *copy_image;

static struct {
    const struct sched_scene *scene;
    enum mode mode;
    jmp_buf home; // the scheduler's registers
    ucontext_t maker;
    struct thread *current; // NULL where somebody must be chosen
    unsigned step;          // index into path
    unsigned skip;          // steps that need no scheduler
    unsigned left;          // deviations
    unsigned deviations;
    bool pruned;
    uint64_t random;
    const char *replayed;
    struct sched_report *report;
    unsigned path_count; // points known before the run: an earlier one's, the last changed
    struct point path[SCHED_STEPS_MAX];
} sched;

// ---- states --------------------------------------------------------------------------------------

void sched_forget_regions(void)
{
    state_forget_regions();
    // What matters of these is hashed with the threads.
    sched_region(&acre_sim, sizeof(acre_sim), 0, 1, false);
    for (unsigned i = 0; i < SCHED_THREADS_MAX; i++) {
        sched_region(&threads[i].sim, sizeof(threads[i].sim), 0, 1, false);
    }
}

static uint64_t mix_thread(uint64_t hash, const struct thread *thread)
{
    hash = state_mix(
        hash, (uint64_t)(thread->slot + 1) << 3 | (uint64_t)thread->ended << 2 |
                  (uint64_t)thread->started << 1 | thread->fresh_move);
    if (!thread->started || thread->ended) {
        return hash;
    }
    hash = state_mix(hash, thread->sim.moves);
    hash = state_mix(hash, (uintptr_t)thread->sim.waits_for);
    hash = state_mix_memory(
        hash, (const char *)&thread->context, sizeof(thread->context) & ~(size_t)7);
    return state_mix_memory(hash, thread->stack_at, (size_t)(thread->frame - thread->stack_at));
}

static uint64_t hash_state(void)
{
    uint64_t hash = state_mix(
        (uint64_t)(sched.current == NULL ? 0 : sched.current - threads + 1), acre_sim.aborts);
    for (unsigned i = 0; i < sched.scene->threads; i++) {
        hash = mix_thread(hash, &threads[i]);
    }
    for (unsigned i = 0; i < sched.scene->slots; i++) {
        hash = state_mix(hash, acre_sim.claimed[i]);
    }
    hash = state_mix_regions(hash);
    hash &= ~UINT64_C(0) << STATE_LEFT_BITS;
    return hash == 0 ? (uint64_t)1 << STATE_LEFT_BITS : hash;
}

// ---- threads -------------------------------------------------------------------------------------

unsigned sched_self(void)
{
    return (unsigned)(sched.current - threads);
}

/// The port's step: gives way to the scheduler.
static __attribute__((noinline)) void step(void)
{
    if (sched.skip != 0) {
        sched.skip -= 1;
        sched.step += 1;
        return;
    }
    struct thread *self = sched.current;
    self->stack_at = (char *)__builtin_frame_address(0) - REGISTERS_BYTES;
    if (setjmp(self->context) == 0) {
        longjmp(sched.home, 1);
    }
}

static void thread_main(int idx)
{
    struct thread *self = &threads[idx];
    self->frame = __builtin_frame_address(0);
    if (setjmp(self->start) == 0) {
        (void)setcontext(&sched.maker);
    }
    threads[idx].body(); // each start of a run arrives here
    threads[idx].ended = true;
    longjmp(sched.home, 1);
}

static void make_threads(void)
{
    static bool made;
    for (int i = 0; i < SCHED_THREADS_MAX && !made; i++) {
        struct thread *thread = &threads[i];
        (void)getcontext(&thread->made);
        thread->made.uc_stack.ss_sp = thread->stack;
        thread->made.uc_stack.ss_size = STACK_BYTES;
        thread->made.uc_link = NULL;
        makecontext(&thread->made, (void (*)(void))thread_main, 1, i);
        (void)swapcontext(&sched.maker, &thread->made);
    }
    made = true;
}

static void start_threads(void)
{
    for (unsigned i = 0; i < sched.scene->threads; i++) {
        struct thread *thread = &threads[i];
        size_t used = (size_t)(thread->frame - thread->stack) - 512; // of thread_main itself
        memset(thread->stack + used - STACK_CLEARED_BYTES, 0, STACK_CLEARED_BYTES);
        thread->started = false;
        thread->ended = false;
        thread->fresh_move = false;
        thread->body = sched.scene->body[i];
        thread->slot = sched.scene->start[i];
        thread->sim = (struct sim_thread){.slot = (unsigned)(thread->slot < 0 ? 0 : thread->slot)};
    }
    sched.current = NULL;
}

static void resume(struct thread *thread)
{
    acre_sim.self = &thread->sim;
    thread->fresh_move = false;
    bool started = thread->started;
    thread->started = true;
    if (setjmp(sched.home) == 0) {
        if (started) {
            longjmp(thread->context, 1);
        }
        longjmp(thread->start, 1);
    }
}

static bool is_blocked(const struct thread *thread)
{
    return thread->sim.waits_for != NULL && thread->sim.waits_for->owner != NULL;
}

/// Whatever commit the thread is in will start again. Moves are told apart from none, but not
/// counted, so that states are alike.
static void abort_commit(struct thread *thread)
{
    if (!thread->fresh_move) {
        thread->sim.moves ^= 1;
        thread->fresh_move = true;
    }
}

static struct thread *occupant(unsigned slot)
{
    for (unsigned i = 0; i < sched.scene->threads; i++) {
        if (threads[i].slot == (int)slot) {
            return &threads[i];
        }
    }
    return NULL;
}

static void place(struct thread *thread, unsigned slot)
{
    struct thread *old = occupant(slot);
    if (old != NULL && old != thread) {
        old->slot = SCHED_WAITS;
        abort_commit(old);
    }
    abort_commit(thread);
    thread->slot = (int)slot;
    thread->sim.slot = slot;
}

bool sched_barrier(void)
{
    for (unsigned i = 0; i < sched.scene->threads; i++) {
        if (&threads[i] != sched.current && threads[i].slot != SCHED_WAITS) {
            abort_commit(&threads[i]);
        }
    }
    return true;
}

void sched_in_copy(void (*act)(void))
{
    state_copy(copy_image, true);
    acre_sim_step = NULL;
    act();
    state_copy(copy_image, false);
    acre_sim_step = step;
}

// ---- choices -------------------------------------------------------------------------------------

static unsigned add_places(
    struct thread *thread, unsigned base_cost, struct choice *out, unsigned count)
{
    unsigned idx = (unsigned)(thread - threads);
    bool pinned = (sched.scene->pinned >> idx & 1) != 0;
    for (unsigned slot = 0; slot < sched.scene->slots; slot++) {
        const struct thread *old = occupant(slot);
        unsigned cost = old == NULL ? base_cost : 1;
        bool allowed = !pinned || (int)slot == sched.scene->start[idx];
        if (allowed && !acre_sim.claimed[slot] && cost <= sched.left) {
            out[count++] = (struct choice){PLACE, idx, slot, cost};
        }
    }
    return count;
}

/// Everything that can be done now; 0 if nothing can.
static unsigned list_choices(struct choice *out)
{
    unsigned count = 0;
    unsigned cost = sched.current == NULL ? 0 : 1;
    if (sched.current != NULL) {
        out[count++] = (struct choice){GO_ON, sched_self(), 0, 0};
    }
    for (unsigned i = 0; i < sched.scene->threads && cost <= sched.left; i++) {
        struct thread *thread = &threads[i];
        if (thread->ended || is_blocked(thread)) {
            continue;
        }
        if (thread == sched.current || thread->slot == SCHED_WAITS) {
            count = add_places(thread, cost, out, count);
        } else {
            out[count++] = (struct choice){SWITCH, i, 0, cost};
        }
    }
    return count;
}

static void say_choice(const struct choice *choice)
{
    if (sched.mode != REPLAY || choice->kind == GO_ON) {
        return;
    }
    if (choice->kind == SWITCH) {
        (void)fprintf(stderr, "%5u: thread %u goes on\n", sched.step, choice->thread);
        return;
    }
    const struct thread *old = occupant(choice->slot);
    if (old == &threads[choice->thread]) {
        (void)fprintf(stderr, "%5u: thread %u is aborted\n", sched.step, choice->thread);
        return;
    }
    (void)fprintf(
        stderr, "%5u: thread %u is put on slot %u", sched.step, choice->thread, choice->slot);
    if (old != NULL) {
        (void)fprintf(stderr, ", where thread %u was", (unsigned)(old - threads));
    }
    (void)fputc('\n', stderr);
}

static void apply(const struct choice *choice)
{
    say_choice(choice);
    sched.left -= choice->cost;
    if (choice->kind == PLACE) {
        place(&threads[choice->thread], choice->slot);
    }
    sched.current = &threads[choice->thread];
}

static uint64_t next_random(void)
{
    sched.random ^= sched.random << 13;
    sched.random ^= sched.random >> 7;
    sched.random ^= sched.random << 17;
    return sched.random;
}

/// The choice that the schedule to be repeated makes at this step.
static unsigned replayed_choice(unsigned count)
{
    for (const char *at = sched.replayed; at != NULL && *at != '\0';) {
        unsigned long number;
        unsigned long choice = 0;
        char *end;
        number = strtoul(at, &end, 10);
        if (*end == ':') {
            choice = strtoul(end + 1, &end, 10);
        }
        if (number == sched.step) {
            return choice < count ? (unsigned)choice : 0;
        }
        at = strpbrk(end, "0123456789");
    }
    return 0;
}

/// A state met twice in one run, with nothing in between that costs, would come again for ever.
static bool is_endless(uint64_t hash)
{
    for (unsigned i = sched.step; i-- != 0 && sched.path[i].left == sched.left;) {
        if (sched.path[i].hash == hash) {
            return true;
        }
    }
    return false;
}

/// Which of `count` choices is made. Sets `pruned` where none need be.
static unsigned choose(unsigned count)
{
    struct point *point = &sched.path[sched.step];
    bool forced = sched.current == NULL;
    if (sched.mode == EXPLORE && sched.step < sched.path_count) {
        return point->chosen;
    }
    *point = (struct point){.count = (uint8_t)count, .left = (uint8_t)sched.left};
    if (sched.mode == REPLAY) {
        point->chosen = (uint8_t)replayed_choice(count);
    } else if (sched.mode == RANDOM) {
        if (forced || next_random() % RANDOM_PERIOD == 0) {
            point->chosen = (uint8_t)(next_random() % count);
        }
    } else if (count > 1) {
        point->hash = hash_state();
        if (state_seen_before(point->hash, sched.left)) {
            if (is_endless(point->hash)) {
                acre_port_halt("a thread goes round in circles", __FILE__, __LINE__);
            }
            sched.pruned = true;
        }
    }
    return point->chosen;
}

/// Steps from here on at which the running thread only goes on, as it did in the run before.
static unsigned steps_to_skip(void)
{
    unsigned at = sched.step;
    while (sched.mode == EXPLORE && at < sched.path_count && sched.path[at].chosen == 0 &&
           sched.path[at].count > 0x7f) {
        at += 1;
    }
    return at - sched.step;
}

/// Whether anybody has not ended.
static bool is_unfinished(void)
{
    for (unsigned i = 0; i < sched.scene->threads; i++) {
        if (!threads[i].ended) {
            return true;
        }
    }
    return false;
}

static void release_slot(void)
{
    struct thread *thread = sched.current;
    if (thread != NULL && (thread->ended || is_blocked(thread))) {
        thread->slot = SCHED_WAITS;
        sched.current = NULL;
    }
}

/// One run, from beginning to end or to a state seen before.
static void run(void *unused)
{
    (void)unused;
    while (true) {
        struct choice choices[CHOICES_MAX];
        release_slot();
        unsigned count = list_choices(choices);
        if (count == 0) {
            break;
        }
        if (sched.step == SCHED_STEPS_MAX) {
            acre_port_halt("a run does not end", __FILE__, __LINE__);
        }
        bool goes_on = sched.current != NULL;
        unsigned chosen = choose(count);
        if (sched.pruned) {
            return;
        }
        if (goes_on) {
            sched.path[sched.step].count |= 0x80; // choice 0 needs no scheduler
        }
        apply(&choices[chosen]);
        sched.step += 1;
        sched.skip = steps_to_skip();
        resume(sched.current);
    }
    if (is_unfinished()) {
        acre_port_halt("threads wait for each other", __FILE__, __LINE__);
    }
    // What the check says depends on the state alone.
    if (sched.mode == REPLAY || !state_seen_before(hash_state(), STATE_LEFT_MAX)) {
        static struct sim_thread outside;
        outside = (struct sim_thread){.slot = 0};
        acre_sim.self = &outside;
        acre_sim_step = NULL;
        sched.report->broken = sched.scene->check();
    }
}

// ---- exploring -----------------------------------------------------------------------------------

/// Writes the run's choices as a schedule.
static void write_schedule(char *text, size_t bytes)
{
    size_t at = (size_t)snprintf(text, bytes, "%u", sched.deviations);
    for (unsigned i = 0; i < sched.step && at + 16 < bytes; i++) {
        if (sched.path[i].chosen != 0) {
            at += (size_t)snprintf(text + at, bytes - at, ",%u:%u", i, sched.path[i].chosen);
        }
    }
}

const char *sched_now(void)
{
    static char text[2048];
    write_schedule(text, sizeof(text));
    return text;
}

static void play(void)
{
    if (sched.scene->begin != NULL) {
        sched.scene->begin();
    }
    state_copy(first_image, false);
    start_threads();
    sched.step = 0;
    sched.left = sched.deviations;
    sched.pruned = false;
    sched.skip = 0;
    acre_sim_step = step;
    struct sim_end end = sim_catch(run, NULL);
    acre_sim_step = NULL;
    struct sched_report *report = sched.report;
    report->schedules += 1;
    report->steps_max = sched.step > report->steps_max ? sched.step : report->steps_max;
    if (end.how != SIM_RETURNED && !(end.how == SIM_FATAL && sched.scene->misuse)) {
        report->broken = end.what;
    }
    if (report->broken != NULL) {
        write_schedule(report->schedule, sizeof(report->schedule));
    }
}

static void prepare(
    const struct sched_scene *scene, enum mode mode, unsigned deviations,
    struct sched_report *report)
{
    *report = (struct sched_report){.complete = false};
    sched.scene = scene;
    sched.mode = mode;
    sched.deviations = deviations;
    sched.report = report;
    sched.path_count = 0;
    free(first_image);
    free(copy_image);
    first_image = malloc(state_bytes());
    copy_image = malloc(state_bytes());
    if (first_image == NULL || copy_image == NULL) {
        acre_port_halt("no memory for the state", __FILE__, __LINE__);
    }
    state_copy(first_image, true);
    state_forget_seen();
    make_threads();
}

/// Changes the last choice that has another left. False if there is none.
static bool next_path(void)
{
    unsigned at = sched.step;
    while (at-- != 0) {
        struct point *point = &sched.path[at];
        if (point->chosen + 1 < (point->count & 0x7f)) {
            point->chosen += 1;
            sched.path_count = at + 1;
            return true;
        }
    }
    return false;
}

void sched_explore(
    const struct sched_scene *scene, unsigned deviations, uint64_t schedules_max,
    struct sched_report *out)
{
    prepare(scene, EXPLORE, deviations, out);
    do {
        play();
        out->complete = out->broken == NULL && !next_path();
    } while (!out->complete && out->broken == NULL && out->schedules < schedules_max);
    out->states = state_seen_count();
    state_copy(first_image, false);
}

void sched_random(
    const struct sched_scene *scene, uint64_t count, uint64_t seed, struct sched_report *out)
{
    prepare(scene, RANDOM, RANDOM_DEVIATIONS, out);
    sched.random = seed * 2 + 1;
    while (out->broken == NULL && out->schedules < count) {
        play();
    }
    state_copy(first_image, false);
}

void sched_replay(const struct sched_scene *scene, const char *schedule, struct sched_report *out)
{
    char *end;
    prepare(scene, REPLAY, (unsigned)strtoul(schedule, &end, 10), out);
    sched.replayed = *end == ',' ? end + 1 : end;
    play();
    state_copy(first_image, false);
}
