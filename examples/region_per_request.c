// region_per_request.c - a server's requests, each in a region: what a request allocates is gone when
// it ends, files it opened are closed, and the memory serves the next one.
//
//     cc region_per_request.c -lacre_pools -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "acre/acre.h"
#include "acre/port/linux.h"

struct header {
    struct header *next;
    const char *name;
    const char *value;
};

static void close_file(void *file)
{
    (void)fclose(file);
}

/// "Name: value" lines as a list. NULL when memory is short or the text is none.
static struct header *parse(acre_region *region, const char *text)
{
    struct header *list = NULL;
    while (*text != '\0') {
        size_t name_bytes = strcspn(text, ":");
        size_t line_bytes = strcspn(text, "\n");
        struct header *header = acre_region_alloc(region, sizeof(*header));
        char *words = acre_region_copy(region, text, line_bytes + 1);
        if (header == NULL || words == NULL || name_bytes >= line_bytes) {
            return NULL;
        }
        words[name_bytes] = '\0';
        words[line_bytes] = '\0';
        *header = (struct header){list, words, words + name_bytes + 1};
        list = header;
        text += line_bytes + (text[line_bytes] == '\n' ? 1 : 0);
    }
    return list;
}

/// The answer grows piece by piece, while the region serves other allocations.
static const char *answer(acre_region *region, const struct header *list)
{
    acre_grow text;
    acre_grow_begin(&text, region);
    for (; list != NULL; list = list->next) {
        if (acre_grow_append(&text, list->name, strlen(list->name)) != ACRE_OK ||
            acre_grow_append(&text, " ", 1) != ACRE_OK) {
            return NULL;
        }
    }
    return acre_grow_append(&text, "", 1) == ACRE_OK ? acre_grow_finish(&text) : NULL;
}

static bool serve(acre_region *region, const char *request)
{
    FILE *log = fopen("/dev/null", "w");
    if (log == NULL) {
        return false;
    }
    if (acre_region_defer(region, close_file, log, NULL) != ACRE_OK) {
        close_file(log);
        return false;
    }
    const struct header *list = parse(region, request);
    const char *text = list != NULL ? answer(region, list) : NULL;
    if (text == NULL) {
        return false; // whatever was made until here goes with the rest
    }
    (void)fprintf(log, "%s\n", text);
    puts(text);
    return true;
}

int main(void)
{
    acre_region region;
    acre_region_options options = {.chunk_bytes = 16384, .limit_bytes = (size_t)1 << 20};
    if (acre_region_open(&region, acre_pages_mmap(), &options) != ACRE_OK) {
        return 1;
    }
    unsigned served = 0;
    for (unsigned i = 0; i < 1000; i++) {
        const char *request = i % 500 == 0 ? "Host: here\nAccept: all\nLength: 0" : "no headers";
        served += serve(&region, request) ? 1 : 0;
        acre_region_reset(&region, SIZE_MAX); // keeps the memory, frees everything in it
    }
    acre_region_stats stats;
    acre_region_get_stats(&region, &stats);
    printf("%u served, %zu KiB held\n", served, stats.held_bytes / 1024);
    acre_region_close(&region);
    return served == 2 && stats.held_bytes == 16384 ? 0 : 1;
}
