// hello_heap.c - a heap of its own for one part of a program, with a limit that it cannot exceed.
//
//     cc hello_heap.c -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "acre/acre.h"
#include "acre/port/linux.h"

enum { NOTE_BYTES = 1000 };

int main(void)
{
    const acre_heap_options options = {.name = "notes", .limit_bytes = (size_t)1 << 20};
    acre_heap *notes;
    if (acre_heap_create(acre_pages_mmap(), &options, &notes) != ACRE_OK) {
        fputs("no memory for a heap\n", stderr);
        return 1;
    }

    // A block from this heap is like one from malloc, but that the heap is named at each call.
    char *greeting = acre_heap_alloc(notes, 16);
    if (greeting == NULL) {
        acre_heap_destroy(notes);
        return 1;
    }
    strcpy(greeting, "hello");
    char *longer = acre_heap_realloc(notes, greeting, 64);
    if (longer != NULL) { // else `greeting` is still there, as realloc has it
        strcat(longer, ", heap");
        puts(longer);
    }

    // The limit: NULL, and nothing else happens. The rest of the program has its memory.
    size_t count = 0;
    void *last = NULL;
    for (void *note; (note = acre_heap_alloc(notes, NOTE_BYTES)) != NULL; last = note) {
        count += 1;
    }
    acre_heap_stats stats;
    acre_heap_get_stats(notes, &stats);
    printf(
        "%zu notes, then the limit: %zu of %zu bytes held\n", count, stats.committed_bytes,
        stats.limit_bytes);

    // One block back, and there is room for one more.
    acre_heap_free(notes, last);
    bool again = acre_heap_alloc(notes, NOTE_BYTES) != NULL;
    printf("after one free: %s\n", again ? "one more fits" : "still full");

    acre_heap_destroy(notes); // frees every note at once
    return again && longer != NULL ? 0 : 1;
}
