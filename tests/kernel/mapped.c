// mapped.c - the page source over mapped frames: what acre/pages.h promises; single pages that go back to the
// pool, to the frame; and no processor that still sees what was taken away.
// SPDX-License-Identifier: MIT
#include "guest.h"

enum {
    PAGES = 600,
    WATCHED = 64,
    BLOCKS = 512,
    ROUNDS = 20,
    STEPS = 3000,
    SLOTS = 64,
    TICK_US = 100
};

static const size_t page_bytes = ACRE_PAGES_UNIT;
static acre_pages_mapped source;
static acre_pages *const pages = &source.pages;

static uint64_t free_frames(void)
{
    acre_frames_stats stats;
    acre_frames_get_stats(memory_frames(), &stats);
    return stats.free_frames;
}

/// Of which none may be lost. A table may stay where a range had only a part of its 2 MiB.
static uint64_t free_and_tables(void)
{
    return free_frames() + acre_pages_mapped_tables(&source) / page_bytes;
}

static void a_source_is_made(void)
{
    void *addr;
    size_t bytes;
    const acre_mapping *mapping = machine_mapping(&addr, &bytes);
    acre_frames *pool = memory_frames();
    void *direct_map = machine_address(0);
    unsigned char *at = addr;
    T_EXPECT(
        acre_pages_mapped_init(NULL, pool, direct_map, mapping, at, bytes) == ACRE_BAD_ARGUMENT);
    T_EXPECT(
        acre_pages_mapped_init(&source, pool, direct_map, NULL, at, bytes) == ACRE_BAD_ARGUMENT);
    T_EXPECT(
        acre_pages_mapped_init(&source, pool, direct_map, mapping, at, 0) == ACRE_BAD_ARGUMENT);
    T_EXPECT(
        acre_pages_mapped_init(&source, pool, direct_map, mapping, at + page_bytes, bytes) ==
        ACRE_BAD_ARGUMENT);
    T_EXPECT(
        acre_pages_mapped_init(
            &source, pool, direct_map, mapping, at + (2 << 20), (size_t)512 << 30) ==
        ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_pages_mapped_init(&source, pool, direct_map, mapping, at, bytes) == ACRE_OK);
    T_EXPECT(acre_pages_mapped_reserved(&source) == 0 && acre_pages_mapped_committed(&source) == 0);
    T_EXPECT(pages->reserve(pages, bytes + page_bytes, page_bytes) == NULL);
    void *all = pages->reserve(pages, bytes, (size_t)1 << 21);
    T_EXPECT(all == addr && pages->reserve(pages, page_bytes, page_bytes) == NULL);
    T_EXPECT(pages->release(pages, all, bytes) == ACRE_OK);
}

static bool is_zero(const uint64_t *words, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(*words); i += 8) {
        if (words[i] != 0) {
            return false;
        }
    }
    return true;
}

static void single_pages_go_back(void)
{
    const size_t bytes = PAGES * page_bytes;
    unsigned char *at = pages->reserve(pages, bytes, page_bytes);
    T_EXPECT(at != NULL);
    T_EXPECT(pages->commit(pages, at, bytes) == ACRE_OK); // the tables are there from now on
    const uint64_t full = free_frames();
    for (unsigned turn = 0; turn < 3; turn++) {
        T_EXPECT(is_zero((uint64_t *)(void *)at, bytes));
        __builtin_memset(at, 0xa5, bytes);
        T_EXPECT(pages->commit(pages, at, bytes) == ACRE_OK); // changes nothing
        T_EXPECT(at[0] == 0xa5 && at[bytes - 1] == 0xa5 && free_frames() == full);
        T_EXPECT(acre_pages_mapped_committed(&source) == bytes);
        // Every other page, then the rest.
        for (unsigned i = 1; i < PAGES; i += 2) {
            T_EXPECT(pages->decommit(pages, at + i * page_bytes, page_bytes) == ACRE_OK);
            T_EXPECT(free_frames() == full + (i + 1) / 2);
            T_EXPECT(at[i * page_bytes - 1] == 0xa5);
        }
        T_EXPECT(pages->decommit(pages, at, bytes) == ACRE_OK);
        T_EXPECT(free_frames() == full + PAGES && acre_pages_mapped_committed(&source) == 0);
        T_EXPECT(pages->decommit(pages, at, bytes) == ACRE_OK);
        T_EXPECT(pages->commit(pages, at, bytes) == ACRE_OK && free_frames() == full);
    }
    T_EXPECT(pages->release(pages, at, bytes) == ACRE_OK);
    T_EXPECT(acre_pages_mapped_reserved(&source) == 0 && acre_pages_mapped_committed(&source) == 0);
}

static void a_released_range_leaves_nothing(void)
{
    const size_t bytes = (size_t)6 << 20;
    uint64_t before = free_frames();
    for (unsigned round = 0; round < 2; round++) {
        unsigned char *at = pages->reserve(pages, bytes, (size_t)2 << 20);
        T_EXPECT(pages->commit(pages, at + page_bytes, bytes - 2 * page_bytes) == ACRE_OK);
        T_EXPECT(
            round == 0 || free_frames() == before - bytes / page_bytes + 2 - 3); // three tables
        T_EXPECT(pages->release(pages, at, bytes) == ACRE_OK);
        T_EXPECT(round == 0 || free_frames() == before);
        before = free_frames(); // others may have left a table there, the first time
    }
    T_EXPECT_SOUND(acre_frames_audit(memory_frames()));
}

static void with_interrupts_off_nothing_is_taken(void)
{
    unsigned char *at = pages->reserve(pages, 2 * page_bytes, page_bytes);
    machine_interrupts_off();
    const acre_status committed = pages->commit(pages, at, 2 * page_bytes);
    at[page_bytes] = 7;
    const acre_status decommitted = pages->decommit(pages, at, page_bytes);
    const acre_status released = pages->release(pages, at, 2 * page_bytes);
    const bool kept = at[page_bytes] == 7;
    machine_interrupts_on();
    T_EXPECT(committed == ACRE_OK && decommitted == ACRE_BUSY && released == ACRE_BUSY && kept);
    T_EXPECT(pages->release(pages, at, 2 * page_bytes) == ACRE_OK);
}

/// A block that is held, written in its first words.
struct held {
    struct held *next;
    acre_frame frame;
    uint32_t order;
};

/// All free frames but `left`, as few blocks.
static struct held *hold_all_but(unsigned left)
{
    acre_frame some[16];
    struct held *chain = NULL;
    for (unsigned i = 0; i < left; i++) {
        some[i] = acre_frames_alloc(memory_frames(), 0, 0);
    }
    for (uint32_t order = ACRE_FRAMES_ORDER_MAX + 1; order > 0;) {
        const acre_frame frame = acre_frames_alloc(memory_frames(), 0, order - 1);
        if (acre_frame_is_none(frame)) {
            order -= 1;
            continue;
        }
        struct held *held = machine_address(acre_frame_phys(frame).addr);
        *held = (struct held){chain, frame, order - 1};
        chain = held;
    }
    for (unsigned i = 0; i < left; i++) {
        (void)acre_frames_free(memory_frames(), 0, some[i], 0);
    }
    return chain;
}

static void give_all(struct held *chain)
{
    while (chain != NULL) {
        struct held *next = chain->next;
        (void)acre_frames_free(memory_frames(), 0, chain->frame, chain->order);
        chain = next;
    }
}

static void a_commit_that_fails_takes_nothing(void)
{
    const size_t bytes = 16 * page_bytes;
    unsigned char *at = pages->reserve(pages, bytes, (size_t)2 << 20);
    const uint64_t before = free_and_tables();
    struct held *chain = hold_all_but(12);
    const uint64_t few = free_and_tables();
    acre_status status = pages->commit(pages, at, bytes);
    const uint64_t after = free_and_tables();
    const size_t committed = acre_pages_mapped_committed(&source);
    give_all(chain);
    T_EXPECT(status == ACRE_NO_MEMORY && after == few && committed == 0);
    T_EXPECT(pages->commit(pages, at, bytes) == ACRE_OK && is_zero((uint64_t *)(void *)at, bytes));
    T_EXPECT(pages->release(pages, at, bytes) == ACRE_OK);
    T_EXPECT(free_and_tables() == before);
}

// ---- all processors ------------------------------------------------------------------------------

static volatile uint64_t *watched;
static uint64_t wanted;
static uint32_t stale;

/// Reads each page, so that the processor remembers where it is: so few that it remembers all.
static void look(unsigned cpu, void *context)
{
    (void)cpu, (void)context;
    for (unsigned i = 0; i < WATCHED; i++) {
        if (watched[i * page_bytes / sizeof(uint64_t)] != wanted + i) {
            (void)sync_add(&stale, 1);
        }
    }
}

static void write_all(uint64_t number)
{
    wanted = number;
    for (unsigned i = 0; i < WATCHED; i++) {
        watched[i * page_bytes / sizeof(uint64_t)] = number + i;
    }
}

/// Pages get other frames, while the old ones, which say something else, are held by somebody.
static void no_processor_sees_what_was_taken(void)
{
    static acre_frame held[WATCHED];
    const size_t bytes = WATCHED * page_bytes;
    watched = pages->reserve(pages, bytes, page_bytes);
    T_EXPECT(watched != NULL);
    for (unsigned round = 0; round < ROUNDS; round++) {
        T_EXPECT(pages->commit(pages, (void *)(uintptr_t)watched, bytes) == ACRE_OK);
        write_all((uint64_t)round * WATCHED);
        cpus_run(look, NULL);
        T_EXPECT(pages->decommit(pages, (void *)(uintptr_t)watched, bytes) == ACRE_OK);
        for (unsigned i = 0; i < WATCHED; i++) {
            held[i] = acre_frames_alloc(memory_frames(), 0, 0);
            T_EXPECT(!acre_frame_is_none(held[i]));
        }
        T_EXPECT(pages->commit(pages, (void *)(uintptr_t)watched, bytes) == ACRE_OK);
        write_all(((uint64_t)round + 1) << 32);
        cpus_run(look, NULL);
        for (unsigned i = 0; i < WATCHED; i++) {
            T_EXPECT(acre_frames_free(memory_frames(), 0, held[i], 0) == ACRE_OK);
        }
        T_EXPECT(pages->decommit(pages, (void *)(uintptr_t)watched, bytes) == ACRE_OK);
    }
    T_EXPECT(stale == 0);
    T_EXPECT(pages->release(pages, (void *)(uintptr_t)watched, bytes) == ACRE_OK);
}

/// Commits all pages, and writes a word of its own into each right afterwards.
static void commit_and_write(unsigned cpu, void *context)
{
    (void)context;
    for (unsigned i = 0; i < WATCHED; i++) {
        volatile uint64_t *page = watched + i * page_bytes / sizeof(uint64_t);
        if (pages->commit(pages, (void *)(uintptr_t)page, page_bytes) != ACRE_OK) {
            (void)sync_add(&stale, 1);
        }
        page[cpu] = wanted + i;
    }
}

static void those_that_commit_the_same_pages_share_them(void)
{
    const size_t bytes = WATCHED * page_bytes;
    watched = pages->reserve(pages, bytes, page_bytes);
    T_EXPECT(watched != NULL);
    stale = 0;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        const uint64_t before = free_and_tables();
        wanted = (uint64_t)round << 32;
        cpus_run(commit_and_write, NULL);
        for (size_t i = 0; i < (size_t)WATCHED * cpus_count(); i++) {
            const size_t page = i / cpus_count();
            const size_t word = page * page_bytes / sizeof(uint64_t) + i % cpus_count();
            T_EXPECT(watched[word] == wanted + page);
        }
        T_EXPECT(stale == 0 && free_and_tables() == before - WATCHED);
        T_EXPECT(pages->decommit(pages, (void *)(uintptr_t)watched, bytes) == ACRE_OK);
        T_EXPECT(free_and_tables() == before);
    }
    T_EXPECT(pages->release(pages, (void *)(uintptr_t)watched, bytes) == ACRE_OK);
}

static acre_heap *heap;
static uint32_t broken;
static uint32_t ticks;
static void *shared[SLOTS];

static void tick(void)
{
    void *block = guest_alloc(heap, 300);
    (void)sync_add(&broken, guest_free(heap, block) ? 0 : 1);
    (void)sync_add(&ticks, 1);
}

/// Blocks of all sizes, half of them freed by other processors; now and then all that is free goes back.
static void work(unsigned cpu, void *context)
{
    uint64_t random = (t_seed(11) + 1) * (cpu + 1);
    (void)context;
    cpus_tick_start(TICK_US, tick);
    for (unsigned i = 0; i < STEPS; i++) {
        void *block = guest_alloc(heap, guest_size(&random));
        (void)sync_add(&broken, block == NULL ? 1 : 0);
        block = sync_swap_pointer(&shared[guest_below(&random, SLOTS)], block);
        (void)sync_add(&broken, guest_free(heap, block) ? 0 : 1);
        if (i % 500 == 250) {
            (void)acre_heap_trim(heap, 0);
        }
    }
    cpus_tick_stop();
}

static void heaps_of_all_processors_leave_nothing(void)
{
    const uint64_t before = free_and_tables();
    T_EXPECT(acre_heap_create(pages, NULL, &heap) == ACRE_OK);
    cpus_run(work, NULL);
    for (unsigned i = 0; i < SLOTS; i++) {
        broken += guest_free(heap, shared[i]) ? 0 : 1;
        shared[i] = NULL;
    }
    T_EXPECT(broken == 0);
    T_EXPECT_SOUND(acre_heap_audit(heap));
    acre_heap_destroy(heap);
    t_say_number("interrupts that allocated", ticks);
    T_EXPECT(ticks != 0);
    t_say_number("KiB of tables that stay", acre_pages_mapped_tables(&source) >> 10);
    T_EXPECT(acre_pages_mapped_committed(&source) == 0);
    T_EXPECT(acre_pages_mapped_reserved(&source) == 0);
    T_EXPECT(free_and_tables() == before);
    T_EXPECT_SOUND(acre_frames_audit(memory_frames()));
}

/// While the heap lives on: what it frees is the pool's, though a block in each segment stays.
static void trimmed_pages_are_the_pools(void)
{
    static void *blocks[BLOCKS];
    T_EXPECT(acre_heap_create(pages, NULL, &heap) == ACRE_OK);
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = acre_heap_alloc(heap, 20000);
        T_EXPECT(blocks[i] != NULL);
    }
    const uint64_t full = free_frames();
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (i % 16 != 0) {
            acre_heap_free(heap, blocks[i]);
        }
    }
    (void)acre_heap_trim(heap, 0);
    T_EXPECT(free_frames() - full >= (uint64_t)BLOCKS / 16 * 15 * (20000 / page_bytes + 1));
    T_EXPECT_SOUND(acre_heap_audit(heap));
    acre_heap_destroy(heap);
}

T_MAIN(
    T_CASE(a_source_is_made), T_CASE(single_pages_go_back), T_CASE(a_released_range_leaves_nothing),
    T_CASE(with_interrupts_off_nothing_is_taken), T_CASE(a_commit_that_fails_takes_nothing),
    T_CASE(no_processor_sees_what_was_taken), T_CASE(those_that_commit_the_same_pages_share_them),
    T_CASE(heaps_of_all_processors_leave_nothing), T_CASE(trimmed_pages_are_the_pools))
