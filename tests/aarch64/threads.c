// threads.c - threads hand blocks of all kinds to each other and end, in several generations; every
// block keeps its contents, and the heap is sound at the end. For machines that are emulated, so it
// is short, and forks only while there is one thread: emulators do not survive more.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>

#include "../conform/process.h"

enum { THREADS = 4, GENERATIONS = 5, STEPS = 6000, SHELVES = 512 };

/// What stands at the start of a block on a shelf; the rest is filled after it.
struct parcel {
    size_t bytes;
    size_t number;
};

static struct parcel *shelf[SHELVES];
static unsigned damaged;

static size_t choose_bytes(uint64_t random)
{
    size_t kind = random % 64;
    size_t most = kind == 0 ? (size_t)3 << 20 : kind < 3 ? 200000 : kind < 10 ? 9000 : 300;
    return sizeof(struct parcel) + (size_t)(random >> 8) % most;
}

/// Bytes of a block that are filled and checked: its first ones.
static size_t filled_bytes(const struct parcel *parcel)
{
    size_t bytes = parcel->bytes - sizeof(*parcel);
    return bytes < 2000 ? bytes : 2000;
}

static struct parcel *pack(uint64_t random)
{
    size_t bytes = choose_bytes(random);
    struct parcel *parcel = random % 5 == 0   ? opaque(calloc(1, bytes))
                            : random % 7 == 0 ? opaque(memalign(256, bytes))
                                              : opaque(malloc(bytes));
    if (parcel != NULL) {
        *parcel = (struct parcel){.bytes = bytes, .number = (size_t)random % 251};
        conform_fill(parcel + 1, filled_bytes(parcel), parcel->number);
    }
    return parcel;
}

static void check_parcel(const struct parcel *parcel)
{
    if (!conform_filled(parcel + 1, filled_bytes(parcel), parcel->number)) {
        __atomic_fetch_add(&damaged, 1, __ATOMIC_RELAXED);
    }
}

/// Resizes and frees a block that some thread put on a shelf.
static void unpack(struct parcel *parcel, uint64_t random)
{
    if (parcel == NULL) {
        return;
    }
    check_parcel(parcel);
    if (random % 8 == 0) {
        size_t bytes = parcel->bytes * 2;
        struct parcel *larger = opaque(realloc(parcel, bytes));
        if (larger != NULL) {
            check_parcel(larger);
            parcel = larger;
        }
    }
    free(parcel);
}

static void *trade(void *argument)
{
    uint64_t state = *(const uint64_t *)argument;
    for (int i = 0; i < STEPS; i++) {
        uint64_t random = conform_random(&state);
        struct parcel *mine = pack(random);
        struct parcel **at = &shelf[conform_random(&state) % SHELVES];
        unpack(__atomic_exchange_n(at, mine, __ATOMIC_ACQ_REL), random >> 20);
    }
    return NULL;
}

static void run_generation(uint64_t *state)
{
    pthread_t threads[THREADS];
    uint64_t seeds[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        seeds[i] = conform_random(state) | 1;
        (void)CHECK(pthread_create(&threads[i], NULL, trade, &seeds[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void check_audit(void)
{
    void *(*default_heap)(void);
    const char *(*audit)(void *heap);
    if (CHECK(conform_lookup("acre_default_heap", (void *)&default_heap)) &&
        CHECK(conform_lookup("acre_heap_audit", (void *)&audit))) {
        const char *broken = audit(default_heap());
        if (broken != NULL) {
            conform_say("# audit: %s", broken);
        }
        (void)CHECK(broken == NULL);
    }
}

static void blocks_survive_threads(void)
{
    uint64_t state = conform_seed();
    for (int i = 0; i < GENERATIONS; i++) {
        run_generation(&state);
        check_audit();
    }
    for (size_t i = 0; i < SHELVES; i++) {
        unpack(shelf[i], i);
        shelf[i] = NULL;
    }
    (void)CHECK(damaged == 0);
    check_audit();
}

static void trade_in_child(void *argument)
{
    uint64_t state = *(const uint64_t *)argument;
    run_generation(&state);
    (void)CHECK(damaged == 0);
}

static void children_inherit_the_heap(void)
{
    uint64_t seed = conform_seed();
    (void)trade(&seed);
    (void)CHECK(process_exited(process_run(trade_in_child, &seed, 60), 0));
    (void)trade(&seed);
    (void)CHECK(damaged == 0);
    check_audit();
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(blocks_survive_threads),
        CONFORM_CASE(children_inherit_the_heap),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
