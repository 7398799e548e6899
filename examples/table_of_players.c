// table_of_players.c - objects of a game that refer to each other by ids: who is gone is noticed, and what
// a crowd needed is given back when it has left.
//
//     cc table_of_players.c -lacre_pools -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "acre/acre.h"
#include "acre/port/linux.h"

struct player;

// player_table, player_id; player_open, player_add, player_at, player_remove.
struct player {
    acre_id target; // another player, who may have left meanwhile
    unsigned hits;
    char rest[240];
};
ACRE_TABLE_DEFINE(player, struct player)

enum { PLAYERS_MAX = 100000, CROWD = 20000 };

int main(void)
{
    static player_id crowd[CROWD];
    player_table players;
    if (player_open(&players, acre_pages_mmap(), PLAYERS_MAX) != ACRE_OK) {
        return 1;
    }
    for (unsigned i = 0; i < CROWD; i++) {
        struct player *player = player_add(&players, &crowd[i]);
        if (player == NULL) {
            return 1;
        }
        player->target = i == 0 ? 0 : crowd[i / 3].value;
    }
    acre_table_stats full;
    acre_table_get_stats(&players.table, &full);

    // All but every hundredth leave. Those who stay aim at players of whom most are gone.
    for (unsigned i = 0; i < CROWD; i++) {
        if (i % 100 != 50 && player_remove(&players, crowd[i]) != ACRE_OK) {
            return 1;
        }
    }
    unsigned hits = 0;
    unsigned misses = 0;
    for (acre_id id = 0; (id = acre_table_next(&players.table, id)) != 0;) {
        struct player *player = acre_table_at(&players.table, id);
        struct player *target = acre_table_at(&players.table, player->target);
        if (target == NULL) {
            misses += 1; // not a crash, and not somebody else who got the same memory
            continue;
        }
        target->hits += 1;
        hits += 1;
    }
    size_t given_bytes = acre_table_trim(&players.table);
    printf(
        "%u hits, %u misses; %zu KiB held, %zu KiB given back\n", hits, misses,
        full.committed_bytes / 1024, given_bytes / 1024);
    return acre_table_close(&players.table) == ACRE_OK && hits + misses == CROWD / 100 &&
                   given_bytes > full.committed_bytes / 2
               ? 0
               : 1;
}
