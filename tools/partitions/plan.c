// plan.c - the partitions that need the least memory, by dynamic programming. See plan.h.
//
// The k-th partition ends at some class j; the best for the classes up to j with k partitions is the best
// for those up to some i with one partition less, and one for i + 1 to j:
//
//     best[k][j] = min over i of  best[k - 1][i] + bytes(peaks_of(i + 1, j) blocks of size[j])
//
// With m classes that takes k m m steps. It is the true minimum for what was recorded: partitions are
// ranges of sizes, and what each must hold is known exactly.
// SPDX-License-Identifier: MIT
#include "plan.h"

#include <stdlib.h>
#include <string.h>

/// What was chosen for the classes up to one of them.
struct best {
    size_t bytes; // SIZE_MAX: impossible
    size_t first; // class at which the last partition begins
};

static size_t block_count(size_t peak, unsigned margin_percent)
{
    return peak + (peak * margin_percent + 99) / 100;
}

/// Bytes of a partition in a set, as the set itself counts them, which rounds up once at the end; SIZE_MAX if
/// no machine has them.
static size_t partition_bytes(
    const struct peaks *peaks, size_t first, size_t last, unsigned margin_percent)
{
    size_t count = block_count(peaks_of(peaks, first, last), margin_percent);
    size_t beside = ACRE_POOL_BESIDE_BYTES(count) + ACRE_PARTITIONS_EACH_BYTES;
    size_t bytes;
    if (__builtin_mul_overflow(count, peaks->size[last], &bytes) || bytes > PTRDIFF_MAX - beside) {
        return SIZE_MAX;
    }
    return bytes + beside;
}

static void solve(
    struct best *best, const struct best *before, const struct peaks *peaks,
    unsigned margin_percent)
{
    for (size_t last = 0; last < peaks->count; last++) {
        best[last] = (struct best){.bytes = SIZE_MAX};
        for (size_t first = 0; first <= last; first++) {
            if ((before == NULL) != (first == 0)) {
                continue; // the first partition begins at the first class, and no other does
            }
            size_t bytes = partition_bytes(peaks, first, last, margin_percent);
            if (before != NULL) {
                size_t less = before[first - 1].bytes;
                bytes = less > SIZE_MAX - bytes ? SIZE_MAX : bytes + less;
            }
            if (bytes < best[last].bytes) {
                best[last] = (struct best){bytes, first};
            }
        }
    }
}

/// Reads the plan of exactly `count` partitions out of the table. False: there is none.
static bool read_plan(
    struct plan *plan, struct best *const *best, size_t count, const struct peaks *peaks,
    size_t align, unsigned margin_percent)
{
    size_t last = peaks->count - 1;
    plan->count = count;
    if (count > peaks->count || best[count - 1][last].bytes == SIZE_MAX) {
        return false;
    }
    for (size_t k = count; k-- > 0;) {
        size_t first = best[k][last].first;
        plan->partition[k] = (acre_partition){
            .block_bytes = peaks->size[last],
            .count = block_count(peaks_of(peaks, first, last), margin_percent),
        };
        plan->least[k] = first == 0 ? 1 : peaks->size[first - 1] + 1;
        last = first - 1;
    }
    const acre_partitions_options options = {.align = align};
    plan->bytes = acre_partitions_bytes(plan->partition, count, &options);
    return plan->bytes != 0;
}

bool plan_make(
    struct plan plans[ACRE_PARTITIONS_MAX], const struct peaks *peaks, size_t align,
    unsigned margin_percent)
{
    struct best *best[ACRE_PARTITIONS_MAX] = {NULL};
    struct best *table = calloc(ACRE_PARTITIONS_MAX * peaks->count, sizeof(*table));
    bool any = table != NULL;
    for (size_t k = 0; table != NULL && k < ACRE_PARTITIONS_MAX; k++) {
        best[k] = table + k * peaks->count;
        solve(best[k], k == 0 ? NULL : best[k - 1], peaks, margin_percent);
        struct plan plan;
        bool found = read_plan(&plan, best, k + 1, peaks, align, margin_percent);
        any = any && (k > 0 || found);
        if (k > 0 && (!found || plan.bytes >= plans[k - 1].bytes)) {
            plan = plans[k - 1]; // one more would cost more than it saves
        }
        plans[k] = plan;
    }
    free(table);
    return any;
}

static const char *run(acre_partitions *set, const struct trace *trace, void **blocks)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        void **block = &blocks[event->block];
        if (event->after == 0) {
            acre_partitions_free_sized(set, *block, event->before);
            continue;
        }
        void *moved = event->before == 0 ? acre_partitions_alloc(set, event->after)
                                         : acre_partitions_realloc(set, *block, event->after);
        if (moved == NULL) {
            return "a request was not served";
        }
        *block = moved;
    }
    return acre_partitions_audit(set);
}

const char *plan_try(const struct plan *plan, const struct trace *trace, size_t align)
{
    const acre_partitions_options options = {.align = align};
    size_t start_align = align < sizeof(void *) ? sizeof(void *) : align;
    size_t rounded = (plan->bytes + start_align - 1) / start_align * start_align;
    void *memory = aligned_alloc(start_align, rounded);
    void **blocks = calloc(trace->blocks + 1, sizeof(*blocks));
    acre_partitions *set;
    const char *wrong = "not enough memory to try the plan";
    if (memory != NULL && blocks != NULL) {
        acre_status status =
            acre_partitions_init(memory, plan->bytes, plan->partition, plan->count, &options, &set);
        wrong = status == ACRE_OK ? run(set, trace, blocks) : "the set could not be made";
    }
    free(blocks);
    free(memory);
    return wrong;
}
