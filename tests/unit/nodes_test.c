// nodes_test.c - choosing among pools by distance, and counting who shares a frame.
// SPDX-License-Identifier: MIT
#include "frames_pool.h"
#include "t.h"

static const uint64_t GIB = (uint64_t)1 << 30;

static void the_nearest_node_that_has_memory_serves(void)
{
    // Node 0 has memory on both sides of node 1.
    acre_frames *pools[3] = {
        pool_make(8 * GIB, 16 * GIB, 1, false),
        pool_make_given(10 * GIB, 10 * GIB + TREE_BYTES, 1, false),
        pool_make_given(20 * GIB, 20 * GIB + TREE_BYTES, 1, false),
    };
    T_EXPECT(acre_frames_give(pools[0], (acre_frame){8 * GIB >> 12}, 4096) == ACRE_OK);
    T_EXPECT(acre_frames_give(pools[0], (acre_frame){12 * GIB >> 12}, 4096) == ACRE_OK);
    static const uint8_t distances[] = {10, 30, 20, 30, 10, 15, 20, 15, 10};
    acre_nodes nodes;
    T_EXPECT(acre_nodes_init(&nodes, pools, 0, distances) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_nodes_init(&nodes, pools, ACRE_NODES_MAX + 1, NULL) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_nodes_init(&nodes, pools, 3, distances) == ACRE_OK);
    static const uint8_t near[3][3] = {{0, 2, 1}, {1, 2, 0}, {2, 1, 0}};
    for (unsigned i = 0; i < 9; i++) {
        T_EXPECT(nodes.near[i / 3][i % 3] == near[i / 3][i % 3]);
    }
    static const unsigned expected[] = {1, 2, 0, 0, 3};
    acre_frame blocks[5];
    for (unsigned i = 0; i < 5; i++) {
        blocks[i] = acre_nodes_alloc(&nodes, 1, 0, 12, (acre_phys){0});
        T_EXPECT(acre_nodes_find(&nodes, blocks[i]) == expected[i]);
    }
    T_EXPECT(acre_frame_is_none(blocks[4]));
    T_EXPECT(acre_nodes_free(&nodes, 0, (acre_frame){9 * GIB >> 12}, 0) == ACRE_BAD_ARGUMENT);
    for (unsigned i = 0; i < 4; i++) {
        T_EXPECT(acre_nodes_free(&nodes, 0, blocks[i], 12) == ACRE_OK);
    }
    acre_frame low = acre_nodes_alloc(&nodes, 2, 0, 0, (acre_phys){9 * GIB});
    T_EXPECT(acre_nodes_find(&nodes, low) == 0);
    T_EXPECT(acre_frame_is_none(acre_nodes_alloc(&nodes, 3, 0, 0, (acre_phys){0})));
    // Without distances each turns to the next one first, so that not all turn to the same.
    T_EXPECT(acre_nodes_init(&nodes, pools, 3, NULL) == ACRE_OK);
    T_EXPECT(nodes.near[0][1] == 1 && nodes.near[1][1] == 2 && nodes.near[2][1] == 0);
    for (unsigned i = 0; i < 3; i++) {
        pool_end(pools[i]);
    }
}

static void shares_are_counted_for_each_frame_alone(void)
{
    static uint64_t words[8];
    acre_shares shares;
    T_EXPECT(acre_shares_bytes(30) == sizeof(words));
    acre_shares_init(&shares, words, (acre_frame){100}, 30);
    acre_frame frame = {105};
    T_EXPECT(acre_shares_get(&shares, frame) == 0);
    T_EXPECT(acre_shares_add(&shares, frame) && acre_shares_add(&shares, frame));
    T_EXPECT(acre_shares_get(&shares, frame) == 2);
    T_EXPECT(acre_shares_get(&shares, (acre_frame){104}) == 0);
    T_EXPECT(acre_shares_get(&shares, (acre_frame){106}) == 0);
    T_EXPECT(acre_shares_drop(&shares, frame) == ACRE_SHARE_OTHERS);
    T_EXPECT(acre_shares_drop(&shares, frame) == ACRE_SHARE_OTHERS);
    T_EXPECT(acre_shares_drop(&shares, frame) == ACRE_SHARE_LAST);
    T_EXPECT(acre_shares_drop(&shares, frame) == ACRE_SHARE_LAST); // there is always a first owner
    T_EXPECT(!acre_shares_add(&shares, (acre_frame){130}));
    T_EXPECT(acre_shares_drop(&shares, (acre_frame){99}) == ACRE_SHARE_STICKY);
}

static void a_count_at_its_end_stays_there(void)
{
    static uint64_t words[1];
    acre_shares shares;
    acre_shares_init(&shares, words, (acre_frame){0}, 4);
    for (unsigned i = 0; i < ACRE_SHARES_MAX; i++) {
        T_EXPECT(acre_shares_add(&shares, (acre_frame){2}));
    }
    T_EXPECT(!acre_shares_add(&shares, (acre_frame){2}));
    T_EXPECT(acre_shares_drop(&shares, (acre_frame){2}) == ACRE_SHARE_STICKY);
    T_EXPECT(acre_shares_get(&shares, (acre_frame){2}) == ACRE_SHARES_MAX);
    T_EXPECT(words[0] == (uint64_t)ACRE_SHARES_MAX << 32); // the neighbours are as they were
}

T_MAIN(
    T_CASE(the_nearest_node_that_has_memory_serves),
    T_CASE(shares_are_counted_for_each_frame_alone), T_CASE(a_count_at_its_end_stays_there))
