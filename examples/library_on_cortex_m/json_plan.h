// json_plan.h - partitions that acre-partitions planned, and tried, from
//     json.trace: 23362 operations, peak 11082 bytes
//
// partitions, bytes on the machine that planned, over the peak:
//     1     503704  45.452
//     2      24744   2.233
//  *  3      19256   1.738
//     4      16488   1.488
//     5      16392   1.479
//     6      16368   1.477
//
// SPDX-License-Identifier: MIT
#ifndef JSON_PLAN_H
#define JSON_PLAN_H

#include "acre/partitions.h"

// Sizes are multiples of 8.
#if UINTPTR_MAX > UINT32_MAX
#error "planned for machines of 32 bits: --align"
#endif

// 1 to 8 bytes: 351 at a time
// 9 to 24 bytes: 364 at a time
// 25 to 696 bytes: 10 at a time
#define JSON_PLAN(PARTITION)                                                                       \
    PARTITION(8, 351)                                                                              \
    PARTITION(24, 364)                                                                             \
    PARTITION(696, 10)

#endif
