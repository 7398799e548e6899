// sparse - large tables from calloc of which few pages are ever used.
//
// Stresses calloc of 1 to 64 MiB: memory that is fresh from the system is zero already, and writing
// zeros to it costs a page fault for each page that nobody wants. One page of 192 is written, and
// must be zero before that although the tables that were there were written. Real programs: hash
// tables sized for the worst case, shadow memories, sparse matrices, emulators'
// address spaces, regular expression engines.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { LIVE = 6, TABLES = 500, TOUCH_EVERY = 192, LOW_LOG2 = 20, HIGH_LOG2 = 26 };

typedef struct table {
    char *bytes;
    size_t byte_count;
} table;

static table tables[LIVE];

static void table_new(table *made, pattern_random *random)
{
    size_t base = (size_t)1 << (LOW_LOG2 + pattern_random_below(random, HIGH_LOG2 - LOW_LOG2));
    made->byte_count = base + pattern_random_below(random, base);
    made->bytes = calloc(1, made->byte_count);
    if (made->bytes == NULL) {
        pattern_fail("calloc returned NULL");
    }
    pattern_keep(made->bytes);
    size_t pages = made->byte_count / PATTERN_PAGE_BYTES;
    size_t touched = pages / TOUCH_EVERY + 1;
    for (size_t i = 0; i < touched; i++) {
        char *page = made->bytes + pattern_random_below(random, pages) * PATTERN_PAGE_BYTES;
        if (page[PATTERN_PAGE_BYTES - 1] != 0) {
            pattern_fail("calloc's memory is not zero");
        }
        page[i % (PATTERN_PAGE_BYTES - 1)] = 1;
    }
    pattern_checksum_add(made->byte_count * touched);
}

int main(void)
{
    pattern_random random = pattern_random_seed(11);
    size_t count = pattern_work(TABLES);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < count; i++) {
        free(tables[i % LIVE].bytes);
        table_new(&tables[i % LIVE], &random);
    }
    for (size_t i = 0; i < LIVE; i++) {
        free(tables[i].bytes);
    }
    return pattern_report("sparse", count, pattern_now_ns() - start_ns);
}
