// partitions.h - what the two files of the partition set share: how a set lies in its memory.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_PARTITIONS_H
#define ACRE_POOLS_PARTITIONS_H

#include "acre/partitions.h"
#include "base/bits.h"

/// One partition: a pool, and what became of the requests that belong to it.
struct partition {
    acre_pool pool;
    size_t largest_bytes;
    uint32_t failed_count;
    uint32_t spilled_count;
};

/// Where the partitions part: with n of them n - 1 keys, and then what nothing is above.
enum { PARTITION_KEYS = ACRE_PARTITIONS_MAX - 1 };

struct acre_partitions {
    size_t count;                 // of partitions
    size_t spill;                 // ACRE_PARTITIONS_SPILL, or 0
    acre_pages *pages;            // NULL: memory of the caller
    size_t reserved_bytes;        // from the page source
    word sizes[PARTITION_KEYS];   // the most bytes of a block of this one and those before
    word places[PARTITION_KEYS];  // the last address before the next one
    struct partition partition[]; // blocks grow larger, and addresses higher
};

_Static_assert(sizeof(struct acre_partitions) == ACRE_PARTITIONS_SET_BYTES, "as the macro says");
_Static_assert(sizeof(struct partition) == ACRE_PARTITIONS_EACH_BYTES, "as the macro says");

#endif
