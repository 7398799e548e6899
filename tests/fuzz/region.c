// region.c - regions over a page source under bytes: blocks, marks, resizing, resets.
// SPDX-License-Identifier: MIT
#include "acre/region.h"
#include "acre_port.h"
#include "fuzz.h"
#include "pages_sim.h"

enum { MARKS = 16, BLOCKS = 256 };

static struct held held[BLOCKS];
static size_t count; // blocks, in the order of their allocation
static struct {
    acre_mark mark;
    size_t count; // blocks there were
} marks[MARKS];
static size_t mark_count;
static acre_region region;
static struct pages_sim source;

static void check_all(size_t from)
{
    for (size_t i = from; i < count; i++) {
        held_check(&held[i], held[i].block, held[i].bytes);
    }
}

static void rewind_to(size_t index)
{
    FUZZ_EXPECT(acre_region_rewind(&region, marks[index].mark) == ACRE_OK);
    FUZZ_EXPECT(acre_region_rewind(&region, marks[index].mark) == ACRE_BAD_ARGUMENT);
    if (index + 1 < mark_count) { // a later one is stale
        FUZZ_EXPECT(acre_region_rewind(&region, marks[index + 1].mark) == ACRE_BAD_ARGUMENT);
    }
    count = marks[index].count;
    mark_count = index;
    check_all(0);
}

static void resize(size_t size)
{
    struct held *last = &held[count - 1];
    void *moved = acre_region_realloc(&region, last->block, last->bytes, size);
    if (moved != NULL) {
        held_check(last, moved, size < last->bytes ? size : last->bytes);
        held_set(last, moved, size);
    }
}

static void step(struct input *input)
{
    uint8_t what = take8(input);
    size_t size = take16(input) % (what % 16 == 0 ? 20000 : 300);
    switch (what % 8) {
    case 0:
        if (mark_count < MARKS && acre_region_mark(&region, &marks[mark_count].mark) == ACRE_OK) {
            marks[mark_count].count = count;
            mark_count += 1;
        }
        break;
    case 1:
        if (mark_count != 0) {
            rewind_to(size % mark_count);
        }
        break;
    case 2:
        // Not one from before a mark: where it moved to would go with a rewind.
        if (count > (mark_count == 0 ? 0 : marks[mark_count - 1].count)) {
            resize(size);
        }
        break;
    case 3:
        if (size % 32 == 0) {
            check_all(0);
            acre_region_reset(&region, size * 64);
            FUZZ_EXPECT(source.failed != 0 || source.committed_bytes <= size * 64);
            count = 0;
            mark_count = 0;
        }
        break;
    default:
        if (count < BLOCKS) {
            void *block = what % 3 == 0 ? acre_region_aligned(&region, (size_t)1 << what % 9, size)
                                        : acre_region_alloc(&region, size);
            if (block != NULL) {
                held_set(&held[count], block, size);
                count += 1;
            }
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {.at = data, .end = data + bytes};
    acre_region_options options = {
        .chunk_bytes = 4096 * (1 + (size_t)take8(&input) % 4),
        .reserve_bytes = take8(&input) % 2 == 0 ? 0 : 65536,
        .limit_bytes = take8(&input) % 4 == 0 ? 40960 : 0};
    sim_reset();
    pages_sim_init(&source, 4096, true);
    source.fail_all_at = take8(&input); // one call fails, sometimes
    count = 0;
    mark_count = 0;
    FUZZ_EXPECT(acre_region_open(&region, &source.pages, &options) == ACRE_OK);
    while (input.at != input.end) {
        step(&input);
        FUZZ_SOUND(acre_region_audit(&region));
    }
    check_all(0);
    source.fail_all_at = 0;
    acre_region_close(&region);
    FUZZ_EXPECT(source.reserved_bytes == 0);
    return 0;
}
