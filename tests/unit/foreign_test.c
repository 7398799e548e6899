// foreign_test.c - blocks freed by threads that are not on their slab's slot.
// SPDX-License-Identifier: MIT
#include "heap/foreign.h"

#include "heap/slab.h"
#include "unit/fixture.h"

enum { FEW_BYTES = 4096, FEW = 16, MANY_BYTES = 16, MANY = 4096, MANY_WAKE = 170 };

static void *blocks[2 * MANY];

static void foreign_free_waits_in_its_slab(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 10, 100) == 10);
    struct slab *slab = slab_at(blocks[0]);
    free_on(1, blocks[4]);
    T_EXPECT(foreign_count(slab) == 1 && slab_hot_count(slab) == 0 && slab->hot.head == NULL);
    free_on(2, blocks[5]);
    T_EXPECT(foreign_count(slab) == 2);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_block *list = foreign_take(slab);
    T_EXPECT((void *)list == blocks[5] && (void *)list->next == blocks[4]);
    T_EXPECT(list->next->next == NULL && foreign_count(slab) == 0 && foreign_take(slab) == NULL);
    T_EXPECT(foreign_splice(subject, slab, list, list->next, 2) == 0);
    T_EXPECT(foreign_count(slab) == 2);
    T_EXPECT_SOUND(heap_close());
}

static void foreign_list_begins_with_any_block(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, MANY, MANY_BYTES) == MANY);
    struct slab *slab = slab_at(blocks[0]);
    for (unsigned i = 0; i < MANY; i += 1 + i / 5) { // the first and the last block, too
        free_on(1, blocks[i]);
        T_EXPECT(foreign_count(slab) == 1);
        T_EXPECT((void *)foreign_take(slab) == blocks[i]);
        T_EXPECT(acre_heap_alloc(subject, MANY_BYTES) != blocks[i]); // ours alone now
    }
    free_on(1, blocks[MANY - 1]);
    T_EXPECT(foreign_count(slab) == 1 && (void *)foreign_take(slab) == blocks[MANY - 1]);
    acre_heap_destroy(subject);
}

static void foreign_free_tries_again_when_it_is_not_alone(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 10, 100) == 10);
    acre_sim.cas_fail_at = acre_sim.cas_count + 1;
    uint32_t cas_count = acre_sim.cas_count;
    free_on(1, blocks[0]);
    T_EXPECT(acre_sim.cas_count == cas_count + 2);
    T_EXPECT(foreign_count(slab_at(blocks[0])) == 1);
    T_EXPECT_SOUND(heap_close());
}

static void foreign_blocks_are_used_before_new_ones_are_carved(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 3, FEW_BYTES) == 3);
    free_on(1, blocks[0]);
    free_on(1, blocks[2]);
    T_EXPECT(acre_heap_alloc(subject, FEW_BYTES) == blocks[2]);
    T_EXPECT(acre_heap_alloc(subject, FEW_BYTES) == blocks[0]);
    T_EXPECT_SOUND(heap_close());
}

static void foreign_frees_wake_a_sleeping_slab(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, MANY + 1, MANY_BYTES) == MANY + 1);
    struct slab *slab = slab_at(blocks[0]);
    for (unsigned i = 0; i < MANY_WAKE; i++) {
        T_EXPECT(slab->state == SLAB_ASLEEP);
        free_on(1 + i % 3, blocks[i]);
    }
    T_EXPECT(slab->state == SLAB_AWAKE);
    T_EXPECT_SOUND(heap_close());
}

static void frees_from_here_and_there_wake_a_slab_together_or_alone(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, MANY + 1, MANY_BYTES) == MANY + 1);
    struct slab *slab = slab_at(blocks[0]);
    for (unsigned i = 0; i < 2 * MANY_WAKE; i++) {
        free_on(i % 2, blocks[i]);
    }
    T_EXPECT(slab->state == SLAB_AWAKE);
    T_EXPECT_SOUND(heap_close());
}

static void slab_drained_by_others_is_found_when_a_slab_is_wanted(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, FEW + 1, FEW_BYTES) == FEW + 1);
    struct slab *slab = slab_at(blocks[0]);
    for (unsigned i = 0; i < FEW; i++) {
        free_on(1, blocks[i]);
    }
    T_EXPECT(slab->state == SLAB_AWAKE && slab->drained);
    T_EXPECT(slot_of(subject, 0)->drained_count == 1);
    pages_sim_heal(&sim);
    T_EXPECT(slab_at(acre_heap_alloc(subject, 2000)) == slab); // another class
    T_EXPECT(sim.calls_all == 0 && slot_of(subject, 0)->drained_count == 0);
    T_EXPECT_SOUND(heap_close());
}

static void slab_drained_by_its_owner_and_others_becomes_empty(void)
{
    for (unsigned last_is_foreign = 0; last_is_foreign < 2; last_is_foreign++) {
        heap_open();
        T_EXPECT(alloc_many(blocks, FEW + 1, FEW_BYTES) == FEW + 1);
        struct slab *slab = slab_at(blocks[0]);
        for (unsigned i = 0; i < FEW; i++) {
            free_on((i + last_is_foreign) % 2 == 0 ? 1 : 0, blocks[i]);
        }
        T_EXPECT_SOUND(acre_heap_audit(subject));
        T_EXPECT(slab->state == SLAB_EMPTY || slab->drained || slab->state == SLAB_AWAKE);
        size_t again = 0;
        for (unsigned i = 0; i < 2 * FEW; i++) {
            again += slab_at(acre_heap_alloc(subject, FEW_BYTES)) == slab ? 1 : 0;
        }
        T_EXPECT(again == FEW);
        T_EXPECT_SOUND(heap_close());
    }
}

static void freed_foreign_is_a_double_free_there_and_here(void)
{
    for (unsigned slot = 0; slot < 3; slot++) {
        heap_open();
        T_EXPECT(alloc_many(blocks, 3, 100) == 3);
        free_on(1, blocks[1]);
        sim_move(slot);
        struct sim_end end = sim_catch(free_in_heap, blocks[1]);
        T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'd' && end.addr == blocks[1]);
        T_EXPECT(end.block_bytes == 112);
    }
}

static void owner_of_a_slab_in_transit_is_nobody(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 3, 100) == 3);
    struct slab *slab = slab_at(blocks[0]);
    struct slot *slot = slab_lock_owner(subject, slab);
    T_EXPECT(slot == slot_of(subject, 0));
    acre_port_lock_drop(&slot->lock);
    owner_set(slab, ACRE_SLOT_NONE);
    T_EXPECT(slab_lock_owner(subject, slab) == NULL);
    acre_heap_free(subject, blocks[2]); // goes to the foreign list, wherever the caller is
    T_EXPECT(foreign_count(slab) == 1);
    owner_set(slab, 0);
    T_EXPECT_SOUND(heap_close());
}

/// What others do between a foreign free and the look at its slab's owner, once.
static struct {
    void **blocks; // of the slab
    struct slab *slab;
    struct slab *huge; // a block of somebody's, of which this part looks like a slab
    size_t huge_bytes;
    bool done;
} late;

/// The rest of the slab is freed and its segment given back, header and all; a huge block takes its place.
static void give_up_the_slab(void)
{
    if (late.done ||
        (uint32_t)late.slab->foreign >> 16 != 1) { // foreign_count would be a step, too
        return;
    }
    late.done = true;
    void (*step)(void) = acre_sim_step;
    acre_sim_step = NULL;
    const unsigned back = sim_slot();
    sim_move(0);
    free_many(late.blocks + 1, FEW - 1);
    (void)acre_heap_trim(subject, 0);
    sim.addr_bytes_max = sim.reserved_bytes;
    char *huge = acre_heap_alloc(subject, late.huge_bytes);
    T_EXPECT(huge != NULL);
    if (huge == (char *)segment_of(late.slab)) {
        late.huge = late.slab;
        *late.huge = (struct slab){.state = SLAB_ASLEEP};
    }
    sim_move(back);
    acre_sim_step = step;
}

/// A free from another slot; between its push and its look at the slab, all of it is given up.
static void free_late(bool can_remap)
{
    heap_open_at(&(struct site){.page_bytes = PAGE_BYTES, .no_remap = !can_remap});
    late.done = false;
    // What fits once all but the header is given up, or only when the header is, too.
    late.huge_bytes = can_remap ? SEGMENT_BYTES / 2 : SEGMENT_BYTES;
    late.huge = NULL;
    // A slab that lies alone in a second segment, full; the active slab is one of the first segment.
    size_t count = 0;
    do {
        T_EXPECT(alloc_many(blocks + count, FEW, FEW_BYTES) == FEW);
        count += FEW;
    } while (segment_of(slab_at(blocks[count - 1])) == segment_of(slab_at(blocks[0])));
    late.blocks = blocks + count - FEW;
    late.slab = slab_at(late.blocks[0]);
    free_many(blocks, FEW);
    T_EXPECT(alloc_many(blocks, 1, FEW_BYTES) == 1);
    T_EXPECT(late.slab->state == SLAB_ASLEEP && slab_at(blocks[0]) != late.slab);
    acre_sim_step = give_up_the_slab;
    free_on(1, late.blocks[0]);
    acre_sim_step = NULL;
    T_EXPECT(late.done);
    T_EXPECT((late.huge != NULL) == !can_remap);
}

static void slab_whose_header_was_given_up_is_let_be(void)
{
    free_late(false);
    T_EXPECT(late.huge->state == SLAB_ASLEEP && late.huge->link.next == NULL);
    T_EXPECT_SOUND(heap_close());
}

static void header_stays_readable_where_a_range_can_shrink(void)
{
    free_late(true);
    T_EXPECT(
        pages_sim_is_committed(&sim, late.slab) && owner_slot(late.slab->owner) == ACRE_SLOT_NONE);
    T_EXPECT(!pages_sim_is_committed(&sim, (char *)segment_of(late.slab) + SEGMENT_BYTES / 2));
    T_EXPECT(subject->headers_given_up == 0);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(foreign_free_waits_in_its_slab), T_CASE(foreign_list_begins_with_any_block),
    T_CASE(foreign_free_tries_again_when_it_is_not_alone),
    T_CASE(foreign_blocks_are_used_before_new_ones_are_carved),
    T_CASE(foreign_frees_wake_a_sleeping_slab),
    T_CASE(frees_from_here_and_there_wake_a_slab_together_or_alone),
    T_CASE(slab_drained_by_others_is_found_when_a_slab_is_wanted),
    T_CASE(slab_drained_by_its_owner_and_others_becomes_empty),
    T_CASE(freed_foreign_is_a_double_free_there_and_here),
    T_CASE(owner_of_a_slab_in_transit_is_nobody), T_CASE(slab_whose_header_was_given_up_is_let_be),
    T_CASE(header_stays_readable_where_a_range_can_shrink))
