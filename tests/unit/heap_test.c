// heap_test.c - the promises of acre/heap.h that are not about one part: creation, options, sizes,
// limits, alignment, zeroing, sized frees, several heaps, the end.
// SPDX-License-Identifier: MIT
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

static void *blocks[20000];

static void create_refuses_bad_arguments_and_takes_nothing(void)
{
    acre_heap *out = NULL;
    heap_open();
    T_EXPECT_SOUND(heap_close());
    T_EXPECT(acre_heap_create(NULL, NULL, &out) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_heap_create(&sim.pages, NULL, NULL) == ACRE_BAD_ARGUMENT);
    const acre_heap_options flags = {.flags = 1u << 31};
    T_EXPECT(acre_heap_create(&sim.pages, &flags, &out) == ACRE_BAD_ARGUMENT);
    const acre_heap_options span = {.span_bytes = SIZE_MAX};
    T_EXPECT(acre_heap_create(&sim.pages, &span, &out) != ACRE_OK);
    const size_t units[] = {0, 32, 100, 4095, 131072};
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        sim.pages.page_bytes = units[i];
        T_EXPECT(acre_heap_create(&sim.pages, NULL, &out) == ACRE_BAD_ARGUMENT);
    }
    T_EXPECT(out == NULL);
    T_EXPECT_SOUND(source_left_over());
}

static void create_takes_every_page_size(void)
{
    for (size_t unit = 64; unit <= 65536; unit *= 2) {
        heap_open_at(&(struct site){.page_bytes = unit});
        T_EXPECT(subject != NULL);
        for (size_t size = 1; size < 3 * mib; size *= 3) {
            unsigned char *block = acre_heap_calloc(subject, 1, size);
            T_EXPECT(block != NULL && block_is_zero(block, size));
            block_fill(block, size, size);
            acre_heap_free(subject, block);
        }
        (void)acre_heap_trim(subject, 0);
        T_EXPECT_SOUND(heap_close());
    }
}

static void create_at_a_limit_too_small_for_itself_fails(void)
{
    size_t limit = 1;
    while (limit < mib) {
        heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = limit}});
        if (subject != NULL) {
            break;
        }
        T_EXPECT_SOUND(source_left_over());
        limit += 512;
    }
    T_EXPECT(subject != NULL && limit > 512);
    T_EXPECT(acre_heap_alloc(subject, 1) == NULL);
    T_EXPECT_SOUND(heap_close());
}

static void destroy_of_nothing_is_nothing(void)
{
    acre_heap_destroy(NULL);
    heap_open();
    T_EXPECT_SOUND(heap_close());
}

static void destroy_frees_every_block_at_once(void)
{
    heap_open();
    for (unsigned i = 0; i < 1000; i++) {
        T_EXPECT(alloc_on(i % 4, i * 37) != NULL);
    }
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) != NULL);
    acre_heap_free(subject, acre_heap_alloc(subject, 2 * mib)); // a kept mapping, too
    T_EXPECT_SOUND(heap_close());
}

static void alloc_of_every_small_size_is_aligned_and_apart(void)
{
    heap_open();
    for (size_t size = 0; size <= 16400; size++) {
        blocks[size] = acre_heap_alloc(subject, size);
        T_EXPECT(blocks[size] != NULL && (uintptr_t)blocks[size] % 16 == 0);
        size_t bytes = acre_heap_usable_size(subject, blocks[size]);
        T_EXPECT(bytes >= size && bytes == acre_heap_good_size(size));
        block_fill(blocks[size], size, size);
    }
    T_EXPECT_SOUND(acre_heap_audit(subject));
    for (size_t size = 0; size <= 16400; size++) {
        T_EXPECT(block_holds(blocks[size], size, size));
        acre_heap_free_sized(subject, blocks[size], size);
    }
    T_EXPECT_SOUND(heap_close());
}

static void alloc_of_too_much_is_null(void)
{
    volatile size_t much = PTRDIFF_MAX; // hidden from the compiler, which would object
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, much) == NULL);
    T_EXPECT(acre_heap_alloc(subject, much + 1) == NULL);
    T_EXPECT(acre_heap_alloc(subject, much * 2 + 1) == NULL);
    T_EXPECT(acre_heap_calloc(subject, much, 3) == NULL);
    T_EXPECT(acre_heap_calloc(subject, much * 2 + 1, much * 2 + 1) == NULL);
    T_EXPECT(acre_heap_aligned(subject, much + 1, 1) == NULL);
    T_EXPECT(acre_heap_aligned(subject, 16, much + 1) == NULL);
    T_EXPECT(acre_heap_aligned(subject, much + 1, much + 1) == NULL);
    T_EXPECT(acre_heap_good_size(much + 1) == 0 && acre_heap_good_size(0) == 16);
    T_EXPECT_SOUND(heap_close());
}

static void calloc_is_zero_in_used_and_in_fresh_memory(void)
{
    heap_open();
    for (unsigned round = 0; round < 3; round++) {
        for (size_t size = 1; size < 2 * mib; size = size * 2 + 1) {
            unsigned char *block = acre_heap_calloc(subject, 1, size);
            T_EXPECT(block != NULL && block_is_zero(block, size));
            block_fill(block, size, 1);
            acre_heap_free(subject, block);
        }
        (void)acre_heap_trim(subject, round * mib);
    }
    T_EXPECT_SOUND(heap_close());
}

static void aligned_block_of_every_alignment_and_size(void)
{
    heap_open();
    for (size_t align = 1; align <= 4 * mib; align *= 2) {
        for (size_t size = 0; size < 2 * mib; size = size * 4 + 1) {
            void *block = acre_heap_aligned(subject, align, size);
            T_EXPECT(block != NULL && (uintptr_t)block % align == 0);
            T_EXPECT(acre_heap_usable_size(subject, block) >= size);
            block_fill(block, size, align);
            acre_heap_free_aligned_sized(subject, block, align, size);
        }
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    T_EXPECT(acre_heap_aligned(subject, 0, 10) == NULL);
    T_EXPECT(acre_heap_aligned(subject, 48, 10) == NULL);
    T_EXPECT_SOUND(heap_close());
}

static void null_is_freed_and_has_no_bytes(void)
{
    heap_open();
    acre_heap_free(subject, NULL);
    acre_heap_free_sized(subject, NULL, 100);
    acre_heap_free_aligned_sized(subject, NULL, 64, 100);
    T_EXPECT(acre_heap_usable_size(subject, NULL) == 0);
    T_EXPECT_SOUND(heap_close());
}

struct sized {
    void *block;
    size_t align;
    size_t size;
};

static void free_as_sized(void *context)
{
    const struct sized *sized = context;
    acre_heap_free_aligned_sized(subject, sized->block, sized->align, sized->size);
}

static void free_with_a_wrong_size_is_misuse(void)
{
    const size_t sizes[] = {1, 100, 1000, 16384, 20000, 500000, 2 * mib};
    for (unsigned i = 0; i < 7; i++) {
        for (unsigned k = 0; k < 7; k++) {
            heap_open();
            struct sized sized = {acre_heap_alloc(subject, sizes[i]), 16, sizes[k]};
            struct sim_end end = sim_catch(free_as_sized, &sized);
            T_EXPECT((end.how == SIM_RETURNED) == (i == k));
            T_EXPECT(i == k || (end.what[0] == 'w' && end.addr == sized.block));
            T_EXPECT(i == k || end.block_bytes == acre_heap_good_size(sizes[i]));
        }
    }
    heap_open();
    struct sized sized = {acre_heap_alloc(subject, 100), 48, 100};
    T_EXPECT(sim_catch(free_as_sized, &sized).how == SIM_FATAL); // no power of two
}

static void limit_refuses_and_recovers(void)
{
    const size_t sizes[] = {16, 1000, 16384, 20000, 300000, 2 * mib};
    for (unsigned i = 0; i < 6; i++) {
        heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 10 * mib}});
        size_t all = sizes[i] < 1000 ? 1000 : 20000;
        size_t count = alloc_many(blocks, all, sizes[i]);
        T_EXPECT(sizes[i] < 1000 || (count < all && count * sizes[i] > 7 * mib));
        T_EXPECT(subject->held_bytes <= 10 * mib);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        free_many(blocks, count);
        for (unsigned k = 0; k < 6; k++) { // any other size is served after that
            size_t again = alloc_many(blocks, 4, sizes[k]);
            T_EXPECT(again == 4);
            free_many(blocks, again);
        }
        T_EXPECT_SOUND(heap_close());
    }
}

/// The memory that is really committed is what the limit bounds, but for the map's unused part.
static void limit_bounds_what_the_source_gives(void)
{
    const size_t units[] = {256, 4096, 16384, 65536};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t state = t_seed(3);
        heap_open_at(&(struct site){.page_bytes = units[i], .options = {.limit_bytes = 8 * mib}});
        size_t slack = subject->reserved_self_bytes;
        for (unsigned k = 0; k < 2000; k++) {
            if (acre_heap_alloc(subject, random_below(&state, 40000)) == NULL) {
                break;
            }
        }
        T_EXPECT(sim.committed_bytes_peak <= 8 * mib + slack);
        T_EXPECT_SOUND(heap_close());
    }
}

static void every_limit_is_kept_and_ends(void)
{
    for (size_t limit = 65536; limit < 9 * mib; limit += 36864) {
        heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = limit}});
        size_t size = 16;
        while (subject != NULL && acre_heap_alloc(subject, size) != NULL) {
            size = size < 400000 ? size * 3 : 16;
            T_EXPECT(subject->held_bytes <= limit);
        }
        if (subject != NULL) {
            T_EXPECT_SOUND(heap_close());
        }
    }
}

static void new_slot_finds_room_that_free_memory_holds(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 6 * mib}});
    size_t count = alloc_many(blocks, 20000, 20000);
    while (acre_heap_aligned(subject, 8192, 4096) != NULL) { // to the last page
    }
    free_many(blocks, count);
    for (unsigned slot = 1; slot < 4; slot++) {
        T_EXPECT(alloc_on(slot, 100) != NULL);
    }
    T_EXPECT_SOUND(heap_close());
}

static void heaps_do_not_share_blocks(void)
{
    acre_heap *other = NULL;
    heap_open();
    T_EXPECT(acre_heap_create(&sim.pages, NULL, &other) == ACRE_OK);
    void *block = acre_heap_alloc(other, 100);
    struct sim_end end = sim_catch(free_in_heap, block);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'i');
    acre_heap_free(other, block);
    T_EXPECT_SOUND(acre_heap_audit(other));
    acre_heap_destroy(other);
    T_EXPECT_SOUND(heap_close());
}

static void slots_beyond_the_announced_ones_work(void)
{
    heap_open();
    for (unsigned slot = 0; slot < ACRE_PORT_SLOTS_MAX; slot += 3) {
        blocks[slot] = alloc_on(slot, 100);
        T_EXPECT(blocks[slot] != NULL);
    }
    for (unsigned slot = 0; slot < ACRE_PORT_SLOTS_MAX; slot += 3) {
        free_on((slot + 30) % ACRE_PORT_SLOTS_MAX, blocks[slot]);
    }
    T_EXPECT_SOUND(heap_close());
}

static void interior_and_outside_pointers_are_misuse(void)
{
    static char outside[64];
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 1000);
    unsigned char *run = acre_heap_alloc(subject, 50000);
    const void *const wrong[] = {
        block + 1,    block + 8,   block + 16, block + 1024, block + 60000,          run + 1,
        run + 4096,   run + 60000, outside,    (void *)1,    (void *)~(uintptr_t)15, subject,
        slab_at(run), &outside[1]};
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        acre_sim.self->locks_held = 0;
        struct sim_end end = sim_catch(free_in_heap, (void *)(uintptr_t)wrong[i]);
        if (wrong[i] == block + 1024) { // carved, and free
            T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'd');
            continue;
        }
        T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'i' && end.addr == wrong[i]);
    }
}

T_MAIN(
    T_CASE(create_refuses_bad_arguments_and_takes_nothing), T_CASE(create_takes_every_page_size),
    T_CASE(create_at_a_limit_too_small_for_itself_fails), T_CASE(destroy_of_nothing_is_nothing),
    T_CASE(destroy_frees_every_block_at_once),
    T_CASE(alloc_of_every_small_size_is_aligned_and_apart), T_CASE(alloc_of_too_much_is_null),
    T_CASE(calloc_is_zero_in_used_and_in_fresh_memory),
    T_CASE(aligned_block_of_every_alignment_and_size), T_CASE(null_is_freed_and_has_no_bytes),
    T_CASE(free_with_a_wrong_size_is_misuse), T_CASE(limit_refuses_and_recovers),
    T_CASE(limit_bounds_what_the_source_gives), T_CASE(every_limit_is_kept_and_ends),
    T_CASE(new_slot_finds_room_that_free_memory_holds), T_CASE(heaps_do_not_share_blocks),
    T_CASE(slots_beyond_the_announced_ones_work), T_CASE(interior_and_outside_pointers_are_misuse))
