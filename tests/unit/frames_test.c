// frames_test.c - what acre/frames.h promises of pools: limits, classes, sizes, misuse, boot.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "acre_port.h"
#include "frames_pool.h"
#include "t.h"

static const uint64_t MIB = (uint64_t)1 << 20;
static const uint64_t GIB = (uint64_t)1 << 30;

static uint64_t free_frames(const acre_frames *pool)
{
    acre_frames_stats stats;
    acre_frames_get_stats(pool, &stats);
    return stats.free_frames;
}

static uint64_t address(acre_frame frame)
{
    return acre_frame_phys(frame).addr;
}

static void low_frames_are_for_those_who_ask(void)
{
    acre_frames *pool = pool_make_given(0, 32 * MIB, 1, false);
    for (unsigned i = 0; i < 4096; i++) {
        acre_frame frame = acre_frames_alloc(pool, 0, 0);
        T_EXPECT(!acre_frame_is_none(frame) && address(frame) >= 16 * MIB);
    }
    T_EXPECT(acre_frame_is_none(acre_frames_alloc(pool, 0, 0)));
    T_EXPECT(acre_frame_is_none(acre_frames_alloc(pool, 0, 9)));
    T_EXPECT(acre_frame_is_none(acre_frames_alloc_below(pool, 0, 0, (acre_phys){20 * MIB})));
    acre_frame dma = acre_frames_alloc_below(pool, 0, 2, (acre_phys){16 * MIB});
    T_EXPECT(!acre_frame_is_none(dma) && address(dma) + 4 * 4096 <= 16 * MIB);
    acre_frame low = acre_frames_alloc(pool, 0, ACRE_FRAMES_LOW);
    T_EXPECT(!acre_frame_is_none(low) && address(low) < 16 * MIB);
    // Back it goes, and not into a hand from which anybody would get it.
    T_EXPECT(acre_frames_free(pool, 0, low, 0) == ACRE_OK);
    T_EXPECT(acre_frame_is_none(acre_frames_alloc(pool, 0, 0)));
    acre_frames_run_request run = {.frames = 3};
    T_EXPECT(acre_frame_is_none(acre_frames_run(pool, &run)));
    run.low = true;
    T_EXPECT(!acre_frame_is_none(acre_frames_run(pool, &run)));
    T_EXPECT_SOUND(acre_frames_audit(pool));
    pool_end(pool);
}

static void low_frames_are_for_all_by_option(void)
{
    acre_frames *pool = pool_make_given(0, 32 * MIB, 1, true);
    for (unsigned i = 0; i < 8192; i++) {
        T_EXPECT(!acre_frame_is_none(acre_frames_alloc(pool, 0, 0)));
    }
    T_EXPECT(free_frames(pool) == 0 && acre_frame_is_none(acre_frames_alloc(pool, 0, 0)));
    pool_end(pool);
}

static void memory_below_4_gib_is_handed_out_last(void)
{
    acre_frames *pool = pool_make_given(4 * GIB - 64 * MIB, 4 * GIB + 64 * MIB, 2, false);
    for (unsigned i = 0; i < 32; i++) {
        acre_frame block = acre_frames_alloc(pool, i % 2, 9);
        T_EXPECT(!acre_frame_is_none(block) && address(block) >= 4 * GIB);
    }
    acre_frame below = acre_frames_alloc(pool, 0, 9);
    T_EXPECT(!acre_frame_is_none(below) && address(below) < 4 * GIB);
    acre_frame limited = acre_frames_alloc_below(pool, 0, 0, (acre_phys){4 * GIB});
    T_EXPECT(!acre_frame_is_none(limited) && address(limited) < 4 * GIB);
    pool_end(pool);
}

static void classes_keep_apart(void)
{
    acre_frames *pool = pool_make_given(8 * GIB, 8 * GIB + 128 * MIB, 1, false);
    acre_frame pinned = acre_frames_alloc(pool, 0, 0);
    acre_frame movable = acre_frames_alloc(pool, 0, ACRE_FRAMES_MOVABLE);
    acre_frame huge = acre_frames_alloc(pool, 0, 9);
    T_EXPECT(address(pinned) / TREE_BYTES != address(movable) / TREE_BYTES);
    T_EXPECT(address(huge) / TREE_BYTES != address(movable) / TREE_BYTES);
    T_EXPECT(address(huge) / TREE_BYTES != address(pinned) / TREE_BYTES);
    // And yet all memory can be had for one of them.
    for (unsigned i = 0; i < 128 * 256 - 514; i++) {
        T_EXPECT(!acre_frame_is_none(acre_frames_alloc(pool, 0, 0)));
    }
    T_EXPECT(acre_frame_is_none(acre_frames_alloc(pool, 0, 0)) && free_frames(pool) == 0);
    T_EXPECT_SOUND(acre_frames_audit(pool));
    pool_end(pool);
}

static void what_was_freed_last_is_allocated_next(void)
{
    acre_frames *pool = pool_make_given(8 * GIB, 9 * GIB, 1, false);
    acre_frame some[100];
    for (unsigned i = 0; i < 100; i++) {
        some[i] = acre_frames_alloc(pool, 0, 0);
    }
    T_EXPECT(acre_frames_free(pool, 0, some[7], 0) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, some[70], 0) == ACRE_OK);
    T_EXPECT(acre_frames_alloc(pool, 0, 0).number == some[70].number);
    T_EXPECT(acre_frames_alloc(pool, 0, 0).number == some[7].number);
    pool_end(pool);
}

static void a_slot_takes_what_another_holds_back(void)
{
    acre_frames *pool = pool_make_given(8 * GIB, 8 * GIB + 16 * MIB, 4, false);
    acre_frame first = acre_frames_alloc(pool, 0, 0);
    for (unsigned i = 1; i < 4096; i++) {
        T_EXPECT(!acre_frame_is_none(acre_frames_alloc(pool, 3, ACRE_FRAMES_MOVABLE)));
    }
    T_EXPECT(free_frames(pool) == 0);
    T_EXPECT(acre_frames_free(pool, 1, first, 0) == ACRE_OK); // into slot 1's hand
    T_EXPECT(acre_frames_alloc(pool, 2, 0).number == first.number);
    pool_end(pool);
}

// ---- misuse --------------------------------------------------------------------------------------

static void misuse_is_told_and_changes_nothing(void)
{
    acre_frames *pool = pool_make_given(8 * GIB, 8 * GIB + 64 * MIB, 2, false);
    acre_frame one = acre_frames_alloc(pool, 0, 0);
    acre_frame eight = acre_frames_alloc(pool, 0, 3);
    acre_frame huge = acre_frames_alloc(pool, 0, 10);
    acre_frame tree = acre_frames_alloc(pool, 0, 12);
    uint64_t before = free_frames(pool);
    acre_frame beyond = {one.number + 16384};
    T_EXPECT(acre_frames_free(pool, 0, beyond, 0) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_frames_free(pool, 0, (acre_frame){5}, 0) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_frames_free(pool, 0, acre_frame_none(), 0) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_frames_free(pool, 0, eight, 19) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_frames_free(pool, 0, (acre_frame){eight.number + 1}, 3) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_frames_free(pool, 0, huge, 0) == ACRE_WRONG_ORDER);
    T_EXPECT(acre_frames_free(pool, 0, huge, 8) == ACRE_WRONG_ORDER);
    T_EXPECT(acre_frames_free(pool, 0, huge, 9) == ACRE_WRONG_ORDER);
    T_EXPECT(acre_frames_free(pool, 0, tree, 0) == ACRE_WRONG_ORDER);
    T_EXPECT(acre_frames_free(pool, 0, tree, 11) == ACRE_WRONG_ORDER);
    T_EXPECT(acre_frames_free(pool, 0, tree, 13) != ACRE_OK);
    T_EXPECT(acre_frames_split(pool, eight, 9) != ACRE_OK);
    T_EXPECT(acre_frames_split(pool, huge, 9) == ACRE_WRONG_ORDER);
    T_EXPECT(acre_frame_is_none(acre_frames_alloc(pool, 0, 19)));
    T_EXPECT(free_frames(pool) == before);
    T_EXPECT_SOUND(acre_frames_audit(pool));
    T_EXPECT(acre_frames_free(pool, 0, one, 0) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, one, 0) == ACRE_DOUBLE_FREE); // in the hand
    T_EXPECT(
        acre_frames_free(pool, 1, one, 0) == ACRE_DOUBLE_FREE); // in another's, with ACRE_DEBUG
    acre_frames_drain(pool);
    T_EXPECT(acre_frames_free(pool, 1, one, 0) == ACRE_DOUBLE_FREE); // in the books
    T_EXPECT(acre_frames_free(pool, 0, eight, 3) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, eight, 3) == ACRE_DOUBLE_FREE);
    T_EXPECT(acre_frames_free(pool, 0, huge, 10) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, huge, 10) == ACRE_DOUBLE_FREE);
    T_EXPECT(acre_frames_free(pool, 0, tree, 12) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, tree, 12) == ACRE_DOUBLE_FREE);
    T_EXPECT(acre_frames_give(pool, eight, 100) == ACRE_DOUBLE_FREE);
    T_EXPECT(acre_frames_give(pool, (acre_frame){1}, 100) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_frames_take(pool, eight, 1 << 20) == ACRE_BAD_ARGUMENT);
    T_EXPECT(free_frames(pool) == 16384);
    T_EXPECT_SOUND(acre_frames_audit(pool));
    pool_end(pool);
}

/// Frees every aligned block of every order that touches frames [from, end), but those that lie in [first, last).
static void blocks_beyond_a_span_are_refused(
    acre_frames *pool, uint64_t from, uint64_t end, uint64_t first, uint64_t last)
{
    for (unsigned order = 0; order <= ACRE_FRAMES_ORDER_MAX; order++) {
        const uint64_t frames = (uint64_t)1 << order;
        for (uint64_t at = from & ~(frames - 1); at < end; at += frames) {
            if (at >= first && at + frames <= last) {
                continue;
            }
            T_EXPECT(acre_frames_free(pool, 0, (acre_frame){at}, order) == ACRE_BAD_ARGUMENT);
            T_EXPECT(acre_frames_split(pool, (acre_frame){at}, order) == ACRE_BAD_ARGUMENT);
        }
    }
}

/// The trees at the ends of a span reach beyond it.
static void frames_beside_the_span_never_become_part_of_it(void)
{
    static const struct {
        uint64_t low, high; // frames
    } spans[] = {
        {4096 * 600 + 1100, 4096 * 602 + 1000}, // ends inside rows
        {4096 * 600 + 512, 4096 * 602 + 512},   // at children
        {4096 * 600 + 100, 4096 * 600 + 101},   // one frame
        {1000, 5000},                           // from the lowest 16 MiB on
        {1000, 3000},                           // of nothing else
    };
    for (unsigned i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        const uint64_t low = spans[i].low;
        const uint64_t high = spans[i].high;
        acre_frames *pool = pool_make(low << 12, high << 12, 1, false);
        const uint64_t from = low & ~(uint64_t)4095;
        const uint64_t end = (high + 4095) & ~(uint64_t)4095;
        for (unsigned given = 0; given < 2; given++) {
            const uint64_t before = free_frames(pool);
            blocks_beyond_a_span_are_refused(pool, from, low, low, high);
            blocks_beyond_a_span_are_refused(pool, high, end + 1, low, high);
            T_EXPECT(free_frames(pool) == before);
            T_EXPECT_SOUND(acre_frames_audit(pool));
            T_EXPECT(
                given != 0 || acre_frames_give(pool, (acre_frame){low}, high - low) == ACRE_OK);
        }
        const acre_frame ends[] = {{low}, {high - 1}};
        for (unsigned j = 0; j < 2; j++) {
            T_EXPECT(acre_frames_take(pool, ends[j], 1) == ACRE_OK);
            T_EXPECT(acre_frames_free(pool, 0, ends[j], 0) == ACRE_OK);
        }
        T_EXPECT(free_frames(pool) == high - low);
        pool_end(pool);
    }
}

static void options_that_make_no_sense_are_refused(void)
{
    static uint64_t memory[64];
    acre_frames_options options = {.low = {0}, .high = {32 * MIB}, .slots = 1};
    T_EXPECT(acre_frames_bytes(&options) != 0);
    T_EXPECT(acre_frames_create((char *)memory + 1, &options) == NULL);
    T_EXPECT(acre_frames_create(NULL, &options) == NULL);
    options.slots = 0;
    T_EXPECT(acre_frames_bytes(&options) == 0 && acre_frames_create(memory, &options) == NULL);
    options.slots = ACRE_FRAMES_SLOTS_MAX + 1;
    T_EXPECT(acre_frames_bytes(&options) == 0);
    options = (acre_frames_options){.low = {GIB}, .high = {GIB}, .slots = 1};
    T_EXPECT(acre_frames_bytes(&options) == 0);
    options.high.addr = UINT64_MAX;
    T_EXPECT(acre_frames_bytes(&options) == 0);
}

// ---- sizes ---------------------------------------------------------------------------------------

/// Bytes of a mapping that the system had to supply.
static size_t resident_bytes(void *start, size_t bytes)
{
    static unsigned char pages[1 << 15];
    size_t sum = 0;
    for (size_t at = 0; at < bytes; at += sizeof(pages) * 4096) {
        size_t part = bytes - at < sizeof(pages) * 4096 ? bytes - at : sizeof(pages) * 4096;
        if (mincore((char *)start + at, part, pages) != 0) {
            return SIZE_MAX;
        }
        for (size_t i = 0; i < (part + 4095) / 4096; i++) {
            sum += (pages[i] & 1) != 0 ? 4096 : 0;
        }
    }
    return sum;
}

static void a_pool_of_1_tib_writes_only_the_books_it_needs(void)
{
    acre_frames *pool = pool_make_given(64 * GIB, 1088 * GIB, 8, false);
    acre_frames_stats stats;
    acre_frames_get_stats(pool, &stats);
    T_EXPECT(stats.free_frames == (uint64_t)1 << 28 && stats.free_trees == 65536);
    // 0.0035 % of 1 TiB are 38.5 million bytes; of these, rows of whole trees stay unwritten.
    T_EXPECT(stats.meta_bytes <= 1024 * GIB / 1000000 * 35);
    acre_frame giant = acre_frames_alloc(pool, 0, 18);
    acre_frame frame = acre_frames_alloc(pool, 5, 0);
    acre_frame huge = acre_frames_alloc(pool, 7, 11);
    T_EXPECT(!acre_frame_is_none(giant) && giant.number % (1 << 18) == 0);
    T_EXPECT(!acre_frame_is_none(frame) && !acre_frame_is_none(huge));
    T_EXPECT(resident_bytes(pool, (size_t)stats.meta_bytes) < 3 * MIB);
    acre_frames_run_request run = {.frames = 3 * 262144 + 5, .align = 1 << 30};
    acre_frame long_run = acre_frames_run(pool, &run);
    T_EXPECT(!acre_frame_is_none(long_run) && address(long_run) % GIB == 0);
    T_EXPECT(free_frames(pool) == stats.free_frames - 262144 - 2048 - 1 - run.frames);
    T_EXPECT(acre_frames_give(pool, long_run, run.frames) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, giant, 18) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, frame, 0) == ACRE_OK);
    T_EXPECT(acre_frames_free(pool, 0, huge, 11) == ACRE_OK);
    acre_frames_drain(pool);
    acre_frames_get_stats(pool, &stats);
    T_EXPECT(stats.free_trees == 65536 && stats.held_trees == 0);
    pool_end(pool);
}

static void pools_of_any_size_give_all_and_take_all_back(void)
{
    static const uint64_t sizes[] = {32, 33, 64, 256, 1024, 4096};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        acre_frames *pool = pool_make_given(16 * GIB, 16 * GIB + sizes[i] * MIB, 3, false);
        uint64_t all = sizes[i] * MIB / 4096;
        // A million single frames say no more than 250 000, and take a second in an emulated kernel.
        for (unsigned order = sizes[i] > 1024 ? 3 : 0; order <= ACRE_FRAMES_ORDER_MAX; order += 3) {
            acre_frame last = acre_frame_none();
            uint64_t count = 0;
            while (
                true) { // a chain of frames in the model's stead: each is told apart by its address
                acre_frame frame = acre_frames_alloc(pool, (unsigned)count % 3, order);
                if (acre_frame_is_none(frame)) {
                    break;
                }
                T_EXPECT(frame.number != last.number && frame.number % ((uint64_t)1 << order) == 0);
                last = frame;
                count += 1;
            }
            T_EXPECT(count == all >> order);
            for (uint64_t at = 0; at < all >> order; at++) {
                acre_frame frame = {((uint64_t)16 * GIB >> 12) + (at << order)};
                T_EXPECT(acre_frames_free(pool, 0, frame, order) == ACRE_OK);
            }
            T_EXPECT(free_frames(pool) == all);
        }
        T_EXPECT_SOUND(acre_frames_audit(pool));
        pool_end(pool);
    }
}

// ---- boot ----------------------------------------------------------------------------------------

enum { BOOT_BYTES = 48 << 20 };

static void a_pool_is_made_from_a_boot_map(void)
{
    // The host's memory plays the machine's: physical address 16 MiB is where this mapping starts.
    char *memory = mmap(
        NULL, BOOT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
        0);
    T_EXPECT(memory != MAP_FAILED);
    acre_bootmap_entry room[32];
    acre_bootmap map;
    acre_bootmap_init(&map, room, 32);
    (void)acre_bootmap_append(&map, 0, 640 << 10, ACRE_MAP_USABLE);
    (void)acre_bootmap_append(&map, 16 * MIB, BOOT_BYTES, ACRE_MAP_USABLE);
    (void)acre_bootmap_append(&map, 16 * MIB, MIB + 5, ACRE_MAP_TAKEN); // the kernel
    (void)acre_bootmap_append(&map, 40 * MIB, MIB, ACRE_MAP_RECLAIM);
    (void)acre_bootmap_append(&map, (uint64_t)0xfd << 32, 12 * GIB, ACRE_MAP_RESERVED);
    acre_frames_options options = {
        .slots = 2,
        .mapped_limit = {60 * MIB},
        .direct_map = (void *)((uintptr_t)memory - 16 * MIB),
    };
    acre_frames *pool;
    T_EXPECT(acre_frames_boot(&map, &options, &pool) == ACRE_BAD_ARGUMENT && map.reason != NULL);
    T_EXPECT(acre_bootmap_fix(&map) == ACRE_OK);
    memset(memory, 0xaa, BOOT_BYTES); // as firmware left it
    T_EXPECT(acre_frames_boot(&map, &options, &pool) == ACRE_OK);
    T_EXPECT_SOUND(acre_frames_audit(pool));
    uint64_t usable = 0;
    for (uint32_t i = 0; i < map.count; i++) {
        usable += map.entries[i].kind == ACRE_MAP_USABLE ? map.entries[i].bytes / 4096 : 0;
    }
    T_EXPECT(free_frames(pool) == usable);
    uint64_t meta = (uintptr_t)pool - (uintptr_t)options.direct_map;
    T_EXPECT(meta < 60 * MIB && meta > 59 * MIB);
    T_EXPECT(acre_bootmap_kind_at(&map, (acre_phys){meta}) == ACRE_MAP_TAKEN);
    T_EXPECT(!acre_frames_is_free(pool, acre_frame_at((acre_phys){meta})));
    T_EXPECT(!acre_frames_is_free(pool, acre_frame_at((acre_phys){17 * MIB})));
    T_EXPECT(acre_frames_give_map(pool, &map, ACRE_MAP_RECLAIM) == ACRE_OK);
    T_EXPECT(free_frames(pool) == usable + 256);
    T_EXPECT(acre_frames_give_map(pool, &map, ACRE_MAP_RECLAIM) == ACRE_DOUBLE_FREE);
    options.mapped_limit.addr = 4095; // not even a frame
    T_EXPECT(acre_frames_boot(&map, &options, &pool) == ACRE_NO_MEMORY && map.reason != NULL);
    options.low.addr = 100 * MIB;
    options.high.addr = 200 * MIB;
    T_EXPECT(acre_frames_boot(&map, &options, &pool) == ACRE_BAD_MAP);
    options.slots = 0;
    T_EXPECT(acre_frames_boot(&map, &options, &pool) == ACRE_BAD_ARGUMENT);
    (void)munmap(memory, BOOT_BYTES);
}

static acre_frames *interrupted_pool;
static unsigned steps_to_go;
static acre_status status_inside;

static void give_the_other_part(void)
{
    if (steps_to_go-- == 0) {
        acre_sim_step = NULL;
        status_inside = acre_frames_give(interrupted_pool, (acre_frame){4096 * 300 + 1000}, 777);
    }
}

static void two_that_give_the_first_frames_of_a_tree_do_not_meet(void)
{
    unsigned busy = 0;
    for (unsigned step = 0; step < 200; step++) {
        sim_reset();
        interrupted_pool =
            pool_make((uint64_t)4096 * 300 << 12, (uint64_t)4096 * 302 << 12, 1, false);
        status_inside = ACRE_BUSY;
        steps_to_go = step;
        acre_sim_step = give_the_other_part;
        acre_status status = acre_frames_give(interrupted_pool, (acre_frame){4096 * 300 + 10}, 500);
        acre_sim_step = NULL;
        T_EXPECT(status == ACRE_OK || (status == ACRE_BUSY && status_inside == ACRE_OK));
        T_EXPECT(status_inside == ACRE_OK || status_inside == ACRE_BUSY);
        busy += status_inside == ACRE_BUSY ? 1 : 0;
        uint64_t given = (status == ACRE_OK ? 500u : 0u) + (status_inside == ACRE_OK ? 777u : 0u);
        T_EXPECT(free_frames(interrupted_pool) == given);
        T_EXPECT_SOUND(acre_frames_audit(interrupted_pool));
        pool_end(interrupted_pool);
    }
    T_EXPECT(busy > 10);
}

T_MAIN(
    T_CASE(low_frames_are_for_those_who_ask), T_CASE(low_frames_are_for_all_by_option),
    T_CASE(memory_below_4_gib_is_handed_out_last), T_CASE(classes_keep_apart),
    T_CASE(what_was_freed_last_is_allocated_next), T_CASE(a_slot_takes_what_another_holds_back),
    T_CASE(misuse_is_told_and_changes_nothing),
    T_CASE(frames_beside_the_span_never_become_part_of_it),
    T_CASE(options_that_make_no_sense_are_refused),
    T_CASE(a_pool_of_1_tib_writes_only_the_books_it_needs),
    T_CASE(pools_of_any_size_give_all_and_take_all_back), T_CASE(a_pool_is_made_from_a_boot_map),
    T_CASE(two_that_give_the_first_frames_of_a_tree_do_not_meet))
