// heap_per_request.c - one heap for each request of a server: its work allocates as it likes, frees
// nothing, and all of it is gone when the request ends.
//
//     cc heap_per_request.c -lacre && ./a.out
//
// Creating and destroying a heap takes a few system calls. That pays for requests that take thousands
// of blocks, or that must not take more than their share; not for those that take ten.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "acre/acre.h"
#include "acre/port/linux.h"

enum { REQUESTS = 5 };

static const size_t request_bytes_max = (size_t)2 << 20;

/// A list of words, as a parser may build it: many small blocks that point to each other.
struct word {
    struct word *next;
    char text[];
};

/// Builds a list of `count` words. NULL when the request has had its share of memory: what was built
/// until then is left where it is.
static struct word *parse(acre_heap *heap, unsigned count)
{
    struct word *list = NULL;
    for (unsigned i = 0; i < count; i++) {
        char text[16];
        int length = snprintf(text, sizeof(text), "word %u", i);
        struct word *word = acre_heap_alloc(heap, sizeof(*word) + (size_t)length + 1);
        if (word == NULL) {
            return NULL;
        }
        memcpy(word->text, text, (size_t)length + 1);
        word->next = list;
        list = word;
    }
    return list;
}

/// Serves one request. Returns whether it was served.
static bool serve(unsigned number, unsigned word_count)
{
    const acre_heap_options options = {
        .name = "request",
        .limit_bytes = request_bytes_max,
    };
    acre_heap *heap;
    if (acre_heap_create(acre_pages_mmap(), &options, &heap) != ACRE_OK) {
        return false;
    }
    struct word *list = parse(heap, word_count);
    acre_heap_stats stats;
    acre_heap_get_stats(heap, &stats);
    printf(
        "request %u: %s, %zu blocks, %zu KiB\n", number, list != NULL ? list->text : "too large",
        stats.live_blocks, stats.committed_bytes / 1024);
    acre_heap_destroy(heap);
    return list != NULL;
}

int main(void)
{
    // Each request is ten times the one before. The last is more than a request may take; those after
    // it are not affected, which one more small one shows.
    unsigned served = 0;
    unsigned word_count = 10;
    for (unsigned i = 1; i <= REQUESTS; i++) {
        served += serve(i, word_count) ? 1 : 0;
        word_count *= 10;
    }
    served += serve(REQUESTS + 1, 10) ? 1 : 0;
    printf("%u of %u served\n", served, REQUESTS + 1u);
    return served == REQUESTS ? 0 : 1;
}
