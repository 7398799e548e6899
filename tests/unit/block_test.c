// block_test.c - what heap/block.h promises: a free block's link is written twice, and both are checked.
// SPDX-License-Identifier: MIT
#include "heap/block.h"

#include "unit/fixture.h"

static acre_block some[3];

static void block_that_is_linked_looks_free(void)
{
    heap_open();
    block_link(subject, &some[0], &some[1]);
    block_link(subject, &some[1], NULL);
    T_EXPECT(block_looks_free(subject, &some[0]) && block_may_be_free(&some[0]));
    T_EXPECT(block_looks_free(subject, &some[1]) && block_may_be_free(&some[1]));
    T_EXPECT_SOUND(heap_close());
}

static void block_that_is_revived_is_live(void)
{
    heap_open();
    block_link(subject, &some[0], &some[1]);
    T_EXPECT(block_revive(subject, &some[0], &some[1]) && some[0].tag == 0);
    T_EXPECT(!block_looks_free(subject, &some[0]) && !block_may_be_free(&some[0]));
    T_EXPECT_SOUND(heap_close());
}

static void every_bit_that_is_spoiled_is_seen(void)
{
    heap_open();
    for (unsigned i = 0; i < (unsigned)WORD_BITS; i++) {
        block_link(subject, &some[0], &some[1]);
        some[0].tag ^= (uintptr_t)1 << i;
        T_EXPECT(!block_looks_free(subject, &some[0]));
        T_EXPECT(!block_revive(subject, &some[0], some[0].next));
        block_link(subject, &some[0], &some[1]);
        some[0].next = (acre_block *)((uintptr_t)some[0].next ^ (uintptr_t)1 << i);
        T_EXPECT(!block_looks_free(subject, &some[0]));
        T_EXPECT(!block_revive(subject, &some[0], some[0].next));
    }
    T_EXPECT_SOUND(heap_close());
}

static void usual_contents_do_not_look_free(void)
{
    heap_open();
    const uintptr_t words[] = {0, 1, ~(uintptr_t)0, (uintptr_t)&some[0], 0x3ff0, 0x61626364};
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 6; k++) {
            some[0] = (acre_block){.next = (acre_block *)words[i], .tag = words[k]};
            T_EXPECT(!block_may_be_free(&some[0]));
        }
    }
    T_EXPECT_SOUND(heap_close());
}

static void keys_differ_between_heaps_and_have_their_top_byte(void)
{
    acre_heap *other = NULL;
    heap_open();
    T_EXPECT(acre_heap_create(&sim.pages, NULL, &other) == ACRE_OK);
    T_EXPECT(subject->key != other->key);
    T_EXPECT(subject->key >> (WORD_BITS - 8) == KEY_TOP_BYTE);
    T_EXPECT(other->key >> (WORD_BITS - 8) == KEY_TOP_BYTE);
    acre_heap_destroy(other);
    T_EXPECT_SOUND(heap_close());
}

static acre_block *counted;

static void count_blocks(void *unused)
{
    acre_block *last;
    (void)unused;
    (void)block_count(subject, counted, &last);
}

static void count_is_exact_and_ends_at_a_broken_link(void)
{
    acre_block *last = NULL;
    heap_open();
    acre_block *list = acre_heap_alloc(subject, 64);
    counted = (acre_block *)(void *)((char *)list + 64); // 63 more wait in the bin
    T_EXPECT(block_count(subject, counted, &last) == 63);
    T_EXPECT((char *)last == (char *)list + 63 * 64);
    T_EXPECT(block_count(subject, NULL, &last) == 0);
    counted->next->tag ^= 4;
    struct sim_end end = sim_catch(count_blocks, NULL);
    T_EXPECT(end.how == SIM_FATAL && end.addr == counted->next && end.block_bytes == 64);
    block_link(subject, counted, counted); // a circle
    T_EXPECT(sim_catch(count_blocks, NULL).how == SIM_FATAL);
}

T_MAIN(
    T_CASE(block_that_is_linked_looks_free), T_CASE(block_that_is_revived_is_live),
    T_CASE(every_bit_that_is_spoiled_is_seen), T_CASE(usual_contents_do_not_look_free),
    T_CASE(keys_differ_between_heaps_and_have_their_top_byte),
    T_CASE(count_is_exact_and_ends_at_a_broken_link))
