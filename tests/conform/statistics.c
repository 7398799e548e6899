// statistics.c - mallinfo, mallinfo2, malloc_info, malloc_stats, mallopt and malloc_trim: shapes,
// results, and numbers that follow what the program holds.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "process.h"
#include "xml.h"

#define BLOCK_COUNT 2000

static void *blocks[BLOCK_COUNT];

static void take(size_t size, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = opaque(malloc(size));
        if (CHECK(blocks[i] != NULL)) {
            memset(blocks[i], 1, size);
        }
    }
}

static void give_back(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(blocks[i]);
    }
}

static void mallinfo2_follows_blocks_of_every_kind(void)
{
    static const struct {
        size_t size;
        size_t count;
    } kinds[] = {{24, 2000}, {1000, 1000}, {10000, 200}, {40000, 100}, {300000, 20}, {4000000, 5}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t total = kinds[i].size * kinds[i].count;
        size_t before = process_live_bytes();
        take(kinds[i].size, kinds[i].count);
        size_t during = process_live_bytes();
        give_back(kinds[i].count);
        size_t after = process_live_bytes();
        CHECK_AT(during >= before + total, kinds[i].size);
        // Seven freed blocks of a size may wait in glibc's cache and still count.
        CHECK_AT(after + total <= during + 8 * kinds[i].size + 64, kinds[i].size);
    }
}

static void mallinfo2_adds_up(void)
{
    take(500, BLOCK_COUNT);
    struct mallinfo2 info = mallinfo2();
    CHECK(info.uordblks + info.fordblks == info.arena);
    CHECK(info.uordblks >= (size_t)500 * BLOCK_COUNT);
    give_back(BLOCK_COUNT);
}

static void mallinfo2_counts_huge_blocks(void)
{
    struct mallinfo2 before = mallinfo2();
    void *first = opaque(malloc((size_t)64 << 20));
    void *second = opaque(malloc((size_t)64 << 20));
    struct mallinfo2 during = mallinfo2();
    CHECK(during.hblks == before.hblks + 2);
    CHECK(during.hblkhd >= before.hblkhd + ((size_t)128 << 20));
    free(first);
    free(second);
    CHECK(mallinfo2().hblks == before.hblks);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void mallinfo_is_mallinfo2_in_ints(void)
{
    take(500, BLOCK_COUNT);
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo();
    CHECK(narrow.uordblks == (int)wide.uordblks);
    CHECK(narrow.arena == (int)wide.arena);
    CHECK(narrow.hblkhd == (int)wide.hblkhd);
    give_back(BLOCK_COUNT);
}
#pragma GCC diagnostic pop

/// Writes malloc_info into `text`. Returns the call's result.
static int info_text(char *text, size_t bytes)
{
    FILE *stream = tmpfile();
    if (!CHECK(stream != NULL)) {
        text[0] = '\0';
        return -1;
    }
    int result = malloc_info(0, stream);
    rewind(stream);
    text[fread(text, 1, bytes - 1, stream)] = '\0';
    (void)fclose(stream);
    return result;
}

/// The number in attribute size of the first element that starts with `element`, or 0.
static size_t info_size(const char *text, const char *element)
{
    const char *at = strstr(text, element);
    at = at != NULL ? strstr(at, "size=\"") : NULL;
    return at != NULL ? strtoull(at + 6, NULL, 10) : 0;
}

static void malloc_info_has_the_shape_of_glibc(void)
{
    static char text[1 << 20];
    static const char *const totals[] = {
        "<total type=\"fast\" count=\"",    "<total type=\"rest\" count=\"",
        "<total type=\"mmap\" count=\"",    "<system type=\"current\" size=\"",
        "<system type=\"max\" size=\"",     "<aspace type=\"total\" size=\"",
        "<aspace type=\"mprotect\" size=\""};
    take(700, BLOCK_COUNT);
    CHECK(info_text(text, sizeof(text)) == 0);
    CHECK(xml_is_well_formed(text));
    CHECK(strncmp(text, "<malloc version=\"1\">", 20) == 0);
    CHECK(strstr(text, "<heap nr=\"0\">") != NULL && strstr(text, "</heap>") != NULL);
    CHECK(strstr(text, "<sizes>") != NULL || strstr(text, "<sizes/>") != NULL);

    // What the whole process holds stands behind the last heap.
    const char *end = text;
    for (const char *at = strstr(text, "</heap>"); at != NULL; at = strstr(at + 1, "</heap>")) {
        end = at;
    }
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        if (!CHECK(strstr(end, totals[i]) != NULL)) {
            conform_say("#   %s...", totals[i]);
        }
    }
    CHECK(info_size(end, "<system type=\"current\"") >= (size_t)700 * BLOCK_COUNT);
    CHECK(info_size(end, "<system type=\"max\"") >= info_size(end, "<system type=\"current\""));
    give_back(BLOCK_COUNT);
}

static void malloc_info_refuses_options(void)
{
    FILE *stream = tmpfile();
    if (!CHECK(stream != NULL)) {
        return;
    }
    errno = 77;
    CHECK(malloc_info(1, stream) == EINVAL);
    // The manual has it set errno, the C library does not.
    CHECK(conform_errno() == 77 || conform_errno() == EINVAL);
    CHECK(ftell(stream) == 0);
    (void)fclose(stream);
}

static void malloc_stats_writes_to_standard_error_only(void)
{
    char text[4096];
    int ends[2];
    if (!CHECK(pipe(ends) == 0)) {
        return;
    }
    int kept = dup(STDERR_FILENO);
    CHECK(fflush(stderr) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    malloc_stats();
    CHECK(fflush(stderr) == 0 && dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    (void)close(ends[1]);
    ssize_t got = read(ends[0], text, sizeof(text) - 1);
    (void)close(ends[0]);
    CHECK(got > 0);
    text[got > 0 ? got : 0] = '\0';
    CHECK(strstr(text, "in use bytes") != NULL || conform_on_acre());
}

static void mallopt_accepts_what_glibc_accepts(void)
{
    CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    CHECK(mallopt(M_TOP_PAD, 1 << 16) == 1);
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    CHECK(mallopt(M_MMAP_MAX, 1000) == 1);
    CHECK(mallopt(M_ARENA_MAX, 2) == 1);
    CHECK(mallopt(M_ARENA_TEST, 2) == 1);
    CHECK(mallopt(M_CHECK_ACTION, 3) == 1);
    CHECK(mallopt(M_PERTURB, 0) == 1);
    CHECK(mallopt(M_MXFAST, 64) == 1);
    void *block = opaque(malloc(3000000));
    CHECK(block != NULL);
    free(block);
}

static void malloc_trim_gives_memory_back(void)
{
    take(30000, BLOCK_COUNT);
    size_t full = process_resident_bytes();
    // The last block stays, so that not all of the memory is free.
    give_back(BLOCK_COUNT - 1);
    int result = malloc_trim(0);
    size_t trimmed = process_resident_bytes();
    CHECK(result == 0 || result == 1);
    CHECK(trimmed + (size_t)50000000 < full);
    free(blocks[BLOCK_COUNT - 1]);
    CHECK(malloc_trim(1 << 20) <= 1);
    take(30000, 10);
    give_back(10);
}

static void malloc_trim_reports_whether_it_gave_anything(void)
{
    // glibc answers 1 for pages that it gives back again and again, so this is acre's own.
    if (!conform_on_acre()) {
        return;
    }
    take(1000, BLOCK_COUNT);
    give_back(BLOCK_COUNT);
    (void)malloc_trim(0);
    CHECK(malloc_trim(0) == 0);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(mallinfo2_follows_blocks_of_every_kind),
        CONFORM_CASE(mallinfo2_adds_up),
        CONFORM_CASE(mallinfo2_counts_huge_blocks),
        CONFORM_CASE(mallinfo_is_mallinfo2_in_ints),
        CONFORM_CASE(malloc_info_has_the_shape_of_glibc),
        CONFORM_CASE(malloc_info_refuses_options),
        CONFORM_CASE(malloc_stats_writes_to_standard_error_only),
        CONFORM_CASE(mallopt_accepts_what_glibc_accepts),
        CONFORM_CASE(malloc_trim_gives_memory_back),
        CONFORM_CASE(malloc_trim_reports_whether_it_gave_anything),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
