// fixed_block.c - calloc and free on three partitions in one fixed block, as recorded and planned: what the
// firmware is shipped with. All its dynamic memory is json_memory, whose size the linker's map shows.
// SPDX-License-Identifier: MIT
#include "board.h"
#include "json_plan.h"

ACRE_PARTITIONS_DEFINE(json, JSON_PLAN)

void *__wrap_calloc(size_t count, size_t bytes);
void __wrap_free(void *block);

bool memory_start(void)
{
    // For messages that nobody recorded: a small request may have a large block. memory_report tells.
    return json_init(ACRE_PARTITIONS_SPILL) == ACRE_OK;
}

void memory_report(void)
{
    say("block of ");
    say_number(sizeof(json_memory));
    say(" bytes\n");
    for (size_t i = 0; i < acre_partitions_count(json); i++) {
        acre_partition_stats stats;
        (void)acre_partitions_get_stats(json, i, &stats);
        say_number((uint32_t)stats.block_bytes);
        say(" bytes: at most ");
        say_number((uint32_t)stats.live_peak);
        say(" of ");
        say_number((uint32_t)stats.count);
        say(", live ");
        say_number((uint32_t)stats.live_count);
        say(", spilled ");
        say_number((uint32_t)stats.spilled_count);
        say(", failed ");
        say_number((uint32_t)stats.failed_count);
        say("\n");
    }
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return acre_partitions_calloc(json, count, bytes);
}

void __wrap_free(void *block)
{
    acre_partitions_free(json, block);
}
