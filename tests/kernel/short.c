// short.c - memory runs short on all processors at once, while timer interrupts allocate: requests get
// NULL, nothing breaks, and once blocks are freed as much is to be had as before.
//
// The heap lives on a small range of its own. Each processor chains all blocks it can get; then each
// checks and frees the chain of its neighbour, so that all memory comes back by foreign frees.
// SPDX-License-Identifier: MIT
#include "guest.h"

enum { ROUNDS = 3, ROUNDS_MORE = 10, TICK_US = 200, REFUSALS = 4 };

// A slab of each size class for each processor is what a heap needs to serve them all.
static const size_t bytes_of_all = (size_t)8 << 20;
static const size_t bytes_of_each = (size_t)8 << 20;

static acre_pages_range small;
static acre_heap *heap;

/// Leads to a block with checked contents, and to the next link. A block itself.
struct link {
    struct link *next;
    void *block;
};

struct taker {
    _Alignas(64) struct link *first;
    uint64_t random;
    uint64_t tick_random;
    uint32_t refused;
    uint32_t ticks;
    uint32_t ticks_refused;
    uint32_t broken;
};

static struct taker takers[MACHINE_CPUS_MAX];

static size_t range_bytes(void)
{
    return bytes_of_all + cpus_count() * bytes_of_each;
}

/// In the interrupt: a block that lives for a moment, whether or not memory is short.
static void tick(void)
{
    struct taker *taker = &takers[machine_cpu()];
    void *block = guest_alloc(heap, GUEST_BYTES_MIN + guest_below(&taker->tick_random, 3000));
    taker->ticks_refused += block == NULL ? 1 : 0;
    taker->broken += guest_free(heap, block) ? 0 : 1;
    taker->ticks += 1;
}

/// One more block for the chain. False when there is no memory for it.
static bool take(struct taker *taker, size_t bytes)
{
    void *block = guest_alloc(heap, bytes);
    struct link *link = block == NULL ? NULL : acre_heap_alloc(heap, sizeof(*link));
    if (link == NULL) {
        taker->broken += guest_free(heap, block) ? 0 : 1;
        return false;
    }
    *link = (struct link){.next = taker->first, .block = block};
    taker->first = link;
    return true;
}

/// Takes until small requests are refused, too: each refusal makes them smaller.
static void take_all(unsigned cpu, void *context)
{
    static const size_t smaller[REFUSALS] = {0, 4000, 400, GUEST_BYTES_MIN};
    struct taker *taker = &takers[cpu];
    (void)context;
    cpus_tick_start(TICK_US, tick);
    for (unsigned refusals = 0; refusals < REFUSALS;) {
        if (!take(taker, refusals == 0 ? guest_size(&taker->random) : smaller[refusals])) {
            taker->refused += 1;
            refusals += 1;
        }
    }
    cpus_tick_stop();
}

static void free_neighbours(unsigned cpu, void *context)
{
    struct taker *taker = &takers[cpu];
    struct taker *neighbour = &takers[(cpu + 1) % cpus_count()];
    (void)context;
    cpus_tick_start(TICK_US, tick);
    for (struct link *link = neighbour->first; link != NULL;) {
        struct link *next = link->next;
        taker->broken += guest_free(heap, link->block) ? 0 : 1;
        acre_heap_free(heap, link);
        link = next;
    }
    neighbour->first = NULL;
    cpus_tick_stop();
}

/// One round: how many bytes all processors together got. 0 if a block was not whole.
static size_t round_of(uint64_t seed)
{
    acre_heap_stats full;
    uint32_t broken = 0;
    for (unsigned i = 0; i < cpus_count(); i++) {
        takers[i] = (struct taker){
            .random = seed * (2 * i + 1) + 1,
            .tick_random = seed * (2 * i + 2) + 1,
        };
    }
    cpus_run(take_all, NULL);
    acre_heap_get_stats(heap, &full);
    cpus_run(free_neighbours, NULL);
    for (unsigned i = 0; i < cpus_count(); i++) {
        broken += takers[i].broken;
    }
    return broken == 0 ? full.live_bytes : 0;
}

static void memory_runs_short_and_comes_back(void)
{
    const uint64_t seed = t_seed(7);
    size_t least = SIZE_MAX;
    size_t first = 0;
    t_say_number("seed", seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const size_t bytes = round_of(seed);
        t_say_number("KiB had in this round", bytes >> 10);
        T_EXPECT(bytes != 0);
        T_EXPECT_SOUND(acre_heap_audit(heap));
        first = round == 0 ? bytes : first;
        least = bytes < least ? bytes : least;
    }
    T_EXPECT(first >= range_bytes() / 2);
    // Bins that no processor uses just now may keep a slab of each class from being given back.
    T_EXPECT(least >= first / 2);
}

/// What other processors keep is found, too: they are interrupted for that. Where few do the same at the same time, it
/// may take more rounds until one finds nothing of its own.
static void memory_of_others_was_taken_over(void)
{
    for (unsigned round = 0; round < ROUNDS_MORE && cpus_count() > 1 && memory_syncs() == 0;
         round++) {
        T_EXPECT(round_of(t_seed(7) + round + 1) != 0);
    }
    t_say_number("times that all processors were interrupted", memory_syncs());
    T_EXPECT(memory_syncs() != 0 || cpus_count() == 1);
}

static void interrupts_were_refused_and_served(void)
{
    uint32_t ticks = 0;
    uint32_t refused = 0;
    for (unsigned i = 0; i < cpus_count(); i++) {
        ticks += takers[i].ticks;
        refused += takers[i].ticks_refused;
    }
    t_say_number("interrupts that allocated", ticks);
    t_say_number("of them refused", refused);
    T_EXPECT(ticks > refused);
}

static void nothing_is_lost(void)
{
    acre_heap_stats stats;
    acre_heap_get_stats(heap, &stats);
    T_EXPECT(stats.live_blocks == 0);
    acre_heap_destroy(heap);
    t_say_number("KiB still reserved", acre_pages_range_reserved(&small) >> 10);
    t_say_number("KiB still committed", acre_pages_range_committed(&small) >> 10);
    T_EXPECT(acre_pages_range_committed(&small) == 0);
    T_EXPECT(acre_pages_range_reserved(&small) == 0);
}

static void a_small_range_serves_a_heap(void)
{
    acre_pages *pages = &memory_source()->pages;
    void *memory = pages->reserve(pages, range_bytes(), ACRE_PAGES_UNIT);
    T_EXPECT(memory != NULL);
    T_EXPECT(acre_pages_range_init(&small, memory, range_bytes()) == ACRE_OK);
    T_EXPECT(acre_heap_create(&small.pages, NULL, &heap) == ACRE_OK);
}

T_MAIN(
    T_CASE(a_small_range_serves_a_heap), T_CASE(memory_runs_short_and_comes_back),
    T_CASE(memory_of_others_was_taken_over), T_CASE(interrupts_were_refused_and_served),
    T_CASE(nothing_is_lost))
