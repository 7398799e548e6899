// sched_sim.c - see sched_sim.h.
//
// The scheduler runs on the program's own stack, threads on theirs, and control passes by jumps. A
// thread that steps stores its registers and jumps to the scheduler; while a run repeats what an
// earlier one chose and everybody went on, it does not even do that (`skip`).
//
// States are remembered as 58 bits of a hash with the deviations that were left, in an open table.
// With a million states the chance that two share their bits is one in a hundred thousand.
// SPDX-License-Identifier: MIT
#include "sched_sim.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum {
    STACK_BYTES = 64 << 10,
    STACK_CLEARED_BYTES = 8 << 10, // of it, at the start of each run, so that runs look alike
    REGISTERS_BYTES = 96,          // below a frame, where registers may have been put
    REGIONS_MAX = 48,
    CHOICES_MAX = SCHED_THREADS_MAX * SCHED_SLOTS_MAX + 1,
    BUDGET_BITS = 6,
    LEFT_MASK = (1 << BUDGET_BITS) - 1,
    SEEN_LOG2_FIRST = 16,
    SEEN_LOG2_MAX = 25,
    RANDOM_DEVIATIONS = 1 << (BUDGET_BITS - 1),
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

struct region {
    char *at;
    size_t bytes;
    size_t stride;
    size_t count;
    bool hashed;
};

enum mode { EXPLORE, RANDOM, REPLAY };

static struct thread threads[SCHED_THREADS_MAX];
static struct region regions[REGIONS_MAX];
static size_t region_count;
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

static struct {
    uint64_t *entries; // hash above, deviations left below; 0 = none
    unsigned log2;
    uint64_t count;
} seen;

// ---- regions -------------------------------------------------------------------------------------

void sched_region(void *at, size_t bytes, size_t stride, size_t count, bool hashed)
{
    if (region_count == REGIONS_MAX) {
        acre_port_halt("too many regions", __FILE__, __LINE__);
    }
    regions[region_count++] = (struct region){at, bytes, stride, count, hashed};
}

void sched_forget_regions(void)
{
    region_count = 0;
}

static size_t image_bytes(void)
{
    size_t sum = sizeof(acre_sim) + sizeof(struct sim_thread) * SCHED_THREADS_MAX;
    for (size_t i = 0; i < region_count; i++) {
        sum += regions[i].bytes * regions[i].count;
    }
    return sum;
}

static char *copy_part(char *image, void *at, size_t bytes, bool save)
{
    memcpy(save ? image : at, save ? at : image, bytes);
    return image + bytes;
}

/// Copies the state to an image, or back.
static void copy_state(char *image, bool save)
{
    image = copy_part(image, &acre_sim, sizeof(acre_sim), save);
    for (unsigned i = 0; i < SCHED_THREADS_MAX; i++) {
        image = copy_part(image, &threads[i].sim, sizeof(threads[i].sim), save);
    }
    for (size_t i = 0; i < region_count; i++) {
        for (size_t k = 0; k < regions[i].count; k++) {
            image = copy_part(image, regions[i].at + k * regions[i].stride, regions[i].bytes, save);
        }
    }
}

// ---- states --------------------------------------------------------------------------------------

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

/// Hashes whole words; `bytes` is a multiple of 8. Two chains of multiplications run side by side;
/// they begin and multiply differently, so that nothing cancels where they meet.
static uint64_t mix_memory(uint64_t hash, const char *at, size_t bytes)
{
    uint64_t other = hash << 32 | hash >> 32;
    uint64_t words[2];
    size_t i = 0;
    for (; i + sizeof(words) <= bytes; i += sizeof(words)) {
        memcpy(words, at + i, sizeof(words));
        hash = mix(hash, words[0]);
        other = (other ^ words[1]) * UINT64_C(0xe7037ed1a0b428db);
        other ^= other >> 32;
    }
    if (i < bytes) {
        memcpy(words, at + i, sizeof(words[0]));
        hash = mix(hash, words[0]);
    }
    return mix(mix(hash, other), other >> 17);
}

static uint64_t mix_thread(uint64_t hash, const struct thread *thread)
{
    hash =
        mix(hash, (uint64_t)(thread->slot + 1) << 3 | (uint64_t)thread->ended << 2 |
                      (uint64_t)thread->started << 1 | thread->fresh_move);
    if (!thread->started || thread->ended) {
        return hash;
    }
    hash = mix(hash, thread->sim.moves);
    hash = mix(hash, (uintptr_t)thread->sim.waits_for);
    hash = mix_memory(hash, (const char *)&thread->context, sizeof(thread->context) & ~(size_t)7);
    return mix_memory(hash, thread->stack_at, (size_t)(thread->frame - thread->stack_at));
}

static uint64_t hash_state(void)
{
    uint64_t hash =
        mix((uint64_t)(sched.current == NULL ? 0 : sched.current - threads + 1), acre_sim.aborts);
    for (unsigned i = 0; i < sched.scene->threads; i++) {
        hash = mix_thread(hash, &threads[i]);
    }
    for (unsigned i = 0; i < sched.scene->slots; i++) {
        hash = mix(hash, acre_sim.claimed[i]);
    }
    for (size_t i = 0; i < region_count; i++) {
        for (size_t k = 0; regions[i].hashed && k < regions[i].count; k++) {
            hash = mix_memory(hash, regions[i].at + k * regions[i].stride, regions[i].bytes);
        }
    }
    hash &= ~UINT64_C(0) << BUDGET_BITS;
    return hash == 0 ? (uint64_t)1 << BUDGET_BITS : hash;
}

static uint64_t *seen_find(uint64_t hash)
{
    uint64_t mask = ((uint64_t)1 << seen.log2) - 1;
    uint64_t at = hash >> BUDGET_BITS & mask;
    while (seen.entries[at] != 0 && (seen.entries[at] ^ hash) >> BUDGET_BITS != 0) {
        at = (at + 1) & mask;
    }
    return &seen.entries[at];
}

static void seen_resize(unsigned log2)
{
    uint64_t *old = seen.entries;
    uint64_t old_count = old == NULL ? 0 : (uint64_t)1 << seen.log2;
    seen.entries = calloc((size_t)1 << log2, sizeof(uint64_t));
    if (seen.entries == NULL) {
        acre_port_halt("no memory for the states", __FILE__, __LINE__);
    }
    seen.log2 = log2;
    for (uint64_t i = 0; i < old_count; i++) {
        if (old[i] != 0) {
            *seen_find(old[i]) = old[i];
        }
    }
    free(old);
}

static void seen_clear(void)
{
    free(seen.entries);
    seen.entries = NULL;
    seen.count = 0;
    seen_resize(SEEN_LOG2_FIRST);
}

/// Remembers the state. True if an earlier run went on from it with as many deviations left.
static bool seen_before(uint64_t hash, unsigned left)
{
    uint64_t *entry = seen_find(hash);
    if (*entry != 0) {
        bool before = (*entry & LEFT_MASK) >= left;
        *entry = before ? *entry : (hash | left);
        return before;
    }
    *entry = hash | left;
    seen.count += 1;
    if (seen.count > (uint64_t)1 << (seen.log2 - 1)) {
        if (seen.log2 == SEEN_LOG2_MAX) {
            acre_port_halt("too many states", __FILE__, __LINE__);
        }
        seen_resize(seen.log2 + 1);
    }
    return false;
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
    if (_setjmp(self->context) == 0) {
        _longjmp(sched.home, 1);
    }
}

static void thread_main(int idx)
{
    struct thread *self = &threads[idx];
    self->frame = __builtin_frame_address(0);
    if (_setjmp(self->start) == 0) {
        (void)setcontext(&sched.maker);
    }
    threads[idx].body(); // each start of a run arrives here
    threads[idx].ended = true;
    _longjmp(sched.home, 1);
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
    if (_setjmp(sched.home) == 0) {
        if (started) {
            _longjmp(thread->context, 1);
        }
        _longjmp(thread->start, 1);
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
    copy_state(copy_image, true);
    acre_sim_step = NULL;
    act();
    copy_state(copy_image, false);
    acre_sim_step = step;
}

// ---- choices -------------------------------------------------------------------------------------

static unsigned add_places(
    struct thread *thread, unsigned base_cost, struct choice *out, unsigned count)
{
    for (unsigned slot = 0; slot < sched.scene->slots; slot++) {
        const struct thread *old = occupant(slot);
        unsigned cost = old == NULL ? base_cost : 1;
        if (!acre_sim.claimed[slot] && cost <= sched.left) {
            out[count++] = (struct choice){PLACE, (unsigned)(thread - threads), slot, cost};
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
        if (seen_before(point->hash, sched.left)) {
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
    if (sched.mode == REPLAY || !seen_before(hash_state(), LEFT_MASK)) {
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
    copy_state(first_image, false);
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
    if (end.how != SIM_RETURNED) {
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
    first_image = malloc(image_bytes());
    copy_image = malloc(image_bytes());
    if (first_image == NULL || copy_image == NULL) {
        acre_port_halt("no memory for the state", __FILE__, __LINE__);
    }
    copy_state(first_image, true);
    seen_clear();
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
    out->states = seen.count;
    copy_state(first_image, false);
}

void sched_random(
    const struct sched_scene *scene, uint64_t count, uint64_t seed, struct sched_report *out)
{
    prepare(scene, RANDOM, RANDOM_DEVIATIONS, out);
    sched.random = seed * 2 + 1;
    while (out->broken == NULL && out->schedules < count) {
        play();
    }
    copy_state(first_image, false);
}

void sched_replay(const struct sched_scene *scene, const char *schedule, struct sched_report *out)
{
    char *end;
    prepare(scene, REPLAY, (unsigned)strtoul(schedule, &end, 10), out);
    sched.replayed = *end == ',' ? end + 1 : end;
    play();
    copy_state(first_image, false);
}
