// consumer.c - a program of somebody who has acre installed: it runs on acre and has a heap of its
// own. Says which version it has.
// SPDX-License-Identifier: MIT
#include <acre/acre.h>
#include <acre/malloc.h>
#include <acre/port/linux.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool own_heap_works(void)
{
    const acre_heap_options options = {.limit_bytes = (size_t)8 << 20, .name = "own"};
    acre_heap *heap;
    if (acre_heap_create(acre_pages_mmap(), &options, &heap) != ACRE_OK) {
        return false;
    }
    void *block = acre_heap_alloc(heap, 1000);
    bool works = block != NULL && acre_heap_alloc(heap, (size_t)9 << 20) == NULL;
    acre_heap_free(heap, block);
    acre_heap_destroy(heap);
    return works;
}

int main(void)
{
    char *block = malloc(100);
    if (block == NULL || acre_heap_usable_size(acre_default_heap(), block) < 100) {
        (void)fputs("consumer: malloc is not acre's\n", stderr);
        return 1;
    }
    free(block);
    if (strcmp(acre_version(), ACRE_VERSION_TEXT) != 0) {
        (void)fputs("consumer: headers and library differ in version\n", stderr);
        return 1;
    }
    if (!own_heap_works()) {
        (void)fputs("consumer: a heap of its own does not work\n", stderr);
        return 1;
    }
    (void)printf("acre %s\n", acre_version());
    return 0;
}
