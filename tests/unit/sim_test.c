// sim_test.c - the simulator itself: it must keep the contract of acre/pages.h, and find whoever does
// not.
// SPDX-License-Identifier: MIT
#include "unit/fixture.h"

enum { UNIT = 4096 };

static acre_pages *pages;
static char *range;
static acre_port_lock lock;

static void start(void)
{
    sim_reset();
    pages_sim_init(&sim, UNIT, true);
    pages = &sim.pages;
    lock = (acre_port_lock){NULL};
    range = pages->reserve(pages, (size_t)8 * UNIT, UNIT);
}

static void source_reserves_aligned_and_apart(void)
{
    start();
    char *other = pages->reserve(pages, UNIT, (size_t)1 << 22);
    T_EXPECT(range != NULL && other != NULL && (uintptr_t)other % ((size_t)1 << 22) == 0);
    T_EXPECT(other >= range + 8 * UNIT || other + UNIT <= range);
    T_EXPECT(sim.ranges_live == 2 && sim.reserved_bytes == 9 * UNIT && sim.committed_bytes == 0);
    T_EXPECT(pages->release(pages, other, UNIT) == ACRE_OK);
    T_EXPECT(pages->release(pages, range, (size_t)8 * UNIT) == ACRE_OK && sim.ranges_live == 0);
}

static void source_commits_zeros_again_and_again(void)
{
    start();
    for (unsigned i = 0; i < 3; i++) {
        T_EXPECT(pages->commit(pages, range + UNIT, (size_t)2 * UNIT) == ACRE_OK);
        T_EXPECT(
            pages_sim_is_committed(&sim, range + UNIT) && !pages_sim_is_committed(&sim, range));
        T_EXPECT(block_is_zero(range + UNIT, (size_t)2 * UNIT));
        block_fill(range + UNIT, (size_t)2 * UNIT, i);
        T_EXPECT(pages->commit(pages, range, (size_t)4 * UNIT) == ACRE_OK); // keeps what is there
        T_EXPECT(block_holds(range + UNIT, (size_t)2 * UNIT, i) && block_is_zero(range, UNIT));
        T_EXPECT(sim.committed_bytes == 4 * UNIT);
        T_EXPECT(pages->decommit(pages, range, (size_t)4 * UNIT) == ACRE_OK);
        T_EXPECT(sim.committed_bytes == 0 && sim.committed_bytes_peak == 4 * UNIT);
    }
}

static void source_resizes_in_place_or_moves(void)
{
    start();
    T_EXPECT(pages->commit(pages, range, (size_t)8 * UNIT) == ACRE_OK);
    block_fill(range, (size_t)8 * UNIT, 1);
    char *behind = pages->reserve(pages, UNIT, UNIT);
    T_EXPECT(behind == range + 8 * UNIT);
    T_EXPECT(pages->remap(pages, range, 8 * UNIT, 9 * UNIT, false) == NULL);
    T_EXPECT(pages->remap(pages, range, 8 * UNIT, 4 * UNIT, false) == range);
    T_EXPECT(pages->remap(pages, range, 4 * UNIT, 8 * UNIT, false) == range);
    T_EXPECT(block_holds(range, 4 * UNIT, 1) && block_is_zero(range + 4 * UNIT, 4 * UNIT));
    char *moved = pages->remap(pages, range, 8 * UNIT, 20 * UNIT, true);
    T_EXPECT(moved != NULL && moved != range && block_holds(moved, 4 * UNIT, 1));
    T_EXPECT(sim.ranges_live == 2 && sim.committed_bytes == 20 * UNIT);
    T_EXPECT(!pages_sim_is_committed(&sim, range));
}

static void source_moves_parts_of_ranges(void)
{
    start();
    char *other = pages->reserve(pages, (size_t)8 * UNIT, UNIT);
    T_EXPECT(pages->commit(pages, range, (size_t)8 * UNIT) == ACRE_OK);
    T_EXPECT(pages->commit(pages, other, (size_t)8 * UNIT) == ACRE_OK);
    block_fill(other, (size_t)8 * UNIT, 1);
    block_fill(range, (size_t)8 * UNIT, 2);
    T_EXPECT(pages->move(pages, other, (size_t)2 * UNIT, range + 3 * UNIT) == ACRE_OK);
    T_EXPECT(block_holds(range + 3 * UNIT, (size_t)2 * UNIT, 1));
    T_EXPECT(block_holds(range, (size_t)3 * UNIT, 2) && !pages_sim_is_committed(&sim, other));
    T_EXPECT(sim.ranges_live == 4 && sim.committed_bytes == 14 * UNIT);
    T_EXPECT(sim.reserved_bytes == 14 * UNIT);
    T_EXPECT(pages->remap(pages, range + 3 * UNIT, 2 * UNIT, UNIT, false) == range + 3 * UNIT);
    T_EXPECT(pages->release(pages, range, (size_t)3 * UNIT) == ACRE_OK);
    T_EXPECT(pages->release(pages, range + 3 * UNIT, UNIT) == ACRE_OK);
    T_EXPECT(pages->release(pages, range + 5 * UNIT, (size_t)3 * UNIT) == ACRE_OK);
    T_EXPECT(pages->release(pages, other + 3 * UNIT, (size_t)2 * UNIT) == ACRE_OK); // of a range
    T_EXPECT(pages->release(pages, other + 2 * UNIT, UNIT) == ACRE_OK);
    T_EXPECT(pages->release(pages, other + 5 * UNIT, (size_t)3 * UNIT) == ACRE_OK);
    T_EXPECT(sim.ranges_live == 0 && sim.committed_bytes == 0 && sim.reserved_bytes == 0);
}

static void failed_move_loses_its_target(void)
{
    for (unsigned hole = 0; hole < 2; hole++) {
        start();
        T_EXPECT(pages->commit(pages, range, (size_t)8 * UNIT) == ACRE_OK);
        block_fill(range, (size_t)8 * UNIT, 1);
        sim.move_leaves_hole = hole != 0;
        sim.fail_at[SIM_MOVE] = 1;
        T_EXPECT(pages->move(pages, range, (size_t)2 * UNIT, range + 4 * UNIT) != ACRE_OK);
        T_EXPECT(block_holds(range, (size_t)2 * UNIT, 1) && sim.committed_bytes == 6 * UNIT);
        T_EXPECT(sim.reserved_bytes == 6 * UNIT && sim.ranges_live == 2);
        char *next = pages->reserve(pages, (size_t)2 * UNIT, UNIT);
        T_EXPECT((next == range + 4 * UNIT) == (hole != 0)); // anybody's
    }
}

static void refused_call_leaves_one_range(void)
{
    start();
    T_EXPECT(pages->commit(pages, range, (size_t)8 * UNIT) == ACRE_OK);
    sim.fail_at[SIM_RELEASE] = 1;
    T_EXPECT(pages->release(pages, range + 2 * UNIT, UNIT) != ACRE_OK && sim.ranges_live == 1);
    T_EXPECT(pages->remap(pages, range, (size_t)3 * UNIT, (size_t)4 * UNIT, false) == NULL);
    T_EXPECT(sim.ranges_live == 1);
    T_EXPECT(pages->release(pages, range + 5 * UNIT, (size_t)3 * UNIT) == ACRE_OK);
    T_EXPECT(pages->release(pages, range, (size_t)5 * UNIT) == ACRE_OK && sim.ranges_live == 0);
}

static void source_fails_on_demand_and_changes_nothing(void)
{
    start();
    T_EXPECT(pages->commit(pages, range, UNIT) == ACRE_OK);
    for (unsigned on = 0; on < 2; on++) {
        pages_sim_heal(&sim);
        for (unsigned i = 0; i < SIM_CALLS; i++) {
            sim.fail_at[i] = 1;
        }
        sim.fail_on = on != 0;
        T_EXPECT(pages->reserve(pages, UNIT, UNIT) == NULL);
        T_EXPECT(pages->commit(pages, range + UNIT, UNIT) == ACRE_NO_MEMORY);
        T_EXPECT(pages->decommit(pages, range, UNIT) != ACRE_OK);
        T_EXPECT(pages->release(pages, range, (size_t)8 * UNIT) != ACRE_OK);
        T_EXPECT(sim.failed == 4 && sim.ranges_live == 1 && sim.committed_bytes == UNIT);
        T_EXPECT((pages->commit(pages, range, UNIT) == ACRE_OK) == (on == 0));
    }
    pages_sim_heal(&sim);
    sim.fail_all_at = 2;
    T_EXPECT(pages->commit(pages, range, UNIT) == ACRE_OK);
    T_EXPECT(pages->decommit(pages, range, UNIT) != ACRE_OK);
    T_EXPECT(pages->decommit(pages, range, UNIT) == ACRE_OK);
}

static void source_keeps_within_its_bounds(void)
{
    start();
    sim.memory_bytes_max = 3 * UNIT;
    T_EXPECT(pages->commit(pages, range, (size_t)4 * UNIT) == ACRE_NO_MEMORY);
    T_EXPECT(pages->commit(pages, range, (size_t)3 * UNIT) == ACRE_OK);
    sim.addr_bytes_max = 9 * UNIT;
    T_EXPECT(pages->reserve(pages, (size_t)2 * UNIT, UNIT) == NULL);
    T_EXPECT(pages->reserve(pages, UNIT, UNIT) != NULL);
}

// ---- those who break the contract ----------------------------------------------------------------

static void commit_unreserved(void *unused)
{
    (void)unused;
    (void)pages->commit(pages, range + 4 * UNIT, (size_t)8 * UNIT);
}

static void commit_half_a_page(void *unused)
{
    (void)unused;
    (void)pages->commit(pages, range, UNIT / 2);
}

static void release_a_part(void *unused)
{
    (void)unused;
    pages->move = NULL; // with it, a part is a range
    (void)pages->release(pages, range, UNIT);
}

static void release_twice(void *unused)
{
    (void)unused;
    (void)pages->release(pages, range, (size_t)8 * UNIT);
    (void)pages->release(pages, range, (size_t)8 * UNIT);
}

static void remap_what_is_not_committed(void *unused)
{
    (void)unused;
    (void)pages->remap(pages, range, (size_t)8 * UNIT, (size_t)9 * UNIT, true);
}

static void move_onto_itself(void *unused)
{
    (void)unused;
    (void)pages->commit(pages, range, (size_t)8 * UNIT);
    (void)pages->move(pages, range, (size_t)2 * UNIT, range + UNIT);
}

static void move_what_is_not_committed(void *unused)
{
    (void)unused;
    (void)pages->commit(pages, range, (size_t)4 * UNIT);
    (void)pages->move(pages, range + 4 * UNIT, UNIT, range);
}

static void move_over_what_is_not_committed(void *unused)
{
    (void)unused;
    (void)pages->commit(pages, range, (size_t)4 * UNIT);
    (void)pages->move(pages, range, UNIT, range + 4 * UNIT);
}

static void move_two_ranges_as_one(void *unused)
{
    (void)unused;
    char *other = pages->reserve(pages, (size_t)8 * UNIT, UNIT);
    (void)pages->commit(pages, range, (size_t)8 * UNIT);
    (void)pages->commit(pages, other, (size_t)8 * UNIT);
    (void)pages->move(pages, range, UNIT, range + 2 * UNIT); // three ranges from then on
    (void)pages->move(pages, range + UNIT, (size_t)2 * UNIT, other);
}

static void release_what_is_lost(void *hole)
{
    (void)pages->commit(pages, range, (size_t)8 * UNIT);
    sim.move_leaves_hole = hole != NULL;
    sim.fail_at[SIM_MOVE] = 1;
    (void)pages->move(pages, range, UNIT, range + 4 * UNIT);
    (void)pages->release(pages, range + 4 * UNIT, UNIT);
}

static void reserve_under_a_lock(void *unused)
{
    (void)unused;
    acre_port_lock_take(&lock);
    (void)pages->reserve(pages, UNIT, UNIT);
}

static void reserve_badly_aligned(void *unused)
{
    (void)unused;
    (void)pages->reserve(pages, UNIT, 3 * UNIT);
}

static void ask_without_end(void *unused)
{
    (void)unused;
    while (pages->commit(pages, range, UNIT) == ACRE_OK) {
    }
}

static void take_a_lock_twice(void *unused)
{
    (void)unused;
    acre_port_lock_take(&lock);
    acre_port_lock_take(&lock);
}

static void drop_an_open_lock(void *unused)
{
    (void)unused;
    acre_port_lock_drop(&lock);
}

static void wait_for_a_lock_that_nobody_drops(void *unused)
{
    static struct sim_thread other;
    (void)unused;
    lock.owner = &other;
    acre_port_lock_take(&lock);
}

static void unclaim_what_is_not_claimed(void *unused)
{
    (void)unused;
    acre_port_slot_unclaim(1);
}

static void whoever_breaks_a_contract_is_found(void)
{
    void (*const acts[])(void *) = {
        commit_unreserved,
        commit_half_a_page,
        release_a_part,
        release_twice,
        remap_what_is_not_committed,
        move_onto_itself,
        move_what_is_not_committed,
        move_over_what_is_not_committed,
        move_two_ranges_as_one,
        release_what_is_lost,
        reserve_under_a_lock,
        reserve_badly_aligned,
        ask_without_end,
        take_a_lock_twice,
        drop_an_open_lock,
        wait_for_a_lock_that_nobody_drops,
        unclaim_what_is_not_claimed,
    };
    for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        start();
        T_EXPECT(sim_catch(acts[i], NULL).how == SIM_HALTED);
    }
    start();
    T_EXPECT(sim_catch(release_what_is_lost, &sim).how == SIM_HALTED);
}

static void claims_are_answered_as_set(void)
{
    start();
    T_EXPECT(acre_port_slot_claim(0) == ACRE_CLAIM_NO); // where the caller is
    T_EXPECT(acre_port_slot_claim(1) == ACRE_CLAIM_SHARED);
    acre_sim.claims[1] = ACRE_CLAIM_EXCLUSIVE;
    T_EXPECT(acre_port_slot_claim(1) == ACRE_CLAIM_EXCLUSIVE && acre_sim.claimed[1]);
    T_EXPECT(acre_port_slot_claim(1) == ACRE_CLAIM_NO); // somebody has it
    acre_port_slot_unclaim(1);
    T_EXPECT(!acre_sim.claimed[1] && acre_port_barrier() && acre_sim.barriers == 1);
    acre_sim.barrier_fails = true;
    T_EXPECT(!acre_port_barrier());
}

T_MAIN(
    T_CASE(source_reserves_aligned_and_apart), T_CASE(source_commits_zeros_again_and_again),
    T_CASE(source_resizes_in_place_or_moves), T_CASE(source_fails_on_demand_and_changes_nothing),
    T_CASE(source_moves_parts_of_ranges), T_CASE(failed_move_loses_its_target),
    T_CASE(refused_call_leaves_one_range), T_CASE(source_keeps_within_its_bounds),
    T_CASE(whoever_breaks_a_contract_is_found), T_CASE(claims_are_answered_as_set))
